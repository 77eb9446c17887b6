//! A TIFF structure as a tree of directories (IFDs), read without copying.
//!
//! Offsets, counts and types come from the file and are not trusted. A value that does not lie in the file is absent. The
//! number of directories and of their entries is limited, and no directory is visited twice.

use super::bytes::{Order, part, text};

/// The most entries of a directory. Makernotes have up to 200.
const MAX_ENTRIES: usize = 1000;

/// The most directories of a file. A RAW file has up to ten.
const MAX_DIRECTORIES: usize = 48;

/// How deep sub-directories are followed. Cameras use one level.
const MAX_DEPTH: usize = 3;

const SUB_IFDS: u16 = 0x014a;
const ORIENTATION: u16 = 0x0112;

/// Bytes with offsets into them.
#[derive(Clone, Copy)]
pub struct Tiff<'a> {
    bytes: &'a [u8],
    /// Where offset 0 is. Not 0 for some makernotes.
    base: usize,
    pub order: Order,
}

impl<'a> Tiff<'a> {
    /// Reads the header at `base`. Returns the structure and its first directory. The version number is not checked, because
    /// Olympus and Panasonic write others than TIFF's 42.
    pub fn open(bytes: &'a [u8], base: usize) -> Option<(Tiff<'a>, Option<Ifd<'a>>)> {
        let order = Order::from_mark(part(bytes, base, 2)?)?;
        let tiff = Tiff { bytes, base, order };
        let first = order.u32(bytes, base.checked_add(4)?)?;
        Some((tiff, tiff.ifd(first)))
    }

    /// Returns the same bytes with another order and, if one is given, another base.
    pub fn with(self, order: Order, base: Option<usize>) -> Tiff<'a> {
        Tiff { order, base: base.unwrap_or(self.base), ..self }
    }

    /// Returns the directory at an offset.
    pub fn ifd(self, offset: u32) -> Option<Ifd<'a>> {
        self.ifd_at(self.base.checked_add(usize::try_from(offset).ok()?)?)
    }

    /// Returns the directory at a place in the bytes. `None` if its entries do not lie in the file.
    pub fn ifd_at(self, at: usize) -> Option<Ifd<'a>> {
        let entries = usize::from(self.order.u16(self.bytes, at)?);
        part(self.bytes, at.checked_add(2)?, 12 * entries)?;
        (1..=MAX_ENTRIES).contains(&entries).then_some(Ifd { tiff: self, at, entries })
    }

    pub fn part(self, offset: u32, length: u32) -> Option<&'a [u8]> {
        let at = self.base.checked_add(usize::try_from(offset).ok()?)?;
        part(self.bytes, at, usize::try_from(length).ok()?)
    }

    /// Returns whether a mark is at a place in the bytes.
    pub fn starts_with(self, at: usize, mark: &[u8]) -> bool {
        part(self.bytes, at, mark.len()) == Some(mark)
    }

    /// Returns the two bytes at a place as a mark of the byte order.
    pub fn order_at(self, at: usize) -> Option<Order> {
        Order::from_mark(part(self.bytes, at, 2)?)
    }

    /// Returns the first directory of the structure whose header is at a place in the bytes.
    pub fn open_at(self, at: usize) -> Option<Ifd<'a>> {
        Tiff::open(self.bytes, at)?.1
    }
}

/// One directory.
#[derive(Clone, Copy)]
pub struct Ifd<'a> {
    pub tiff: Tiff<'a>,
    at: usize,
    entries: usize,
}

impl<'a> Ifd<'a> {
    /// Returns the value of a tag. `None` without the tag, and if the value does not lie in the file.
    pub fn get(self, tag: u16) -> Option<Value<'a>> {
        let Tiff { bytes, base, order } = self.tiff;
        let entry = (0..self.entries).map(|i| self.at + 2 + 12 * i).find(|at| order.u16(bytes, *at) == Some(tag))?;
        let kind = order.u16(bytes, entry + 2)?;
        let count = order.place(bytes, entry + 4)?;
        let length = count.checked_mul(size(kind)?)?;
        let at = if length <= 4 { entry + 8 } else { base.checked_add(order.place(bytes, entry + 8)?)? };
        Some(Value { bytes: part(bytes, at, length)?, at, kind, order })
    }

    /// Returns whether the directory names a tag, with or without a value.
    pub fn has(self, tag: u16) -> bool {
        let Tiff { bytes, order, .. } = self.tiff;
        (0..self.entries).any(|i| order.u16(bytes, self.at + 2 + 12 * i) == Some(tag))
    }

    /// Returns the first number of a tag.
    pub fn number(self, tag: u16) -> Option<u32> {
        self.get(tag)?.number(0)
    }

    /// Returns width and height from two tags. `None` if one of them is 0.
    pub fn size(self, width: u16, height: u16) -> Option<(u32, u32)> {
        not_zero(self.number(width)?, self.number(height)?)
    }

    /// Returns two numbers of a tag as width and height. `None` if one of them is 0.
    pub fn pair(self, tag: u16, first: usize) -> Option<(u32, u32)> {
        let value = self.get(tag)?;
        not_zero(value.number(first)?, value.number(first + 1)?)
    }

    /// Returns the text of a tag.
    pub fn text(self, tag: u16) -> Option<&'a str> {
        text(self.get(tag)?.bytes)
    }

    /// Returns the bytes that one tag gives the offset of, and one the length. `None` if they do not lie in the file, or are
    /// several parts.
    pub fn stream(self, start: u16, length: u16) -> Option<&'a [u8]> {
        let single = |tag| self.get(tag).filter(|value| value.count() == 1)?.number(0);
        self.tiff.part(single(start)?, single(length)?)
    }

    /// Returns the directory that a tag points to or, in old Olympus makernotes, holds.
    pub fn child(self, tag: u16) -> Option<Ifd<'a>> {
        let value = self.get(tag)?;
        if value.bytes.len() > 4 { self.tiff.ifd_at(value.at) } else { self.tiff.ifd(value.number(0)?) }
    }

    /// Returns the EXIF orientation, 1 to 8.
    pub fn orientation(self) -> Option<u8> {
        u8::try_from(self.number(ORIENTATION)?).ok().filter(|orientation| (1..=8).contains(orientation))
    }

    fn next(self) -> Option<u32> {
        self.tiff.order.u32(self.tiff.bytes, self.at + 2 + 12 * self.entries)
    }
}

/// What a tag holds.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    pub bytes: &'a [u8],
    /// Where they are in the file.
    pub at: usize,
    kind: u16,
    order: Order,
}

impl Value<'_> {
    pub fn count(self) -> usize {
        size(self.kind).map_or(0, |size| self.bytes.len() / size)
    }

    /// Returns an unsigned number, or a fraction rounded to one. `None` for other types.
    pub fn number(self, index: usize) -> Option<u32> {
        let at = index.checked_mul(size(self.kind)?)?;
        match self.kind {
            1 | 7 => self.bytes.get(at).map(|byte| u32::from(*byte)),
            3 => self.order.u16(self.bytes, at).map(u32::from),
            4 | 13 => self.order.u32(self.bytes, at),
            5 => {
                let (above, below) = (self.order.u32(self.bytes, at)?, self.order.u32(self.bytes, at.checked_add(4)?)?);
                above.checked_add(below / 2)?.checked_div(below)
            }
            _ => None,
        }
    }

    /// Returns a number that may be a fraction, with or without a sign.
    pub fn fraction(self, index: usize) -> Option<f32> {
        let at = index.checked_mul(size(self.kind)?)?;
        let long = |at: usize| self.order.u32(self.bytes, at);
        let (above, below) = match self.kind {
            5 => (f64::from(long(at)?), f64::from(long(at.checked_add(4)?)?)),
            10 => (f64::from(long(at)?.cast_signed()), f64::from(long(at.checked_add(4)?)?.cast_signed())),
            _ => (f64::from(self.number(index)?), 1.0),
        };
        Some((above / below) as f32).filter(|number| number.is_finite())
    }
}

/// The bytes of one value of a type of TIFF 6.0, or of an IFD pointer (13).
fn size(kind: u16) -> Option<usize> {
    match kind {
        1 | 2 | 6 | 7 => Some(1),
        3 | 8 => Some(2),
        4 | 9 | 11 | 13 => Some(4),
        5 | 10 | 12 => Some(8),
        _ => None,
    }
}

fn not_zero(width: u32, height: u32) -> Option<(u32, u32)> {
    (width > 0 && height > 0).then_some((width, height))
}

/// Where a directory is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the chain that begins with the first one.
    Chain,
    /// Below another one.
    Sub,
}

/// Returns the first directory, those after it, and those below them.
pub fn directories(first: Ifd<'_>) -> Vec<(Ifd<'_>, Place)> {
    let mut found = vec![(first, Place::Chain, 0)];
    let mut next = 0;
    while let Some(&(ifd, place, depth)) = found.get(next) {
        next += 1;
        let below = ifd.get(SUB_IFDS).filter(|_| depth < MAX_DEPTH);
        let below = below.iter().flat_map(|value| (0..value.count().min(MAX_DIRECTORIES)).map_while(|i| value.number(i)));
        let below = below.map(|offset| (offset, Place::Sub, depth + 1));
        let after = ifd.next().filter(|offset| *offset > 0 && place == Place::Chain).map(|offset| (offset, Place::Chain, depth));
        for (offset, place, depth) in below.chain(after) {
            if let Some(ifd) = ifd.tiff.ifd(offset)
                && found.len() < MAX_DIRECTORIES
                && found.iter().all(|(known, ..)| known.at != ifd.at)
            {
                found.push((ifd, place, depth));
            }
        }
    }
    found.into_iter().map(|(ifd, place, _)| (ifd, place)).collect()
}

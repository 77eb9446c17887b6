//! Previews and sizes in makernotes: directories in a layout of the camera's maker, inside the Exif directory.

use super::preview::Previews;
use super::tiff::Ifd;

const MAKERNOTE: u16 = 0x927c;
const JPEG_START: u16 = 0x0201;
const JPEG_LENGTH: u16 = 0x0202;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Nikon,
    Olympus,
    Pentax,
    /// Minolta, Samsung and Sony. Their numbers do not collide.
    Plain,
}

/// What the offsets of a makernote count from.
#[derive(Clone, Copy)]
enum Base {
    /// Its first byte.
    Own,
    /// Offset 0 of the structure around it.
    Outer,
}

/// How a makernote begins, and where its directory is.
struct Layout {
    mark: &'static [u8],
    kind: Kind,
    /// Where the byte order is. The outer one if there is no mark, or an unknown one.
    order: Option<usize>,
    directory: usize,
    base: Base,
}

const fn layout(mark: &'static [u8], kind: Kind, order: Option<usize>, directory: usize, base: Base) -> Layout {
    Layout { mark, kind, order, directory, base }
}

const LAYOUTS: [Layout; 9] = [
    layout(b"OLYMPUS\0", Kind::Olympus, Some(8), 12, Base::Own),
    layout(b"OM SYSTEM\0", Kind::Olympus, Some(12), 16, Base::Own),
    layout(b"OLYMP\0", Kind::Olympus, None, 8, Base::Outer),
    layout(b"PENTAX \0", Kind::Pentax, Some(8), 10, Base::Own),
    layout(b"RICOH\0", Kind::Pentax, Some(6), 8, Base::Own),
    layout(b"AOC\0", Kind::Pentax, Some(4), 6, Base::Outer),
    layout(b"SONY DSC ", Kind::Plain, None, 12, Base::Outer),
    layout(b"SONY CAM ", Kind::Plain, None, 12, Base::Outer),
    layout(b"", Kind::Plain, None, 0, Base::Outer),
];

/// Nikon's mark, before a TIFF header of its own.
const NIKON: &[u8] = b"Nikon\0\x02";
const NIKON_HEADER: usize = 10;

/// A makernote.
#[derive(Clone, Copy)]
pub struct MakerNote<'a> {
    kind: Kind,
    ifd: Ifd<'a>,
}

/// Returns the makernote of an Exif directory.
pub fn find(exif: Ifd<'_>) -> Option<MakerNote<'_>> {
    let (tiff, at) = (exif.tiff, exif.get(MAKERNOTE)?.at);
    if tiff.starts_with(at, NIKON) {
        return Some(MakerNote { kind: Kind::Nikon, ifd: tiff.open_at(at.checked_add(NIKON_HEADER)?)? });
    }
    let layout = LAYOUTS.iter().find(|layout| tiff.starts_with(at, layout.mark))?;
    let order = layout.order.and_then(|order| tiff.order_at(at.checked_add(order)?)).unwrap_or(tiff.order);
    let inner = tiff.with(order, matches!(layout.base, Base::Own).then_some(at));
    Some(MakerNote { kind: layout.kind, ifd: inner.ifd_at(at.checked_add(layout.directory)?)? })
}

impl<'a> MakerNote<'a> {
    /// Adds the previews.
    pub fn offer_previews(self, previews: &mut Previews<'a>) {
        let ifd = self.ifd;
        let below = |tag, start, length| ifd.child(tag).and_then(|child| child.stream(start, length));
        match self.kind {
            Kind::Nikon => previews.offer(below(0x0011, JPEG_START, JPEG_LENGTH)),
            Kind::Olympus => {
                previews.offer(below(0x2020, 0x0101, 0x0102));
                previews.offer(ifd.stream(0x1036, 0x1037));
            }
            Kind::Pentax => previews.offer(ifd.stream(0x0004, 0x0003).filter(|_| !self.has_bars())),
            Kind::Plain => {
                // Samsung, Minolta, and Sony's with a header of 32 bytes.
                previews.offer(below(0x0035, JPEG_START, JPEG_LENGTH));
                previews.offer(ifd.stream(0x0088, 0x0089));
                previews.offer(ifd.get(0x2001).and_then(|value| value.bytes.get(32..)));
            }
        }
    }

    /// Returns whether Pentax says that its preview has black bars: how wide they are at each edge.
    fn has_bars(self) -> bool {
        self.ifd.get(0x003e).is_some_and(|borders| borders.bytes.iter().any(|border| *border > 0))
    }

    /// Returns the size of the picture without the borders of the sensor.
    pub fn size(self) -> Option<(u32, u32)> {
        match self.kind {
            // Left, top, width, height.
            Kind::Nikon => self.ifd.pair(0x0045, 2),
            Kind::Olympus => {
                let processing = self.ifd.child(0x2040)?;
                olympus_frame(processing).or_else(|| processing.size(0x0614, 0x0615))
            }
            Kind::Pentax => self.ifd.pair(0x0039, 0),
            Kind::Plain => None,
        }
    }
}

/// Returns the size of the part that the chosen aspect ratio shows: the tag has its first and last column and row.
fn olympus_frame(processing: Ifd<'_>) -> Option<(u32, u32)> {
    let frame = processing.get(0x1113)?;
    let length = |first, last| frame.number(last)?.checked_sub(frame.number(first)?).filter(|length| *length > 0)?.checked_add(1);
    Some((length(0, 2)?, length(1, 3)?))
}

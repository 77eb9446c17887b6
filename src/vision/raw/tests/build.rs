//! Builds the containers that the tests read: JPEG headers, TIFF structures, boxes, heaps and sections.

pub use super::super::bytes::Order;
use super::super::{Family, Raw, family, read};

pub const ORDERS: [Order; 2] = [Order::Little, Order::Big];

pub const JPEG: [u16; 2] = [0x0201, 0x0202];
pub const STRIP: [u16; 2] = [0x0111, 0x0117];

/// A JPEG of three channels with a frame header of the given kind, and a little picture data.
pub fn frame(marker: u8, width: u16, height: u16) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xd8, 0xff, 0xdb, 0, 67, 0];
    bytes.extend([16; 64]);
    bytes.extend([0xff, marker, 0, 17, 8]);
    bytes.extend(height.to_be_bytes());
    bytes.extend(width.to_be_bytes());
    bytes.extend([3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0]);
    bytes.extend([0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0, 0x2a, 0x2a, 0xff, 0xd9]);
    bytes
}

/// A baseline JPEG.
pub fn jpeg(width: u16, height: u16) -> Vec<u8> {
    frame(0xc0, width, height)
}

/// A baseline JPEG with EXIF that says how it is turned.
pub fn turned_jpeg(width: u16, height: u16, orientation: u16) -> Vec<u8> {
    let mut exif = Tiff::new(Order::Big);
    let first = exif.ifd(&[short(0x0112, &[orientation])], 0);
    let exif = exif.finish(first);
    let mut bytes = jpeg(width, height);
    let length = (2 + 6 + exif.len()) as u16;
    let segment = [&[0xff, 0xe1][..], &length.to_be_bytes(), b"Exif\0\0", &exif].concat();
    bytes.splice(2..2, segment);
    bytes
}

pub fn number16(order: Order, number: u16) -> [u8; 2] {
    if order == Order::Little { number.to_le_bytes() } else { number.to_be_bytes() }
}

pub fn number32(order: Order, number: u32) -> [u8; 4] {
    if order == Order::Little { number.to_le_bytes() } else { number.to_be_bytes() }
}

/// The value of a tag.
#[derive(Clone)]
pub enum Field {
    Short(Vec<u16>),
    Long(Vec<u32>),
    Fraction(Vec<(u32, u32)>),
    Text(String),
    Bytes(Vec<u8>),
    Written(u32, u32),
}

/// A tag with its value.
pub type Entry = (u16, Field);

pub fn short(tag: u16, numbers: &[u16]) -> Entry {
    (tag, Field::Short(numbers.to_vec()))
}

pub fn long(tag: u16, numbers: &[u32]) -> Entry {
    (tag, Field::Long(numbers.to_vec()))
}

pub fn fraction(tag: u16, numbers: &[(u32, u32)]) -> Entry {
    (tag, Field::Fraction(numbers.to_vec()))
}

pub fn text(tag: u16, text: &str) -> Entry {
    (tag, Field::Text(text.to_owned()))
}

pub fn blob(tag: u16, bytes: &[u8]) -> Entry {
    (tag, Field::Bytes(bytes.to_vec()))
}

/// Bytes that are written already: where they are, and their length.
pub fn written(tag: u16, at: u32, length: u32) -> Entry {
    (tag, Field::Written(at, length))
}

/// A TIFF structure. Offsets count from its first byte.
pub struct Tiff {
    pub order: Order,
    pub bytes: Vec<u8>,
}

impl Tiff {
    pub fn new(order: Order) -> Tiff {
        let head: &[u8] = if order == Order::Little { b"II*\0\0\0\0\0" } else { b"MM\0*\0\0\0\0" };
        Tiff::with_head(order, head)
    }

    pub fn with_head(order: Order, head: &[u8]) -> Tiff {
        Tiff { order, bytes: head.to_vec() }
    }

    /// Adds bytes. Returns where they are.
    pub fn put(&mut self, bytes: &[u8]) -> u32 {
        self.bytes.resize(self.bytes.len().next_multiple_of(2), 0);
        let at = self.bytes.len() as u32;
        self.bytes.extend(bytes);
        at
    }

    /// Adds a JPEG. Returns the two tags that point to it.
    pub fn stream(&mut self, tags: [u16; 2], jpeg: &[u8]) -> [Entry; 2] {
        let at = self.put(jpeg);
        [long(tags[0], &[at]), long(tags[1], &[jpeg.len() as u32])]
    }

    /// Adds room for a directory of so many entries. Returns where it is.
    pub fn reserve(&mut self, entries: usize) -> u32 {
        self.put(&vec![0; 2 + 12 * entries + 4])
    }

    /// Writes a directory into its room.
    pub fn fill(&mut self, at: u32, entries: &[Entry], next: u32) {
        let order = self.order;
        let mut directory = number16(order, entries.len() as u16).to_vec();
        for (tag, field) in entries {
            let (kind, count, data) = self.field(field);
            directory.extend([number16(order, *tag), number16(order, kind)].concat());
            directory.extend(number32(order, count));
            let mut value = data.clone();
            if let Field::Written(at, length) = field {
                assert!(*length > 4);
                value = number32(order, *at).to_vec();
            } else if data.len() > 4 {
                value = number32(order, self.put(&data)).to_vec();
            }
            value.resize(4, 0);
            directory.extend(value);
        }
        directory.extend(number32(order, next));
        let at = at as usize;
        self.bytes[at..at + directory.len()].copy_from_slice(&directory);
    }

    /// Returns type, count and bytes of a value.
    fn field(&self, field: &Field) -> (u16, u32, Vec<u8>) {
        let order = self.order;
        match field {
            Field::Short(numbers) => (3, numbers.len() as u32, numbers.iter().flat_map(|n| number16(order, *n)).collect()),
            Field::Long(numbers) => (4, numbers.len() as u32, numbers.iter().flat_map(|n| number32(order, *n)).collect()),
            Field::Fraction(numbers) => {
                let bytes = numbers.iter().flat_map(|(above, below)| [number32(order, *above), number32(order, *below)].concat());
                (5, numbers.len() as u32, bytes.collect())
            }
            Field::Text(text) => (2, text.len() as u32 + 1, [text.as_bytes(), b"\0"].concat()),
            Field::Bytes(bytes) => (7, bytes.len() as u32, bytes.clone()),
            Field::Written(_, length) => (7, *length, Vec::new()),
        }
    }

    pub fn ifd(&mut self, entries: &[Entry], next: u32) -> u32 {
        let at = self.reserve(entries.len());
        self.fill(at, entries, next);
        at
    }

    /// Writes where the first directory is. Returns the bytes.
    pub fn finish(mut self, first: u32) -> Vec<u8> {
        let first = number32(self.order, first);
        self.bytes[4..8].copy_from_slice(&first);
        self.bytes
    }
}

/// A box of the ISO base media file format.
pub fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
}

/// A heap of CIFF: data, the directory, and where that is.
pub fn heap(order: Order, records: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), number16(order, records.len() as u16).to_vec());
    for (tag, data) in records {
        directory.extend(number16(order, *tag));
        if tag & 0x4000 != 0 {
            assert_eq!(data.len(), 8);
            directory.extend(data);
        } else {
            directory.extend(number32(order, data.len() as u32));
            directory.extend(number32(order, bytes.len() as u32));
            bytes.extend(data);
        }
    }
    let at = number32(order, bytes.len() as u32);
    [bytes, directory, at.to_vec()].concat()
}

/// Whether a directory is a reduced picture, and how its numbers are to be seen.
pub fn is_reduced() -> Entry {
    long(0x00fe, &[1])
}

pub fn is_full() -> Entry {
    long(0x00fe, &[0])
}

pub fn cfa() -> Entry {
    short(0x0106, &[32803])
}

pub fn rgb() -> Entry {
    short(0x0106, &[2])
}

pub fn ycbcr() -> Entry {
    short(0x0106, &[6])
}

pub fn wide(pixels: u16) -> Entry {
    short(0x0100, &[pixels])
}

pub fn high(pixels: u16) -> Entry {
    short(0x0101, &[pixels])
}

/// Checks what is read of a file, and that its preview is one of the JPEGs it was built of.
pub fn check(bytes: &[u8], of: Family, dimensions: (u32, u32), orientation: Option<u8>, preview: Option<&[u8]>) {
    assert_eq!(family(bytes), Some(of));
    let raw = read(bytes).expect("a RAW file");
    assert_eq!((raw.family, raw.dimensions, raw.orientation), (of, Some(dimensions), orientation));
    assert_eq!(raw.preview.map(|preview| preview.jpeg), preview);
}

pub fn preview_size(raw: &Raw<'_>) -> Option<(u32, u32)> {
    raw.preview.map(|preview| (preview.width, preview.height))
}

/// IFD0 with a camera's name and the SubIFDs given.
pub fn with_sub_ifds(mut tiff: Tiff, make: &str, first: Vec<Entry>, subs: &[u32]) -> Vec<u8> {
    let mut entries = first;
    entries.push(text(0x010f, make));
    entries.push(short(0x0112, &[8]));
    entries.push(long(0x014a, subs));
    let first = tiff.ifd(&entries, 0);
    tiff.finish(first)
}

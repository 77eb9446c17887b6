//! RAF: a header, a JPEG with the EXIF, and a list of records about the sensor. All numbers are big-endian.

use super::bytes::{Order, part};
use super::preview::Previews;
use super::tiff::Tiff;
use super::{Exif, Family, Raw, Tags, jpeg};

const ORDER: Order = Order::Big;

/// Where the header has offset and length of the JPEG, and the offset of the records.
const JPEG_START: usize = 0x54;
const JPEG_LENGTH: usize = 0x58;
const RECORDS: usize = 0x5c;

/// Height and width without the borders.
const CROPPED_SIZE: u16 = 0x0111;

/// The most records. Fujifilm writes about 130.
const MAX_RECORDS: usize = 256;

/// Reads a RAF. `None` if it is cut off in the header.
pub fn read(bytes: &[u8]) -> Option<Raw<'_>> {
    let (start, length) = (ORDER.place(bytes, JPEG_START)?, ORDER.place(bytes, JPEG_LENGTH)?);
    let stream = part(bytes, start, length);
    let mut previews = Previews::default();
    previews.offer(stream);

    let exif = stream.and_then(jpeg::header).and_then(|header| header.exif);
    let orientation = exif.and_then(|tiff| Tiff::open(tiff, 0)?.1?.orientation());
    let dimensions = ORDER.place(bytes, RECORDS).and_then(|records| size(bytes, records));
    let mut raw = Raw::new(Family::Raf, dimensions, orientation, &previews);
    raw.exif = exif.into_iter().map(|tiff| Exif { tiff, tags: Tags::Image }).collect();
    Some(raw)
}

fn size(bytes: &[u8], records: usize) -> Option<(u32, u32)> {
    let count = ORDER.place(bytes, records)?.min(MAX_RECORDS);
    let mut at = records.checked_add(4)?;
    for _ in 0..count {
        let (tag, length) = (ORDER.u16(bytes, at)?, ORDER.u16(bytes, at + 2)?);
        if tag == CROPPED_SIZE {
            let (height, width) = (u32::from(ORDER.u16(bytes, at + 4)?), u32::from(ORDER.u16(bytes, at + 6)?));
            // The S3 Pro and S5 Pro have two rows of photosites in one row of data: 4256 × 1424 for a picture of 4256 × 2848. No
            // picture is as wide as that: the widest, 65:24, is 2.7 times its height.
            let height = if u64::from(width) * 10 > u64::from(height) * 28 { 2 * height } else { height };
            return (width > 0 && height > 0).then_some((width, height));
        }
        at += 4 + usize::from(length);
    }
    None
}

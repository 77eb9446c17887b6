//! MRW: blocks before the sensor data. One describes the sensor, one is a TIFF structure.

use super::bytes::{Order, part};
use super::tiff::{Ifd, Tiff, directories};
use super::{Exif, Family, Raw, Tags, tiff_raw};

const ORDER: Order = Order::Big;

/// The most blocks. Minolta writes up to five.
const MAX_BLOCKS: usize = 16;

/// Where the block about the sensor has the height of the picture, before its width.
const HEIGHT: usize = 12;

/// Reads an MRW. `None` without the block with the TIFF structure.
pub fn read(bytes: &[u8]) -> Option<Raw<'_>> {
    let (mut size, mut tiff) = (None, None);
    let mut at = 8_usize;
    for _ in 0..MAX_BLOCKS {
        let (Some(kind), Some(length)) = (part(bytes, at, 4), ORDER.place(bytes, at + 4)) else { break };
        let Some(block) = part(bytes, at + 8, length) else { break };
        match kind {
            b"\0PRD" => size = ORDER.u16(block, HEIGHT + 2).zip(ORDER.u16(block, HEIGHT)),
            b"\0TTW" => tiff = Some(block),
            _ => {}
        }
        at += 8 + length;
    }
    let tiff = tiff?;
    let first = Tiff::open(tiff, 0)?.1?;
    let ifds: Vec<Ifd<'_>> = directories(first).into_iter().map(|(ifd, _)| ifd).collect();
    let size = size.map(|(width, height)| (u32::from(width), u32::from(height))).filter(|(width, height)| *width > 0 && *height > 0);
    let mut raw = tiff_raw::structure(Family::Mrw, first, &ifds, size);
    raw.exif.push(Exif { tiff, tags: Tags::Image });
    Some(raw)
}

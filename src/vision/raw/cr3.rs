//! CR3: boxes of the ISO base media file format (ISO/IEC 14496-12) with those of Canon.

use super::bytes::{Order, part};
use super::preview::Previews;
use super::tiff::Tiff;
use super::{Exif, Family, Raw, Tags};

/// The most boxes side by side. Canon writes about 20.
const MAX_BOXES: usize = 200;

const METADATA: [u8; 16] = [0x85, 0xc0, 0xb6, 0x87, 0x82, 0x0f, 0x11, 0xe0, 0x81, 0x11, 0xf4, 0xce, 0x46, 0x2b, 0x6a, 0x48];
const PREVIEW: [u8; 16] = [0xea, 0xf4, 0x2b, 0x5e, 0x1c, 0x98, 0x4b, 0x88, 0xb9, 0xfb, 0xb7, 0xdc, 0x40, 0x6e, 0x4d, 0x16];

/// Numbers of the container are big-endian. The TIFF structures in it have their own order.
const ORDER: Order = Order::Big;

const WIDTH: u16 = 0x0100;
const HEIGHT: u16 = 0x0101;
const EXIF_WIDTH: u16 = 0xa002;
const EXIF_HEIGHT: u16 = 0xa003;

/// Yields kind and body of the boxes side by side. The body of the last one may be cut off.
fn boxes(bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut at = 0_usize;
    let next = move || {
        let kind = part(bytes, at.checked_add(4)?, 4)?.try_into().ok()?;
        let (head, length) = match ORDER.u32(bytes, at)? {
            0 => (8, bytes.len() - at),
            1 => (16, usize::try_from(u64::from_be_bytes(part(bytes, at + 8, 8)?.try_into().ok()?)).ok()?),
            length => (8, usize::try_from(length).ok()?),
        };
        let end = at.checked_add(length)?;
        let body = bytes.get(at + head..end.min(bytes.len()))?;
        at = end;
        Some((kind, body))
    };
    std::iter::from_fn(next).take(MAX_BOXES)
}

fn child<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(bytes).find(|(found, _)| found == kind).map(|(_, body)| body)
}

/// Returns the body of a box with an extended type.
fn extended<'a>(bytes: &'a [u8], id: &[u8; 16]) -> Option<&'a [u8]> {
    boxes(bytes).filter(|(kind, _)| kind == b"uuid").find_map(|(_, body)| body.strip_prefix(id))
}

/// Reads a CR3. `None` without the box that describes the movie, which holds everything but the larger previews.
pub fn read(bytes: &[u8]) -> Option<Raw<'_>> {
    let movie = child(bytes, b"moov")?;
    let metadata = extended(movie, &METADATA).unwrap_or_default();
    let [image, exif, gps] = [b"CMT1", b"CMT2", b"CMT4"].map(|kind| child(metadata, kind));
    let first = |tiff: Option<_>| Tiff::open(tiff?, 0)?.1;

    let mut previews = Previews::default();
    previews.offer(extended(bytes, &PREVIEW).and_then(preview));
    boxes(movie).filter(|(kind, _)| kind == b"trak").for_each(|(_, track)| previews.offer(sample(bytes, track)));

    let by_exif = || first(exif).and_then(|ifd| ifd.size(EXIF_WIDTH, EXIF_HEIGHT));
    let dimensions = first(image).and_then(|ifd| ifd.size(WIDTH, HEIGHT)).or_else(by_exif);
    let orientation = first(image).and_then(|ifd| ifd.orientation());
    let mut raw = Raw::new(Family::Cr3, dimensions, orientation, &previews);
    let parts = [(image, Tags::Image), (exif, Tags::Exif), (gps, Tags::Gps)];
    raw.exif = parts.into_iter().filter_map(|(tiff, tags)| Some(Exif { tiff: tiff?, tags })).collect();
    Some(raw)
}

/// Returns the JPEG of a preview box: after eight bytes of its parent and twelve with its size in pixels come its length and itself.
fn preview(parent: &[u8]) -> Option<&[u8]> {
    let body = child(parent.get(8..)?, b"PRVW")?;
    part(body, 16, ORDER.place(body, 12)?)
}

/// Returns the first sample of a track. It is a JPEG in the first track, and sensor data or metadata in others.
fn sample<'a>(bytes: &'a [u8], track: &[u8]) -> Option<&'a [u8]> {
    let table = child(child(child(track, b"mdia")?, b"minf")?, b"stbl")?;
    let sizes = child(table, b"stsz")?;
    // One length for all samples, or else 0 and a list.
    let length = match ORDER.place(sizes, 4)? {
        0 => ORDER.place(sizes, 12)?,
        length => length,
    };
    let long = |list: &[u8]| usize::try_from(u64::from_be_bytes(part(list, 8, 8)?.try_into().ok()?)).ok();
    let short = |list: &[u8]| ORDER.place(list, 8);
    let at = child(table, b"co64").and_then(long).or_else(|| child(table, b"stco").and_then(short))?;
    part(bytes, at, length)
}

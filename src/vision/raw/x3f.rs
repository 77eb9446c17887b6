//! X3F: a header, and sections that a directory at the end lists. All numbers are little-endian.

use super::bytes::{MAX_TEXT_LENGTH, Order, part};
use super::camera::{Camera, orientation, time};
use super::preview::Previews;
use super::{Exif, Family, Raw, Tags, jpeg};

const ORDER: Order = Order::Little;

/// The most sections, and properties of the camera. Sigma writes up to 10, and 60.
const MAX_SECTIONS: usize = 64;
const MAX_PROPERTIES: usize = 256;

/// The header of a section with a picture: its mark, version, type, format, columns, rows, bytes of a row.
const PICTURE_HEADER: usize = 28;
const PREVIEW: u32 = 2;
const JPEG: u32 = 18;

/// Reads an X3F. `None` if the directory at its end is missing.
pub fn read(bytes: &[u8]) -> Option<Raw<'_>> {
    let sections = sections(bytes)?;
    let pictures = sections.iter().filter(|(kind, _)| kind == b"IMAG" || kind == b"IMA2");
    let streams: Vec<&[u8]> = pictures.filter_map(|(_, section)| preview(section)).collect();
    let mut previews = Previews::default();
    streams.iter().for_each(|stream| previews.offer(Some(stream)));
    let exif = streams.iter().find_map(|stream| jpeg::header(stream)?.exif);

    // Columns, rows and rotation moved when the identifier before them grew.
    let header = if ORDER.u32(bytes, 4)? >= 0x0004_0000 { 40 } else { 28 };
    let number = |index: usize| ORDER.u32(bytes, header + 4 * index);
    let size = number(0).zip(number(1)).filter(|(width, height)| *width > 0 && *height > 0);
    let mut raw = Raw::new(Family::X3f, size, number(2).and_then(orientation), &previews);
    raw.exif = exif.into_iter().map(|tiff| Exif { tiff, tags: Tags::Image }).collect();
    raw.camera = sections.iter().find(|(kind, _)| kind == b"PROP").and_then(|(_, section)| camera(section));
    Some(raw)
}

fn sections(bytes: &[u8]) -> Option<Vec<([u8; 4], &[u8])>> {
    let directory = bytes.get(ORDER.place(bytes, bytes.len().checked_sub(4)?)?..)?.strip_prefix(b"SECd")?;
    let count = ORDER.place(directory, 4)?.min(MAX_SECTIONS);
    let entries = part(directory, 8, 12 * count)?;
    let section = |entry: &[u8]| {
        let section = part(bytes, ORDER.place(entry, 0)?, ORDER.place(entry, 4)?)?;
        Some((entry.get(8..)?.try_into().ok()?, section))
    };
    Some(entries.chunks_exact(12).filter_map(section).collect())
}

fn preview(section: &[u8]) -> Option<&[u8]> {
    let is_jpeg = section.starts_with(b"SECi") && ORDER.u32(section, 8)? == PREVIEW && ORDER.u32(section, 12)? == JPEG;
    section.get(PICTURE_HEADER..).filter(|_| is_jpeg)
}

/// Reads the properties: pairs of offsets, counted in units, into a block of texts in UTF-16 that end with 0.
fn camera(section: &[u8]) -> Option<Camera> {
    let count = ORDER.place(section.strip_prefix(b"SECp")?, 4)?;
    let pairs = part(section, 24, count.checked_mul(8)?)?;
    let texts = section.get(24 + pairs.len()..)?;
    let mut camera = Camera::default();
    for pair in pairs.chunks_exact(8).take(MAX_PROPERTIES) {
        let text = |at| units(texts, ORDER.place(pair, at)?);
        let (Some(name), Some(value)) = (text(0), text(4)) else { continue };
        match name.as_str() {
            "CAMMANUF" => camera.make = Some(value),
            "CAMMODEL" => camera.model = Some(value),
            "TIME" => camera.taken = value.parse().ok().and_then(time),
            _ => {}
        }
    }
    Some(camera)
}

fn units(texts: &[u8], start: usize) -> Option<String> {
    let units = texts.get(start.checked_mul(2)?..)?.as_chunks::<2>().0;
    let units: Vec<u16> = units.iter().take(MAX_TEXT_LENGTH).map(|unit| u16::from_le_bytes(*unit)).take_while(|unit| *unit != 0).collect();
    String::from_utf16(&units).ok().filter(|text| !text.is_empty())
}

//! The header of an embedded JPEG: whether a plain decoder reads it, its size, and its EXIF.

use super::bytes::{Order, part};

/// The most segments before the frame header. Cameras write about ten.
const MAX_SEGMENTS: usize = 256;

/// The most fill bytes before a marker.
const MAX_FILL_BYTES: usize = 64;

const EXIF: &[u8] = b"Exif\0\0";

pub struct Header<'a> {
    /// In pixels, as stored.
    pub width: u32,
    /// In pixels, as stored.
    pub height: u32,
    /// The TIFF structure of the first EXIF segment.
    pub exif: Option<&'a [u8]>,
}

/// Reads the segments up to the frame header.
///
/// `None` if these bytes do not start with a JPEG of 8 bits in one or three channels that is baseline, extended sequential or
/// progressive with Huffman coding. Lossless JPEG, which holds the sensor data of many RAW files, is `None`.
pub fn header(bytes: &[u8]) -> Option<Header<'_>> {
    let mut at = bytes.starts_with(&[0xff, 0xd8]).then_some(2)?;
    let mut exif = None;
    for _ in 0..MAX_SEGMENTS {
        let fill = bytes.get(at..)?.iter().take(MAX_FILL_BYTES).take_while(|byte| **byte == 0xff).count();
        at += fill;
        let marker = *bytes.get(at).filter(|_| fill > 0)?;
        let length = usize::from(Order::Big.u16(bytes, at + 1)?);
        match marker {
            0xc0..=0xc2 => return frame(part(bytes, at + 3, length.checked_sub(2)?)?, exif),
            // Another frame, the start of the picture data, a marker without a segment, or no marker.
            0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf | 0xda | 0x00..=0x01 | 0xd0..=0xd9 => return None,
            0xe1 if exif.is_none() => exif = part(bytes, at + 3, length.checked_sub(2)?)?.strip_prefix(EXIF),
            _ => {}
        }
        // The length counts its own two bytes.
        at += 1 + length.max(2);
    }
    None
}

fn frame<'a>(body: &[u8], exif: Option<&'a [u8]>) -> Option<Header<'a>> {
    let [8, h1, h0, w1, w0, channels @ (1 | 3), components @ ..] = body else { return None };
    let (width, height) = (u16::from_be_bytes([*w1, *w0]), u16::from_be_bytes([*h1, *h0]));
    let is_whole = components.len() >= 3 * usize::from(*channels);
    (width > 0 && height > 0 && is_whole).then_some(Header { width: width.into(), height: height.into(), exif })
}

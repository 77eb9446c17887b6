//! Metadata of a file: EXIF, XMP, IPTC, the text of a PNG, and the bytes after the picture.
//!
//! What one of them does not say is taken from the next: XMP first, because programs of today write there, then IPTC,
//! EXIF and PNG text. A part that cannot be parsed says nothing.

mod exif;
mod iptc;
mod text;
mod xmp;

use std::borrow::Cow;

use super::jpeg;
use super::png::{self, Chunk};
use crate::photo::{Description, Format, Metadata};

/// The signature of an XMP packet in a JPEG.
const XMP_IN_JPEG: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// The signature of Photoshop's image resources in a JPEG.
const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

/// The keyword of an XMP packet in a PNG.
const XMP_IN_PNG: &[u8] = b"XML:com.adobe.xmp";

/// The most keywords of a photo, with all levels of a hierarchy.
const MOST_KEYWORDS: usize = 500;

/// The parts of a file that hold metadata besides EXIF.
#[derive(Default)]
struct Parts<'a> {
    xmp: Option<Cow<'a, [u8]>>,
    /// IPTC's data sets.
    iptc: Option<Cow<'a, [u8]>>,
    description: Description,
    trailer_bytes: u64,
}

/// Returns what a file says. Empty if nothing can be read.
pub fn metadata(bytes: &[u8], format: Format) -> Metadata {
    let exif = exif::parsed(bytes);
    let parts = match format {
        Format::Jpeg => jpeg_parts(bytes),
        Format::Png => png_parts(bytes),
        Format::WebP => webp_parts(bytes),
        Format::Tiff => Parts {
            xmp: exif.as_ref().and_then(exif::xmp).map(Cow::from),
            iptc: exif.as_ref().and_then(exif::iptc).map(Cow::from),
            ..Parts::default()
        },
        _ => Parts::default(),
    };
    let xmp = parts.xmp.as_deref().and_then(xmp::read).unwrap_or_default();
    let iptc = parts.iptc.as_deref().map(iptc::read).unwrap_or_default();
    let in_exif = exif.as_ref().map(exif::description).unwrap_or_default();
    let mut description = [iptc, in_exif, parts.description].into_iter().fold(xmp.description, or);
    description.keywords = description.keywords.into_iter().take(MOST_KEYWORDS).collect();
    Metadata {
        capture: exif.as_ref().map(exif::capture).unwrap_or_default(),
        description,
        software: exif.as_ref().and_then(exif::software).or(xmp.software),
        trailer_bytes: parts.trailer_bytes,
    }
}

/// Returns whether a TIFF is a RAW file: a DNG, or one with its full picture behind a thumbnail.
pub fn is_raw(bytes: &[u8]) -> bool {
    exif::parsed(bytes).is_some_and(|exif| exif::is_raw(&exif))
}

/// Returns the EXIF orientation and the rest of the capture data. Empty if none can be read.
pub fn capture(bytes: &[u8]) -> crate::photo::Capture {
    exif::parsed(bytes).as_ref().map(exif::capture).unwrap_or_default()
}

/// Adds what the first description does not say.
fn or(first: Description, second: Description) -> Description {
    Description {
        rating: first.rating.or(second.rating),
        label: first.label.or(second.label),
        keywords: if first.keywords.is_empty() { second.keywords } else { first.keywords },
        title: first.title.or(second.title),
        caption: first.caption.or(second.caption),
        creator: first.creator.or(second.creator),
        position: first.position.or(second.position),
    }
}

fn jpeg_parts(bytes: &[u8]) -> Parts<'_> {
    let mut parts = Parts { trailer_bytes: jpeg::trailer(bytes).len() as u64, ..Parts::default() };
    // The image resources may be too long for one segment.
    let mut resources = Vec::new();
    for segment in jpeg::header_segments(bytes).filter(jpeg::Segment::is_metadata) {
        if let Some(packet) = segment.body.strip_prefix(XMP_IN_JPEG) {
            parts.xmp.get_or_insert(packet.into());
        } else if let Some(part) = segment.body.strip_prefix(PHOTOSHOP) {
            resources.extend_from_slice(part);
        }
    }
    parts.iptc = iptc::in_resources(&resources).map(|data| data.to_vec().into());
    parts
}

fn png_parts(bytes: &[u8]) -> Parts<'_> {
    let mut parts = Parts::default();
    let mut is_after_end = false;
    for Chunk { kind, body, whole } in png::chunks(bytes) {
        match kind {
            _ if is_after_end => parts.trailer_bytes += whole.len() as u64,
            b"IEND" => is_after_end = true,
            b"tEXt" | b"iTXt" => {
                let Some((keyword, text)) = png_text(kind, body) else { continue };
                match keyword {
                    XMP_IN_PNG => parts.xmp = Some(text.into()),
                    b"Title" => parts.description.title = text::clean_bytes(text),
                    b"Description" => parts.description.caption = text::clean_bytes(text),
                    b"Author" => parts.description.creator = text::clean_bytes(text),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    parts
}

/// Returns keyword and text of a text chunk. `None` if it is compressed or broken.
fn png_text<'a>(kind: &[u8; 4], body: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (keyword, rest) = split_at_zero(body)?;
    if kind == b"tEXt" {
        return Some((keyword, rest));
    }
    // A flag for compression, its method, a language, the keyword in that language.
    let rest = rest.strip_prefix(&[0, 0])?;
    let (_, rest) = split_at_zero(rest)?;
    let (_, text) = split_at_zero(rest)?;
    Some((keyword, text))
}

fn split_at_zero(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(0, bytes)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

fn webp_parts(bytes: &[u8]) -> Parts<'_> {
    let mut parts = Parts::default();
    let length = bytes.get(4..8).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize + 8);
    let (webp, trailer) = bytes.split_at(length.min(bytes.len()));
    parts.trailer_bytes = trailer.len() as u64;
    let mut rest = webp.get(12..).unwrap_or_default();
    while let Some((header, after)) = rest.split_first_chunk::<8>() {
        let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        let Some(body) = after.get(..length) else { break };
        if header.starts_with(b"XMP ") {
            parts.xmp = Some(body.into());
        }
        // Chunks have even lengths.
        rest = after.get(length + length % 2..).unwrap_or_default();
    }
    parts
}

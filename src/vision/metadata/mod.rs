//! Metadata of a file: EXIF, XMP, IPTC, the text of a PNG, and the bytes after the picture.
//!
//! What one of them does not say is taken from the next: XMP first, because programs of today write there, then IPTC,
//! EXIF and PNG text. Parts that are not understood, and values that another one hides, are told apart by their hashes: a file
//! that has one may say more than one that has not.

mod exif;
mod iptc;
mod text;
mod xmp;

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::jpeg;
use super::png::{self, Chunk};
use crate::photo::{Description, Format, Metadata};

/// The signature of an XMP packet in a JPEG.
const XMP_IN_JPEG: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// The signature of EXIF in a JPEG.
const EXIF_IN_JPEG: &[u8] = b"Exif\0";

/// The signature of Photoshop's image resources in a JPEG.
const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

/// The keyword of an XMP packet in a PNG.
const XMP_IN_PNG: &[u8] = b"XML:com.adobe.xmp";

/// The most keywords of a photo, with all levels of a hierarchy.
const MAX_KEYWORDS: usize = 500;

/// The most parts that are kept apart. Further ones are one part.
const MAX_OTHER: usize = 250;

/// The parts of a file that are not understood, as hashes.
#[derive(Default)]
pub struct Other(BTreeSet<String>);

impl Other {
    fn add(&mut self, part: &[u8]) {
        self.0.insert(text::hash(part));
    }

    fn add_named(&mut self, name: &[u8], part: &[u8]) {
        self.add(&[name, b"\0", part].concat());
    }

    fn into_hashes(self) -> BTreeSet<String> {
        let mut hashes = self.0;
        if hashes.len() > MAX_OTHER {
            let rest: Vec<String> = hashes.iter().skip(MAX_OTHER).cloned().collect();
            hashes.retain(|hash| !rest.contains(hash));
            hashes.insert(text::hash(rest.concat().as_bytes()));
        }
        hashes
    }
}

/// The parts of a file that hold metadata besides EXIF.
#[derive(Default)]
struct Parts<'a> {
    xmp: Option<Cow<'a, [u8]>>,
    /// IPTC's data sets.
    iptc: Option<Cow<'a, [u8]>>,
    description: Description,
    /// The bytes after the picture.
    trailer: &'a [u8],
    other: Other,
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
    let mut other = parts.other;
    let xmp = parts.xmp.as_deref().map(|packet| xmp::read(packet, &mut other)).unwrap_or_default();
    let iptc = parts.iptc.as_deref().map(|data| iptc::read(data, &mut other)).unwrap_or_default();
    let in_exif = exif.as_ref().map(|exif| exif::description(exif, &mut other)).unwrap_or_default();
    let mut description = [iptc, in_exif, parts.description].into_iter().fold(xmp.description, |first, second| {
        hidden(&first, &second).iter().for_each(|value| other.add(value.as_bytes()));
        or(first, second)
    });
    description.keywords = description.keywords.into_iter().take(MAX_KEYWORDS).collect();
    Metadata {
        capture: exif.as_ref().map(exif::capture).unwrap_or_default(),
        description,
        software: exif.as_ref().and_then(exif::software).or(xmp.software),
        trailer_bytes: parts.trailer.len() as u64,
        trailer: Some(parts.trailer).filter(|bytes| !bytes.is_empty()).map(|bytes| blake3::hash(bytes).to_string()),
        other: other.into_hashes(),
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

/// Returns the values of the second description that another value of the first one hides, with their kinds.
fn hidden(first: &Description, second: &Description) -> Vec<String> {
    let texts = [
        ("label", &first.label, &second.label),
        ("title", &first.title, &second.title),
        ("caption", &first.caption, &second.caption),
        ("creator", &first.creator, &second.creator),
    ];
    let differing = texts.into_iter().filter(|(_, first, second)| first.is_some() && first != second);
    let texts = differing.filter_map(|(kind, _, second)| Some(format!("{kind}: {}", second.as_ref()?)));
    let stars = second.rating.filter(|second| first.rating.is_some_and(|first| first != *second));
    let place = second.position.filter(|second| first.position.is_some_and(|first| !first.is_near(*second)));
    let rest = stars.map(|stars| format!("rating: {stars}")).into_iter();
    texts.chain(rest).chain(place.map(|place| format!("position: {} {}", place.latitude, place.longitude))).collect()
}

/// Adds what the first description does not say.
fn or(first: Description, second: Description) -> Description {
    Description {
        rating: first.rating.or(second.rating),
        label: first.label.or(second.label),
        keywords: first.keywords.into_iter().chain(second.keywords).collect(),
        title: first.title.or(second.title),
        caption: first.caption.or(second.caption),
        creator: first.creator.or(second.creator),
        position: first.position.or(second.position),
    }
}

fn jpeg_parts(bytes: &[u8]) -> Parts<'_> {
    let mut parts = Parts { trailer: jpeg::trailer(bytes), ..Parts::default() };
    // The image resources may be too long for one segment.
    let mut resources = Vec::new();
    for segment in jpeg::header_segments(bytes).filter(jpeg::Segment::is_metadata) {
        match segment.body.strip_prefix(XMP_IN_JPEG) {
            Some(packet) if parts.xmp.is_none() => parts.xmp = Some(packet.into()),
            _ if segment.body.starts_with(EXIF_IN_JPEG) => {}
            _ => match segment.body.strip_prefix(PHOTOSHOP) {
                Some(part) => resources.extend_from_slice(part),
                None => parts.other.add(segment.body),
            },
        }
    }
    let found = iptc::resources(&resources);
    parts.iptc = found.iptc.map(|data| data.to_vec().into());
    found.other.into_iter().for_each(|part| parts.other.add(part));
    parts
}

fn png_parts(bytes: &[u8]) -> Parts<'_> {
    let mut parts = Parts::default();
    let mut end = png::SIGNATURE_BYTES;
    for Chunk { kind, body, whole } in png::chunks(bytes) {
        end += whole.len();
        match kind {
            b"IEND" => {
                parts.trailer = &bytes[end..];
                break;
            }
            b"tEXt" | b"iTXt" | b"zTXt" => match png_text(kind, body) {
                Some((XMP_IN_PNG, text)) if parts.xmp.is_none() => parts.xmp = Some(text.into()),
                Some((b"Title", text)) => parts.description.title = text::clean_bytes(text),
                Some((b"Description", text)) => parts.description.caption = text::clean_bytes(text),
                Some((b"Author", text)) => parts.description.creator = text::clean_bytes(text),
                // The name of the program, and dates of files.
                Some((keyword, _)) if keyword == b"Software" || keyword.starts_with(b"date:") => {}
                _ => parts.other.add(body),
            },
            _ => {}
        }
    }
    parts
}

/// Returns keyword and text of a text chunk. `None` if it is compressed or broken.
fn png_text<'a>(kind: &[u8; 4], body: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (keyword, rest) = split_at_zero(body)?;
    match kind {
        b"tEXt" => return Some((keyword, rest)),
        b"zTXt" => return None,
        _ => {}
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
    parts.trailer = trailer;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::Position;

    #[test]
    fn trailers_are_told_apart_by_their_bytes() {
        let jpeg = [0xff, 0xd8, 0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 1, 2, 3, 0xff, 0xd9];
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\0IEND\xae\x42\x60\x82";
        let webp = b"RIFF\x04\0\0\0WEBP";
        for (format, picture) in [(Format::Jpeg, &jpeg[..]), (Format::Png, png), (Format::WebP, webp)] {
            let with = |trailer: &[u8]| {
                let metadata = metadata(&[picture, trailer].concat(), format);
                (metadata.trailer_bytes, metadata.trailer)
            };
            assert_eq!(with(b""), (0, None), "{format}");
            let (film, other) = (with(b"film"), with(b"Film"));
            assert!(film.0 == 4 && film.1.is_some() && film == with(b"film"), "{format}: {film:?}");
            assert!(other.0 == 4 && other.1.is_some() && other.1 != film.1, "{format}: {other:?}");
        }
    }

    #[test]
    fn a_value_that_another_one_hides_is_not_lost() {
        let position = |latitude| Some(Position { latitude, longitude: 13.4 });
        let of = |caption: Option<&str>, rating, latitude| Description {
            caption: caption.map(str::to_owned),
            rating,
            position: position(latitude),
            ..Description::default()
        };
        let xmp = of(Some("The harbour"), Some(5), 52.52);
        assert_eq!(hidden(&xmp, &of(Some("The harbour"), Some(5), 52.520_01)), Vec::<String>::new());
        assert_eq!(hidden(&xmp, &Description::default()), Vec::<String>::new());
        assert_eq!(hidden(&Description::default(), &xmp), Vec::<String>::new(), "it is said in the open");
        let other = of(Some("Aunt Ann"), Some(3), 48.1);
        assert_eq!(hidden(&xmp, &other), ["caption: Aunt Ann", "rating: 3", "position: 48.1 13.4"]);
        assert_eq!(or(xmp.clone(), other), xmp);
    }
}

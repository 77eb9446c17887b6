//! Metadata of a file: EXIF, XMP, IPTC, the text of a PNG, and the bytes after the picture.
//!
//! What one of them does not say is taken from the next: XMP first, because programs of today write there, then IPTC,
//! EXIF and PNG text. Parts that are not understood, and values that another one hides, are told apart by their hashes: a file
//! that has one may say more than one that has not. Frames and pages after the first one are such parts, because the picture
//! is the first one alone. A colour profile is one too, unless it says what is assumed without it.

mod details;
mod exif;
pub mod gif;
mod heif;
mod iptc;
mod origin;
mod profile;
mod raw;
mod raw_profile;
mod text;
mod xmp;

pub use details::read as details;
pub use profile::in_jpeg as profile_in_jpeg;
pub use raw::is_adobe_rgb;

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::decode::tiff;
use super::jpeg::{EXIF as EXIF_IN_JPEG, PHOTOSHOP, XMP as XMP_IN_JPEG};
use super::png::{self, Chunk};
use super::{format, jpeg, jxl, psd};
use crate::photo::{Capture, Description, Format, Metadata, OF_ZEROS, Origin};

/// The image resources of a Photoshop file with EXIF, XMP and a colour profile.
const EXIF_RESOURCE: u16 = 1058;
const XMP_RESOURCE: u16 = 1060;
const PROFILE_RESOURCE: u16 = 1039;

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
        if let Some(first) = hashes.iter().nth(MAX_OTHER).cloned() {
            let rest: Vec<String> = hashes.split_off(&first).into_iter().collect();
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
    if format == Format::Raw {
        return raw::read(bytes);
    }
    let (exif, unread) = read_exif(bytes, format);
    let parts = parts(bytes, format, exif.as_ref());
    let mut other = parts.other;
    unread.iter().for_each(|data| other.add(data));
    if let Some(profile) = profile::read(bytes, format) {
        other.add_named(b"colour profile", &profile);
    }
    let xmp = parts.xmp.as_deref().map(|packet| xmp::read(packet, &mut other)).unwrap_or_default();
    let iptc = parts.iptc.as_deref().map(|data| iptc::read(data, &mut other)).unwrap_or_default();
    let in_exif = exif.as_ref().map(|exif| exif::description(exif, &mut other)).unwrap_or_default();
    let mut description = [iptc, in_exif, parts.description].into_iter().fold(xmp.description, |first, second| {
        hidden(&first, &second).iter().for_each(|value| other.add(value.as_bytes()));
        or(first, second)
    });
    cut_keywords(&mut description, &mut other);
    let mut capture = captured(bytes, format, exif.as_ref());
    capture.origin.documents = xmp.documents;
    capture.origin.is_for_print |= is_for_print(bytes, format);
    Metadata {
        capture,
        description,
        software: exif.as_ref().and_then(exif::software).or(xmp.software),
        trailer_bytes: parts.trailer.len() as u64,
        trailer: trailer_hash(parts.trailer),
        other: other.into_hashes(),
    }
}

fn parts<'a>(bytes: &'a [u8], format: Format, exif: Option<&'a ::exif::Exif>) -> Parts<'a> {
    match format {
        Format::Jpeg => jpeg_parts(bytes),
        Format::Png => png_parts(bytes),
        Format::WebP => webp_parts(bytes),
        Format::Tiff => exif.map(tiff_parts).unwrap_or_default(),
        Format::Psd => psd_parts(bytes),
        Format::Heic | Format::Avif => heif::parts(bytes),
        Format::Jxl => jxl_parts(bytes),
        Format::Gif => gif_parts(bytes),
        _ => Parts::default(),
    }
}

/// Returns the hash of the bytes after the picture. `None` if there are none.
fn trailer_hash(trailer: &[u8]) -> Option<String> {
    match trailer {
        [] => None,
        _ if trailer.iter().all(|byte| *byte == 0) => Some(OF_ZEROS.to_owned()),
        _ => Some(blake3::hash(trailer).to_string()),
    }
}

/// Returns what a sidecar says: an XMP packet in a file of its own. What is not understood counts as one other part.
pub fn sidecar(packet: &[u8]) -> Metadata {
    let mut other = Other::default();
    let xmp::Packet { mut description, software, documents } = xmp::read(packet, &mut other);
    cut_keywords(&mut description, &mut other);
    let origin = Origin { documents, ..Origin::default() };
    let capture = Capture { origin, ..Capture::default() };
    Metadata { capture, description, software, trailer_bytes: 0, trailer: None, other: other.into_hashes() }
}

/// Keeps so many keywords, and of the others that they are there.
fn cut_keywords(description: &mut Description, other: &mut Other) {
    if let Some(first) = description.keywords.iter().nth(MAX_KEYWORDS).cloned() {
        description.keywords.split_off(&first).iter().for_each(|keyword| other.add_named(b"keyword", keyword.as_bytes()));
    }
}

/// Whether a JPEG or a PSD has the four inks of a printing press. Of a TIFF its tags say so.
fn is_for_print(bytes: &[u8], format: Format) -> bool {
    match format {
        Format::Jpeg => jpeg::header_segments(bytes).any(|segment| segment.is_frame_header() && segment.body.get(5) == Some(&4)),
        Format::Psd => psd::header(bytes).is_ok_and(|header| header.mode == psd::Mode::Cmyk),
        Format::Raw
        | Format::Heic
        | Format::Avif
        | Format::Jxl
        | Format::Jp2
        | Format::WebP
        | Format::Tiff
        | Format::Png
        | Format::Bmp
        | Format::Gif => false,
    }
}

/// Returns the EXIF of a file, and the EXIF data in it that are not read: those that are broken, and those after the
/// first that is not.
fn read_exif(bytes: &[u8], format: Format) -> (Option<::exif::Exif>, Vec<Cow<'_, [u8]>>) {
    let all: Vec<Cow<'_, [u8]>> = match format {
        Format::Jpeg => jpeg::header_segments(bytes).filter_map(|segment| exif_in_jpeg(segment.body)).map(Cow::from).collect(),
        Format::Png => exif_in_png(bytes),
        Format::WebP => webp_chunks(bytes).0.into_iter().filter(|(kind, _)| *kind == b"EXIF").map(|(_, body)| body.into()).collect(),
        Format::Tiff => vec![bytes.into()],
        Format::Heic | Format::Avif => heif::exif(bytes),
        Format::Jxl => jxl::metadata(bytes).exif.into_iter().map(Cow::from).collect(),
        Format::Psd => psd::resources(bytes).filter(|(id, _)| *id == EXIF_RESOURCE).map(|(_, content)| content.into()).collect(),
        _ => Vec::new(),
    };
    let all: Vec<Cow<'_, [u8]>> = all.into_iter().filter(|data| !data.is_empty()).collect();
    let (read, exif) = all.iter().enumerate().find_map(|(at, data)| Some((at, exif::parsed(data)?))).unzip();
    let unread = all.into_iter().enumerate().filter(|(at, _)| Some(*at) != read).map(|(_, data)| data).collect();
    (exif, unread)
}

/// Returns the EXIF data of a segment. Some programs write another byte than 0 after the zero.
fn exif_in_jpeg(body: &[u8]) -> Option<&[u8]> {
    body.strip_prefix(EXIF_IN_JPEG)?.get(1..)
}

/// Returns the EXIF data of a PNG: those in chunks of their own, and others that older programs wrote as text.
fn exif_in_png(bytes: &[u8]) -> Vec<Cow<'_, [u8]>> {
    let mut all: Vec<Cow<'_, [u8]>> = png::chunks(bytes).filter(|chunk| chunk.kind == b"eXIf").map(|chunk| chunk.body.into()).collect();
    for profile in png::chunks(bytes).filter_map(|chunk| raw_profile::exif(chunk.kind, chunk.body)) {
        if !all.iter().any(|data| **data == profile) {
            all.push(profile.into());
        }
    }
    all
}

/// Returns the orientation and the rest of the capture data, without what XMP says. Empty if none can be read.
pub fn capture(bytes: &[u8]) -> Capture {
    match format::of(bytes) {
        Some(Format::Raw) => raw::read(bytes).capture,
        Some(format) => captured(bytes, format, read_exif(bytes, format).0.as_ref()),
        None => Capture::default(),
    }
}

/// The reader of EXIF does not know BigTIFF. Its orientation is needed. A HEIC, AVIF or JPEG XL says elsewhere how its picture is
/// turned, and EXIF often says it once more.
fn captured(bytes: &[u8], format: Format, exif: Option<&::exif::Exif>) -> Capture {
    match (exif, bytes) {
        (Some(exif), _) if matches!(format, Format::Heic | Format::Avif | Format::Jxl) => {
            Capture { origin: origin::origin(exif), orientation: None, ..exif::capture(exif) }
        }
        (Some(exif), _) => Capture { origin: origin::origin(exif), ..exif::capture(exif) },
        (None, [b'I', b'I', b'+', 0, ..] | [b'M', b'M', 0, b'+', ..]) => {
            Capture { orientation: tiff::orientation(bytes), ..Capture::default() }
        }
        _ => Capture::default(),
    }
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
    let (late, trailer) = jpeg::after_header(bytes);
    let mut parts = Parts { trailer, ..Parts::default() };
    late.iter().for_each(|segment| parts.other.add(segment.body));
    // The image resources may be too long for one segment.
    let mut resources = Vec::new();
    for segment in jpeg::header_segments(bytes).filter(jpeg::Segment::may_say_something) {
        match segment.body.strip_prefix(XMP_IN_JPEG) {
            Some(packet) if parts.xmp.is_none() => parts.xmp = Some(packet.into()),
            _ if exif_in_jpeg(segment.body).is_some() => {}
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

fn tiff_parts(exif: &::exif::Exif) -> Parts<'_> {
    let mut parts = Parts { xmp: exif::xmp(exif).map(Cow::from), iptc: exif::iptc(exif), ..Parts::default() };
    let found = exif::image_resources(exif).map(iptc::resources).unwrap_or_default();
    found.other.into_iter().for_each(|part| parts.other.add(part));
    exif::pages(exif, &mut parts.other);
    match (&parts.iptc, found.iptc) {
        (None, found) => parts.iptc = found.map(Cow::from),
        // One of them may be padded.
        (Some(own), Some(found)) if !own.starts_with(found) => parts.other.add(found),
        _ => {}
    }
    parts
}

fn psd_parts(bytes: &[u8]) -> Parts<'_> {
    let mut parts = Parts::default();
    for (id, content) in psd::resources(bytes) {
        match id {
            XMP_RESOURCE if parts.xmp.is_none() => parts.xmp = Some(content.into()),
            iptc::IPTC_RESOURCE if parts.iptc.is_none() => parts.iptc = Some(content.into()),
            XMP_RESOURCE | iptc::IPTC_RESOURCE => parts.other.add(content),
            id if iptc::PATH_RESOURCES.contains(&id) => parts.other.add(content),
            _ => {}
        }
    }
    psd::beside_merged(bytes).into_iter().for_each(|part| parts.other.add(part));
    parts
}

fn jxl_parts(bytes: &[u8]) -> Parts<'_> {
    let said = jxl::metadata(bytes);
    let mut parts = Parts { trailer: said.trailer, ..Parts::default() };
    let mut packets = said.xmp.into_iter();
    parts.xmp = packets.next().map(Cow::from);
    packets.chain(said.other).for_each(|part| parts.other.add(part));
    if jxl::has_more(bytes) {
        parts.other.add(bytes);
    }
    parts
}

fn gif_parts(bytes: &[u8]) -> Parts<'_> {
    let mut other = Other::default();
    let trailer = gif::read(bytes, &mut other);
    Parts { trailer, other, ..Parts::default() }
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
            // It is read as EXIF.
            b"tEXt" | b"zTXt" if raw_profile::exif(kind, body).is_some() => {}
            b"tEXt" | b"iTXt" | b"zTXt" => match png_text(kind, body) {
                Some((XMP_IN_PNG, text)) if parts.xmp.is_none() => parts.xmp = Some(text.into()),
                Some((keyword @ (b"Title" | b"Description" | b"Author"), text)) => {
                    let known = match keyword {
                        b"Title" => &mut parts.description.title,
                        b"Description" => &mut parts.description.caption,
                        _ => &mut parts.description.creator,
                    };
                    match text::clean_bytes(text) {
                        // The first counts, and a further one is not lost.
                        said if known.is_some() && said.is_some() && *known != said => parts.other.add(body),
                        said => *known = known.take().or(said),
                    }
                }
                // The name of the program, and dates of files.
                Some((keyword, _)) if keyword == b"Software" || keyword.starts_with(b"date:") => {}
                _ => parts.other.add(body),
            },
            // A further frame, or the file ends in the middle of a chunk.
            b"fdAT" | b"????" => parts.other.add(body),
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
    let (chunks, cut, trailer) = webp_chunks(bytes);
    let mut parts = Parts { trailer, ..Parts::default() };
    let frames = chunks.iter().filter(|(kind, _)| *kind == b"ANMF");
    frames.skip(1).for_each(|(_, body)| parts.other.add(body));
    for (_, body) in chunks.into_iter().filter(|(kind, _)| *kind == b"XMP ") {
        match parts.xmp {
            None => parts.xmp = Some(body.into()),
            Some(_) => parts.other.add(body),
        }
    }
    if !cut.is_empty() {
        parts.other.add(cut);
    }
    parts
}

/// A chunk of a WebP: its kind and its body.
type WebPChunk<'a> = (&'a [u8; 4], &'a [u8]);

/// Returns the chunks of a WebP, the rest that is not a whole chunk, and the bytes after the picture.
fn webp_chunks(bytes: &[u8]) -> (Vec<WebPChunk<'_>>, &[u8], &[u8]) {
    let length = bytes.get(4..8).map_or(bytes.len(), |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize + 8);
    let (webp, trailer) = bytes.split_at(length.min(bytes.len()));
    let mut chunks = Vec::new();
    let mut rest = webp.get(12..).unwrap_or_default();
    while let Some((kind, after)) = rest.split_first_chunk::<4>() {
        let Some((length, after)) = after.split_first_chunk::<4>() else { break };
        let length = u32::from_le_bytes(*length) as usize;
        let Some(body) = after.get(..length) else { break };
        chunks.push((kind, body));
        // Chunks have even lengths.
        rest = after.get(length + length % 2..).unwrap_or_default();
    }
    (chunks, rest, trailer)
}

#[cfg(test)]
mod tests {
    use ::exif::{Field, Tag, Value};

    use super::exif::tests::{ascii, data, field, place, tiff_field};
    use super::*;
    use crate::photo::{MetadataKind, Position};

    /// Image resources as in a JPEG or a TIFF: the number and the body of each.
    fn resources(all: &[(u16, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (number, body) in all {
            out.extend([&b"8BIM"[..], &number.to_be_bytes(), &[0, 0], &(body.len() as u32).to_be_bytes(), body].concat());
            out.extend(vec![0; body.len() % 2]);
        }
        out
    }

    fn packet(properties: &str) -> Vec<u8> {
        let text = format!(
            "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>
             <rdf:Description xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmlns:dc='http://purl.org/dc/elements/1.1/'>{properties}
             </rdf:Description></rdf:RDF></x:xmpmeta>"
        );
        text.into_bytes()
    }

    fn segment(marker: u8, signature: &[u8], body: &[u8]) -> Vec<u8> {
        let length = (signature.len() + body.len() + 2) as u16;
        [&[0xff, marker], &length.to_be_bytes()[..], signature, body].concat()
    }

    fn jpeg(segments: &[Vec<u8>]) -> Vec<u8> {
        let picture = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 1, 2, 3, 0xff, 0, 0xff, 0xd9];
        [&[0xff, 0xd8], &segments.concat()[..], &picture].concat()
    }

    fn chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32).to_be_bytes(), &kind[..], body, &[0; 4]].concat()
    }

    fn png(chunks: &[Vec<u8>]) -> Vec<u8> {
        [&b"\x89PNG\r\n\x1a\n"[..], &chunks.concat(), &chunk(b"IEND", b"")].concat()
    }

    /// A Photoshop file of one pixel, with these image resources and layers.
    fn psd(resources: &[u8], layers: &[u8]) -> Vec<u8> {
        let head = b"8BPS\0\x01\0\0\0\0\0\0\0\x03\0\0\0\x01\0\0\0\x01\0\x08\0\x03\0\0\0\0";
        let [counted, layers_counted] = [resources, layers].map(|part| [&(part.len() as u32).to_be_bytes()[..], part].concat());
        [&head[..], &counted, &layers_counted, &[0, 0, 1, 2, 3]].concat()
    }

    fn webp(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut out = b"WEBP".to_vec();
        for (kind, body) in chunks {
            out.extend([&kind[..], &(body.len() as u32).to_le_bytes(), body].concat());
            out.extend(vec![0; body.len() % 2]);
        }
        [&b"RIFF"[..], &(out.len() as u32).to_le_bytes(), &out].concat()
    }

    const XMP: u16 = 0x02bc;
    const IPTC: u16 = 0x83bb;
    const IMAGE_RESOURCES: u16 = 0x8649;
    const RATING: u16 = 0x4746;

    /// EXIF with three stars and a position.
    fn exif_fields() -> Vec<Field> {
        let mut fields = place(&[(52, 1), (31, 1), (12, 1)], "N", &[(13, 1), (24, 1), (36, 1)], "W");
        fields.extend([field(Tag::Make, ascii("Maker")), tiff_field(RATING, Value::Short(vec![3]))]);
        fields
    }

    const FIVE_STARS: &str = "<xmp:Rating>5</xmp:Rating><xmp:Label>Red</xmp:Label><xmp:CreatorTool>Editor 2</xmp:CreatorTool>
         <dc:subject><rdf:Bag><rdf:li>sea</rdf:li></rdf:Bag></dc:subject>";

    /// A file of each format with EXIF and XMP, and IPTC where it can be.
    fn files() -> [(Format, Vec<u8>); 5] {
        let (exif, xmp) = (data(&exif_fields(), true), packet(FIVE_STARS));
        let photoshop = resources(&[(0x03ed, b"abc"), (0x0404, b"\x1c\x02\x78\0\x06A calm\x1c\x02\x19\0\x03sky")]);
        let mut fields = exif_fields();
        fields.extend([tiff_field(XMP, Value::Byte(xmp.clone())), tiff_field(IMAGE_RESOURCES, Value::Undefined(photoshop.clone(), 0))]);
        let (first, second) = photoshop.split_at(20);
        [
            (
                Format::Jpeg,
                jpeg(&[
                    segment(0xe1, b"Exif\0\0", &exif),
                    segment(0xe1, XMP_IN_JPEG, &xmp),
                    segment(0xed, PHOTOSHOP, first),
                    segment(0xed, PHOTOSHOP, second),
                ]),
            ),
            (Format::Png, png(&[chunk(b"eXIf", &exif), chunk(b"iTXt", &[XMP_IN_PNG, &[0; 5], &xmp].concat())])),
            (Format::WebP, webp(&[(b"VP8 ", b"odd"), (b"EXIF", &exif), (b"XMP ", &xmp)])),
            (Format::Tiff, data(&fields, false)),
            (Format::Psd, psd(&[&resources(&[(EXIF_RESOURCE, &exif)]), &photoshop[..], &resources(&[(XMP_RESOURCE, &xmp)])].concat(), b"")),
        ]
    }

    #[test]
    fn exif_xmp_and_iptc_of_each_format_are_read_and_xmp_comes_first() {
        for (format, file) in files() {
            let read = metadata(&file, format);
            assert_eq!(read.capture.make.as_deref(), Some("Maker"), "{format}");
            assert_eq!(capture(&file), read.capture, "{format}");
            assert_eq!((read.description.rating, read.description.label.as_deref()), (Some(5), Some("Red")), "{format}");
            assert!(read.description.keywords.contains("sea"), "{format}");
            let has_iptc = matches!(format, Format::Jpeg | Format::Tiff | Format::Psd);
            assert_eq!(read.description.keywords.contains("sky"), has_iptc, "{format}");
            assert_eq!(read.description.caption.as_deref() == Some("A calm"), has_iptc, "{format}");
            let position = read.description.position.expect("a position");
            assert!(position.is_near(Position { latitude: 52.52, longitude: -13.41 }), "{format}: {position:?}");
            assert_eq!((read.software.as_deref(), read.trailer_bytes), (Some("Editor 2"), 0), "{format}");
            assert_eq!(read.other.len(), 1, "{format}: the three stars");
            assert!(read.missing_in(&read).is_empty(), "{format}");
        }
    }

    #[test]
    fn a_part_of_another_length_than_it_says_or_cut_off_does_not_hide_the_others() {
        for (format, file) in files() {
            let whole = metadata(&file, format);
            for length in 0..file.len() {
                let read = metadata(&file[..length], format);
                assert!(read.capture.make.is_none() || read.capture == whole.capture, "{format} {length}");
                assert!(matches!(read.description.rating, None | Some(3 | 5)), "{format} {length}");
            }
            for at in 0..file.len() {
                let mut damaged = file.clone();
                damaged[at] ^= 0xff;
                let _ = (metadata(&damaged, format), capture(&damaged));
            }
            // The XMP packet is cut in its middle, and the rest of the file with it: EXIF stands before it.
            if format != Format::Tiff {
                let at = file.windows(6).position(|six| six == b"Rating").expect("the packet");
                let cut = metadata(&file[..at], format);
                assert_eq!((cut.capture, cut.description.rating), (whole.capture, Some(3)), "{format}");
            }
        }
        // The packet alone is cut: the parts around it are read, and it is not understood.
        let half = |at: &str| {
            let packet = packet(FIVE_STARS);
            let end = packet.windows(at.len()).position(|part| part == at.as_bytes()).expect("a property");
            packet[..end].to_vec()
        };
        let exif = data(&exif_fields(), true);
        for cut in [half("Red"), b"\xff\xfe<\0x\0".to_vec(), Vec::from(*b"no packet")] {
            let all = [
                (Format::Jpeg, jpeg(&[segment(0xe1, XMP_IN_JPEG, &cut), segment(0xe1, b"Exif\0\0", &exif)])),
                (Format::Png, png(&[chunk(b"iTXt", &[XMP_IN_PNG, &[0; 5], &cut].concat()), chunk(b"eXIf", &exif)])),
                (Format::WebP, webp(&[(b"XMP ", &cut), (b"EXIF", &exif)])),
            ];
            for (format, file) in all {
                let read = metadata(&file, format);
                assert_eq!((read.description.rating, read.capture.make.as_deref()), (Some(3), Some("Maker")), "{format}");
                assert_eq!(read.other.len(), 1, "{format}");
            }
        }
    }

    #[test]
    fn frames_and_pages_after_the_first_count() {
        let others = |file: &[u8], format| metadata(file, format).other.len();
        let frames = |count| vec![chunk(b"fdAT", b"a frame"); count];
        assert_eq!([0, 1].map(|count| others(&png(&frames(count)), Format::Png)), [0, 1]);
        let all: [(&[u8; 4], &[u8]); 2] = [(b"ANMF", b"one"), (b"ANMF", b"two")];
        assert_eq!((others(&webp(&all[..1]), Format::WebP), others(&webp(&all), Format::WebP)), (0, 1));
        let gif = b"GIF89a\x01\0\x01\0\0\0\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b";
        let twice = [&gif[..gif.len() - 1], &gif[13..]].concat();
        assert_eq!((others(gif, Format::Gif), others(&twice, Format::Gif)), (0, 1));
        let layers = data(&[tiff_field(0x935c, Value::Undefined(b"layers".to_vec(), 0))], true);
        assert_eq!(others(&layers, Format::Tiff), 1);
    }

    /// Older programs write EXIF into a PNG as text: digits after a name and a length.
    #[test]
    fn exif_in_the_text_of_a_png_is_read() {
        let fields = [field(Tag::Make, ascii("Maker")), field(Tag::Orientation, Value::Short(vec![6]))];
        let exif = data(&fields, true);
        let signed = [&b"Exif\0\0"[..], &exif].concat();
        let text = chunk(b"tEXt", &raw_profile::tests::profile(&signed));
        let read = |chunks: &[Vec<u8>]| metadata(&png(chunks), Format::Png);
        let plain = read(std::slice::from_ref(&text));
        assert_eq!((plain.capture.make.as_deref(), plain.capture.orientation, plain.other.len()), (Some("Maker"), Some(6), 0));
        assert_eq!(capture(&png(std::slice::from_ref(&text))), plain.capture);
        // A program that knows both writes both.
        assert_eq!(read(&[chunk(b"eXIf", &exif), text.clone()]), plain);
        let other = data(&[field(Tag::Make, ascii("Other"))], true);
        let two = read(&[text.clone(), chunk(b"eXIf", &other)]);
        assert_eq!((two.capture.make.as_deref(), two.other.len()), (Some("Other"), 1));
        assert_eq!(read(&[chunk(b"tEXt", b"Raw profile type exif\0\nexif\n 9\nxyz")]).other.len(), 1, "no digits");
    }

    #[test]
    fn layers_and_paths_of_a_photoshop_file_count() {
        let others = |resources: &[u8], layers: &[u8]| metadata(&psd(resources, layers), Format::Psd).other.len();
        let path = resources(&[(2000, b"a path")]);
        let two = resources(&[(XMP_RESOURCE, &packet(FIVE_STARS)), (XMP_RESOURCE, &packet("<xmp:Rating>4</xmp:Rating>"))]);
        assert_eq!([others(b"", b""), others(b"", b"layers"), others(&path, b""), others(&two, b"")], [0, 1, 1, 1]);
        let profile = resources(&[(PROFILE_RESOURCE, b"the profile of a wide gamut")]);
        assert_eq!([others(&profile, b""), others(&resources(&[(PROFILE_RESOURCE, b"sRGB")]), b"")], [1, 0]);
    }

    #[test]
    fn exif_that_is_not_read_counts() {
        let exif = data(&exif_fields(), true);
        let wrong = [&b"IM"[..], &exif[2..]].concat();
        let signed = [&b"Exif\0\0"[..], &exif].concat();
        let other = data(&[field(Tag::ImageDescription, ascii("Aunt Ann"))], true);
        let of = |all: &[&[u8]]| {
            let segments: Vec<Vec<u8>> = all.iter().map(|data| segment(0xe1, b"Exif\0\0", data)).collect();
            let chunks: Vec<Vec<u8>> = all.iter().map(|data| chunk(b"eXIf", data)).collect();
            let in_webp: Vec<(&[u8; 4], &[u8])> = all.iter().map(|data| (b"EXIF", *data)).collect();
            [(Format::Jpeg, jpeg(&segments)), (Format::Png, png(&chunks)), (Format::WebP, webp(&in_webp))]
        };
        for (what, all, rating, others) in [
            ("a wrong byte order mark", vec![&wrong[..]], None, 1),
            ("nothing", vec![&[][..]], None, 0),
            ("the signature of a JPEG once more", vec![&signed[..]], Some(3), 0),
            ("two", vec![&exif[..], &other[..]], Some(3), 1),
            ("the first is broken", vec![&wrong[..], &exif[..]], Some(3), 1),
        ] {
            for (format, file) in of(&all) {
                let read = metadata(&file, format);
                assert_eq!((read.description.rating, read.other.len()), (rating, others), "{format}: {what}");
                assert_eq!(capture(&file).make.is_some(), rating.is_some(), "{format}: {what}");
            }
        }
        let odd = jpeg(&[segment(0xe1, b"Exif\0\xff", &exif)]);
        assert_eq!(metadata(&odd, Format::Jpeg).description.rating, Some(3));
    }

    #[test]
    fn parts_of_a_jpeg_that_are_not_understood_count() {
        let others = |segments: &[Vec<u8>]| metadata(&jpeg(segments), Format::Jpeg).other.len();
        let xmp = |text: &str| segment(0xe1, XMP_IN_JPEG, &packet(text));
        assert_eq!(others(&[segment(0xfe, b"", b"a comment")]), 1);
        assert_eq!(others(&[segment(0xe1, b"http://ns.adobe.com/xmp/extension/\0", b"more")]), 1);
        assert_eq!(others(&[xmp(FIVE_STARS)]), 0);
        assert_eq!(others(&[xmp(FIVE_STARS), xmp("<xmp:Rating>4</xmp:Rating>")]), 1, "a second packet");
        assert_eq!(others(&[segment(0xed, PHOTOSHOP, &resources(&[(2000, b"a path")]))]), 1);
        assert_eq!(others(&[segment(0xe2, b"ICC_PROFILE\0", b"\x01\x01of a wide gamut"), segment(0xe0, b"JFIF\0", b"")]), 1);
        for (marker, name) in [(0xef, &b""[..]), (0xe2, b"FPXR\0"), (0xe3, b"Meta\0")] {
            assert_eq!(others(&[segment(marker, name, b"a sound")]), 1, "{marker:x}");
        }
        let technical = [segment(0xe2, b"MPF\0", b"II"), segment(0xec, b"Ducky", b"\0\x01"), segment(0xee, b"Adobe", b"\0\x64")];
        assert_eq!(others(&technical), 0, "what says only how the file is made");
        let plain = jpeg(&[]);
        let (picture, end) = plain.split_at(plain.len() - 2);
        let late = [picture, &segment(0xfe, b"", b"a comment"), end].concat();
        assert_eq!((metadata(&plain, Format::Jpeg).other.len(), metadata(&late, Format::Jpeg).other.len()), (0, 1), "after the scan");
        let mut long = segment(0xe1, XMP_IN_JPEG, &packet(FIVE_STARS));
        long[2..4].copy_from_slice(&[0xff, 0xff]);
        assert_eq!(metadata(&jpeg(&[long]), Format::Jpeg).description, Description::default(), "longer than the file");
    }

    #[test]
    fn the_text_of_a_png_is_read_and_the_rest_of_it_counts() {
        let read = |chunks: &[Vec<u8>]| metadata(&png(chunks), Format::Png);
        let of = |keyword: &str, text: &str| chunk(b"tEXt", format!("{keyword}\0{text}").as_bytes());
        let international = |keyword: &str, text: &str| chunk(b"iTXt", format!("{keyword}\0\0\0de\0Wort\0{text}").as_bytes());
        let all = [
            of("Title", "Sea"),
            chunk(b"tEXt", b"Author\0Jos\xe9"),
            international("Description", "Der Hafen"),
            of("Software", "Editor"),
            of("date:create", "2026"),
        ];
        let Metadata { description, other, .. } = read(&all);
        assert_eq!((description.title.as_deref(), description.creator.as_deref()), (Some("Sea"), Some("José")));
        assert_eq!((description.caption.as_deref(), other.len()), (Some("Der Hafen"), 0));
        for (what, chunks, title, others) in [
            ("another keyword", vec![of("Comment", "Aunt Ann")], None, 1),
            ("compressed", vec![chunk(b"zTXt", b"Title\0\0\x78\x9c")], None, 1),
            ("compressed in another way", vec![chunk(b"iTXt", b"Title\0\x01\0de\0Titel\0\x78\x9c")], None, 1),
            ("two titles", vec![of("Title", "Sea"), international("Title", "Meer")], Some("Sea"), 1),
            ("one title twice", vec![of("Title", "Sea"), international("Title", "Sea")], Some("Sea"), 0),
            ("an empty one", vec![of("Title", "Sea"), of("Title", "")], Some("Sea"), 0),
            ("an empty one before", vec![of("Title", " "), of("Title", "Sea")], Some("Sea"), 0),
            ("no zero", vec![chunk(b"tEXt", b"Title")], None, 1),
            ("no language", vec![chunk(b"iTXt", b"Title\0\0\0")], None, 1),
            ("the data of the picture", vec![chunk(b"IDAT", b"Title\0Sea")], None, 0),
        ] {
            let Metadata { description, other, .. } = read(&chunks);
            assert_eq!((description.title.as_deref(), other.len()), (title, others), "{what}");
        }
        let xmp = |text: &str| chunk(b"tEXt", &[XMP_IN_PNG, b"\0", &packet(text)].concat());
        let two = read(&[xmp(FIVE_STARS), xmp("<xmp:Rating>4</xmp:Rating>")]);
        assert_eq!((two.description.rating, two.other.len()), (Some(5), 1), "a second packet");
        // The file ends in a title, or the length of one is beyond its end.
        let whole = png(&[of("Title", "Sea"), of("Author", "Ada")]);
        let cut = metadata(&whole[..whole.len() - 12 - 5], Format::Png);
        assert_eq!((cut.description.title.as_deref(), cut.description.creator, cut.other.len()), (Some("Sea"), None, 1));
    }

    #[test]
    fn chunks_of_a_webp_that_are_not_understood_count() {
        let (first, second) = (packet(FIVE_STARS), packet("<xmp:Rating>4</xmp:Rating>"));
        let read = |file: &[u8]| {
            let read = metadata(file, Format::WebP);
            (read.description.rating, read.other.len(), read.trailer_bytes)
        };
        let whole = webp(&[(b"VP8 ", b"odd"), (b"XMP ", &first), (b"XMP ", &second)]);
        assert_eq!(read(&whole), (Some(5), 1, 0), "a second packet");
        assert_eq!(read(&whole[..whole.len() - 10]), (Some(5), 1, 0), "the end is missing");
        let short = |length: u32| [&b"RIFF"[..], &length.to_le_bytes(), &whole[8..]].concat();
        assert_eq!(read(&short(u32::MAX)), (Some(5), 1, 0), "longer than the file");
        assert_eq!(read(&short(4)), (None, 0, whole.len() as u64 - 12), "all of it is after the picture");
        assert_eq!(read(&short(0)), (None, 0, whole.len() as u64 - 8));
        assert_eq!((read(b"RIFF"), read(b"")), ((None, 0, 0), (None, 0, 0)));
    }

    #[test]
    fn the_image_resources_of_a_tiff_are_read_beside_its_iptc() {
        let caption = |text: &str| [b"\x1c\x02\x78\0", &[text.len() as u8][..], text.as_bytes()].concat();
        let read = |iptc: Option<&[u8]>, all: &[(u16, &[u8])]| {
            let mut fields = vec![tiff_field(IMAGE_RESOURCES, Value::Byte(resources(all)))];
            fields.extend(iptc.map(|data| tiff_field(IPTC, Value::Undefined(data.to_vec(), 0))));
            let Metadata { description, other, .. } = metadata(&data(&fields, true), Format::Tiff);
            (description.caption.unwrap_or_default(), other.len())
        };
        let (sea, ann) = (caption("The sea"), caption("Aunt Ann"));
        assert_eq!(read(None, &[(0x0404, &sea)]), ("The sea".into(), 0));
        assert_eq!(read(Some(&[&sea[..], b"\0\0"].concat()), &[(0x0404, &sea)]), ("The sea".into(), 0));
        assert_eq!(read(Some(&sea), &[(0x0404, &ann)]), ("The sea".into(), 1), "two that differ");
        assert_eq!(read(None, &[(0x0404, &sea), (2000, b"a path")]), ("The sea".into(), 1));
    }

    #[test]
    fn keywords_and_parts_beyond_the_most_are_not_lost() {
        let of = |count: usize, last: &str| {
            let items: String = (0..count).map(|at| format!("<rdf:li>{at:04}</rdf:li>")).collect();
            let properties = format!("<dc:subject><rdf:Bag>{items}<rdf:li>{last}</rdf:li></rdf:Bag></dc:subject>");
            metadata(&png(&[chunk(b"tEXt", &[XMP_IN_PNG, b"\0", &packet(&properties)].concat())]), Format::Png)
        };
        assert_eq!((of(MAX_KEYWORDS - 1, "sea").description.keywords.len(), of(MAX_KEYWORDS - 1, "sea").other.len()), (MAX_KEYWORDS, 0));
        let (sea, sky) = (of(MAX_KEYWORDS, "sea"), of(MAX_KEYWORDS, "sky"));
        assert_eq!((sea.description.keywords.len(), &sea.description), (MAX_KEYWORDS, &sky.description));
        assert_eq!(sea.missing_in(&sky), [MetadataKind::OtherMetadata]);

        let comments = |last: &str| {
            let mut other = Other::default();
            (0..MAX_OTHER).for_each(|at| other.add(at.to_string().as_bytes()));
            other.add(last.as_bytes());
            other.into_hashes()
        };
        assert_eq!(comments("0").len(), MAX_OTHER, "one of them twice");
        assert_eq!((comments("sea").len(), comments("sea") == comments("sky")), (MAX_OTHER + 1, false));
    }

    #[test]
    fn trailers_are_told_apart_by_their_bytes() {
        let jpeg = [0xff, 0xd8, 0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 1, 2, 3, 0xff, 0xd9];
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\0IEND\xae\x42\x60\x82";
        let webp = b"RIFF\x04\0\0\0WEBP";
        let gif = b"GIF89a\x01\0\x01\0\0\0\0\x3b";
        for (format, picture) in [(Format::Jpeg, &jpeg[..]), (Format::Png, png), (Format::WebP, webp), (Format::Gif, gif)] {
            let with = |trailer: &[u8]| {
                let metadata = metadata(&[picture, trailer].concat(), format);
                (metadata.trailer_bytes, metadata.trailer)
            };
            assert_eq!(with(b""), (0, None), "{format}");
            assert_eq!(with(&[0; 9]), (9, Some(OF_ZEROS.to_owned())), "{format}");
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

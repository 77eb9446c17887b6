//! EXIF by kamadak-exif. A broken tag does not affect the others.

use std::io::Cursor;

use exif::{Context, Exif, In, Tag, Value};

use super::text::{clean, clean_bytes, clean_keyword};
use super::{Other, xmp};
use crate::photo::{Capture, Description, Exposure, Position};

const SUB_IFDS: u16 = 0x014a;
const XMP: u16 = 0x02bc;
const RATING: u16 = 0x4746;
const IPTC: u16 = 0x83bb;
const IMAGE_RESOURCES: u16 = 0x8649;
/// What Windows writes, in UTF-16.
const XP_TITLE: u16 = 0x9c9b;
const XP_COMMENT: u16 = 0x9c9c;
const XP_AUTHOR: u16 = 0x9c9d;
const XP_KEYWORDS: u16 = 0x9c9e;
const XP_SUBJECT: u16 = 0x9c9f;
const DNG_VERSION: u16 = 0xc612;

/// Parses the EXIF data of a file. `None` if there is none.
pub fn parsed(bytes: &[u8]) -> Option<Exif> {
    let mut reader = exif::Reader::new();
    reader.continue_on_error(true);
    reader.read_from_container(&mut Cursor::new(bytes)).or_else(|e| e.distill_partial_result(|_| {})).ok()
}

/// Returns whether a TIFF is a RAW file: a DNG, or one with its full picture behind a thumbnail.
pub fn is_raw(exif: &Exif) -> bool {
    let has = |number| tiff_value(exif, number).is_some();
    has(DNG_VERSION) || (has(SUB_IFDS) && exif.get_field(Tag::Make, In::PRIMARY).is_some())
}

/// Returns the capture data.
pub fn capture(exif: &Exif) -> Capture {
    Capture {
        taken: taken(exif),
        offset: text(exif, Tag::OffsetTimeOriginal).or_else(|| text(exif, Tag::OffsetTime)).filter(|o| o.len() <= 6),
        make: text(exif, Tag::Make),
        model: text(exif, Tag::Model),
        serial: text(exif, Tag::BodySerialNumber),
        orientation: exif
            .get_field(Tag::Orientation, In::PRIMARY)
            .and_then(|f| f.value.get_uint(0))
            .and_then(|v| u8::try_from(v).ok())
            .filter(|v| (1..=8).contains(v)),
        exposure: Exposure {
            seconds: number(exif, Tag::ExposureTime).filter(|seconds| *seconds > 0.0),
            aperture: number(exif, Tag::FNumber).filter(|aperture| *aperture > 0.0),
            bias: number(exif, Tag::ExposureBiasValue),
        },
    }
}

fn number(exif: &Exif, tag: Tag) -> Option<f64> {
    let value = match &exif.get_field(tag, In::PRIMARY)?.value {
        Value::Rational(values) => values.first()?.to_f64(),
        Value::SRational(values) => values.first()?.to_f64(),
        // Not as the standard says, but some programs write them.
        Value::Float(values) => f64::from(*values.first()?),
        Value::Double(values) => *values.first()?,
        _ => return None,
    };
    Some(value).filter(|value| value.is_finite())
}

/// Returns what a person said. What is not understood is added to `other`.
pub fn description(exif: &Exif, other: &mut Other) -> Description {
    let comments = [XP_TITLE, XP_COMMENT, XP_AUTHOR, XP_KEYWORDS, XP_SUBJECT, Tag::Copyright.number()];
    let comment = exif.get_field(Tag::UserComment, In::PRIMARY).and_then(|field| bytes_of(&field.value)?.get(8..));
    let values = comments.into_iter().filter_map(|number| match tiff_value(exif, number)? {
        Value::Ascii(lines) => lines.first().map(Vec::as_slice),
        value => bytes_of(value),
    });
    for value in values.chain(comment).filter(|value| value.iter().any(|byte| !matches!(byte, 0 | b' '))) {
        other.add(value);
    }
    let windows = |number| tiff_value(exif, number).and_then(bytes_of).and_then(utf16);
    let keywords = windows(XP_KEYWORDS).unwrap_or_default();
    let stars = tiff_value(exif, RATING).and_then(|value| value.get_uint(0));
    let position =
        degrees(exif, Tag::GPSLatitude, Tag::GPSLatitudeRef, "S").zip(degrees(exif, Tag::GPSLongitude, Tag::GPSLongitudeRef, "W"));
    Description {
        rating: stars.and_then(|stars| xmp::rating(stars.into())),
        label: None,
        keywords: keywords.split(';').filter_map(clean_keyword).collect(),
        title: windows(XP_TITLE),
        caption: text(exif, Tag::ImageDescription).or_else(|| windows(XP_COMMENT)),
        creator: text(exif, Tag::Artist).or_else(|| windows(XP_AUTHOR)),
        // A receiver without a signal writes zeros.
        position: position.filter(|p| *p != (0.0, 0.0)).map(|(latitude, longitude)| Position { latitude, longitude }),
    }
}

/// Returns the program that wrote the file.
pub fn software(exif: &Exif) -> Option<String> {
    text(exif, Tag::Software)
}

/// Returns the XMP packet of a TIFF.
pub fn xmp(exif: &Exif) -> Option<&[u8]> {
    tiff_value(exif, XMP).and_then(bytes_of)
}

/// Returns the IPTC data sets of a TIFF.
pub fn iptc(exif: &Exif) -> Option<Vec<u8>> {
    match tiff_value(exif, IPTC) {
        // Many programs declare the bytes as numbers.
        Some(Value::Long(numbers)) => {
            let bytes = numbers.iter().map(|n| if exif.little_endian() { n.to_le_bytes() } else { n.to_be_bytes() });
            Some(bytes.collect::<Vec<_>>().concat())
        }
        Some(value) => bytes_of(value).map(<[u8]>::to_vec),
        None => super::iptc::resources(tiff_value(exif, IMAGE_RESOURCES).and_then(bytes_of)?).iptc.map(<[u8]>::to_vec),
    }
}

fn tiff_value(exif: &Exif, number: u16) -> Option<&Value> {
    Some(&exif.get_field(Tag(Context::Tiff, number), In::PRIMARY)?.value)
}

fn bytes_of(value: &Value) -> Option<&[u8]> {
    match value {
        Value::Byte(bytes) | Value::Undefined(bytes, _) => Some(bytes),
        _ => None,
    }
}

fn utf16(bytes: &[u8]) -> Option<String> {
    let (units, _) = bytes.as_chunks::<2>();
    clean(&String::from_utf16_lossy(&units.iter().copied().map(u16::from_le_bytes).collect::<Vec<_>>()))
}

fn text(exif: &Exif, tag: Tag) -> Option<String> {
    let Value::Ascii(lines) = &exif.get_field(tag, In::PRIMARY)?.value else { return None };
    clean_bytes(lines.first()?)
}

/// Returns a coordinate from degrees, minutes and seconds.
fn degrees(exif: &Exif, tag: Tag, reference: Tag, negative: &str) -> Option<f64> {
    let Value::Rational(parts) = &exif.get_field(tag, In::PRIMARY)?.value else { return None };
    let degrees: f64 = parts.iter().zip([1.0, 60.0, 3600.0]).map(|(part, unit)| part.to_f64() / unit).sum();
    let is_negative = text(exif, reference)?.eq_ignore_ascii_case(negative);
    (degrees.abs() <= 180.0).then_some(if is_negative { -degrees } else { degrees })
}

/// Converts `2026:05:01 10:00:00` and its sub-seconds to `2026-05-01T10:00:00.123`. Cameras whose clock was never set
/// write zeros or blanks, which are not a time. `DateTime` is ignored: programs set it to the time they saved the
/// file.
fn taken(exif: &Exif) -> Option<String> {
    let written = text(exif, Tag::DateTimeOriginal)?;
    let time = exif::DateTime::from_ascii(written.as_bytes()).ok()?;
    let plausible = time.year > 0
        && (1..=12).contains(&time.month)
        && (1..=31).contains(&time.day)
        && time.hour < 24
        && time.minute < 60
        && time.second <= 60;
    if !plausible {
        return None;
    }
    let mut out = format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", time.year, time.month, time.day, time.hour, time.minute, time.second);
    if let Some(sub) = text(exif, Tag::SubSecTimeOriginal).filter(|s| s.len() <= 9 && s.bytes().all(|b| b.is_ascii_digit())) {
        out.push('.');
        out.push_str(&sub);
    }
    Some(out)
}

//! EXIF by kamadak-exif. A broken tag does not affect the others.

use std::io::Cursor;

use exif::{Exif, In, Tag, Value};

use crate::photo::Capture;

/// Whether a TIFF is a RAW file: a DNG, or one with its full picture behind a thumbnail.
pub fn is_raw(bytes: &[u8]) -> bool {
    let has = |exif: &Exif, number| exif.get_field(Tag(exif::Context::Tiff, number), In::PRIMARY).is_some();
    parsed(bytes).is_some_and(|exif| has(&exif, DNG_VERSION) || (has(&exif, SUB_IFDS) && exif.get_field(Tag::Make, In::PRIMARY).is_some()))
}

const SUB_IFDS: u16 = 0x014a;
const DNG_VERSION: u16 = 0xc612;

fn parsed(bytes: &[u8]) -> Option<Exif> {
    let mut reader = exif::Reader::new();
    reader.continue_on_error(true);
    reader.read_from_container(&mut Cursor::new(bytes)).or_else(|e| e.distill_partial_result(|_| {})).ok()
}

/// The capture data of a file. Empty if none can be read.
pub fn capture(bytes: &[u8]) -> Capture {
    let Some(exif) = parsed(bytes) else { return Capture::default() };
    Capture {
        taken: taken(&exif),
        offset: text(&exif, Tag::OffsetTimeOriginal).or_else(|| text(&exif, Tag::OffsetTime)).filter(|o| o.len() <= 6),
        make: text(&exif, Tag::Make),
        model: text(&exif, Tag::Model),
        serial: text(&exif, Tag::BodySerialNumber),
        orientation: exif
            .get_field(Tag::Orientation, In::PRIMARY)
            .and_then(|f| f.value.get_uint(0))
            .and_then(|v| u8::try_from(v).ok())
            .filter(|v| (1..=8).contains(v)),
    }
}

fn text(exif: &Exif, tag: Tag) -> Option<String> {
    let Value::Ascii(lines) = &exif.get_field(tag, In::PRIMARY)?.value else { return None };
    let text = String::from_utf8_lossy(lines.first()?);
    let text = text.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    (!text.is_empty()).then(|| text.chars().filter(|c| !c.is_control()).take(100).collect())
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

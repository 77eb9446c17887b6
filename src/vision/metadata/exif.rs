//! EXIF by kamadak-exif. A broken tag does not affect the others.

use std::borrow::Cow;

use exif::{Context, Exif, In, Rational, Tag, Value};

use super::text::{clean, clean_bytes, clean_keyword};
use super::{Other, xmp};
use crate::photo::{Capture, Description, Exposure, Origin, Position};

const SUBFILE_TYPE: u16 = 0x00fe;
/// Where the pixels of a page are, and their lengths, for strips and for tiles.
const PIXELS: [(u16, u16); 2] = [(0x0111, 0x0117), (0x0144, 0x0145)];
const XMP: u16 = 0x02bc;
const RATING: u16 = 0x4746;
const IPTC: u16 = 0x83bb;
const IMAGE_RESOURCES: u16 = 0x8649;
/// Photoshop's layers.
const LAYERS: u16 = 0x935c;
/// What Windows writes, in UTF-16.
const XP_TITLE: u16 = 0x9c9b;
const XP_COMMENT: u16 = 0x9c9c;
const XP_AUTHOR: u16 = 0x9c9d;
const XP_KEYWORDS: u16 = 0x9c9e;
const XP_SUBJECT: u16 = 0x9c9f;

/// What a person may have written of a page: description, artist, copyright, XMP, IPTC, image resources, and what Windows writes.
const OF_PERSONS: [u16; 11] =
    [0x010e, 0x013b, 0x8298, XMP, IPTC, IMAGE_RESOURCES, XP_TITLE, XP_COMMENT, XP_AUTHOR, XP_KEYWORDS, XP_SUBJECT];

/// What cameras write as their sensitivity when it is this or more, and another field has it.
const MAX_ISO: u32 = 65_535;

/// The most pages that are parsed.
const MAX_PAGES: u16 = 8;

/// The character sets of a comment, each padded to this length.
const CHARACTER_SETS: [&[u8]; 4] = [b"", b"ASCII", b"UNICODE", b"JIS"];
const CHARACTER_SET_BYTES: usize = 8;

/// What stands before EXIF in a JPEG. Some programs write it in other formats as well.
const SIGNATURE: &[u8] = b"Exif\0\0";

/// Parses EXIF data, which has the form of a TIFF. `None` if not one field can be read.
pub fn parsed(data: &[u8]) -> Option<Exif> {
    parsed_tiff(data.strip_prefix(SIGNATURE).unwrap_or(data).to_vec())
}

/// Parses the EXIF data of a TIFF. `None` if not one field can be read.
pub fn parsed_tiff(tiff: Vec<u8>) -> Option<Exif> {
    let mut reader = exif::Reader::new();
    reader.continue_on_error(true);
    let exif = reader.read_raw(tiff).or_else(|e| e.distill_partial_result(|_| {})).ok()?;
    let has_fields = exif.fields().len() > 0;
    has_fields.then_some(exif)
}

/// Returns the capture data without the origin.
pub fn capture(exif: &Exif) -> Capture {
    Capture {
        taken: taken(exif),
        offset: text(exif, Tag::OffsetTimeOriginal).or_else(|| text(exif, Tag::OffsetTime)).filter(|o| o.len() <= 6),
        make: text(exif, Tag::Make),
        model: text(exif, Tag::Model),
        serial: text(exif, Tag::BodySerialNumber),
        lens: text(exif, Tag::LensModel),
        orientation: exif
            .get_field(Tag::Orientation, In::PRIMARY)
            .and_then(|f| f.value.get_uint(0))
            .and_then(|v| u8::try_from(v).ok())
            .filter(|v| (1..=8).contains(v)),
        exposure: Exposure {
            seconds: number(exif, Tag::ExposureTime).filter(|seconds| *seconds > 0.0),
            aperture: number(exif, Tag::FNumber).filter(|aperture| *aperture > 0.0),
            bias: number(exif, Tag::ExposureBiasValue),
            iso: iso(exif),
        },
        origin: Origin::default(),
    }
}

pub fn iso(exif: &Exif) -> Option<f64> {
    let iso = exif.get_field(Tag::PhotographicSensitivity, In::PRIMARY)?.value.get_uint(0)?;
    (iso > 0 && iso < MAX_ISO).then_some(iso.into())
}

pub fn number(exif: &Exif, tag: Tag) -> Option<f64> {
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
    let comment = exif.get_field(Tag::UserComment, In::PRIMARY).and_then(|field| comment(&field.value));
    let values = comments.into_iter().filter_map(|number| said(tiff_value(exif, number)?));
    for value in values.chain(comment).filter(|value| !is_blank(value)) {
        other.add(&value);
    }
    // Of several texts in one field the first one is read.
    for tag in [Tag::ImageDescription, Tag::Artist] {
        let lines = exif.get_field(tag, In::PRIMARY).map_or(&[][..], |field| lines(&field.value));
        lines.iter().skip(1).filter(|line| !is_blank(line)).for_each(|line| other.add(line));
    }
    let windows = |number| tiff_value(exif, number).and_then(bytes_of).and_then(utf16);
    let keywords = windows(XP_KEYWORDS).unwrap_or_default();
    let stars = tiff_value(exif, RATING).and_then(|value| value.get_uint(0));
    Description {
        rating: stars.and_then(|stars| xmp::rating(stars.into())),
        label: None,
        keywords: keywords.split(';').filter_map(clean_keyword).collect(),
        title: windows(XP_TITLE),
        caption: text(exif, Tag::ImageDescription).or_else(|| windows(XP_COMMENT)),
        creator: text(exif, Tag::Artist).or_else(|| windows(XP_AUTHOR)),
        position: position(exif, other),
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
pub fn iptc(exif: &Exif) -> Option<Cow<'_, [u8]>> {
    match tiff_value(exif, IPTC)? {
        // Many programs declare the bytes as numbers.
        Value::Long(numbers) => {
            let bytes = numbers.iter().map(|n| if exif.little_endian() { n.to_le_bytes() } else { n.to_be_bytes() });
            Some(bytes.collect::<Vec<_>>().concat().into())
        }
        value => bytes_of(value).map(Cow::from),
    }
}

/// Returns Photoshop's image resources of a TIFF.
pub fn image_resources(exif: &Exif) -> Option<&[u8]> {
    tiff_value(exif, IMAGE_RESOURCES).and_then(bytes_of)
}

/// Adds the further pages of a TIFF with what they say, and the layers of its picture, to `other`. A smaller picture of a page is not
/// one of them.
pub fn pages(exif: &Exif, other: &mut Other) {
    if let Some(layers) = tiff_value(exif, LAYERS).and_then(bytes_of) {
        other.add(layers);
    }
    let last = exif.fields().map(|field| field.ifd_num.index()).max().unwrap_or_default();
    if last + 1 >= MAX_PAGES {
        other.add(exif.buf());
    }
    for page in (1..=last).map(In) {
        let numbers = |number| {
            let value = exif.get_field(Tag(Context::Tiff, number), page).and_then(|field| field.value.iter_uint());
            value.map(|numbers| numbers.map(|number| number as usize).collect::<Vec<_>>()).unwrap_or_default()
        };
        if numbers(SUBFILE_TYPE).first().is_some_and(|kind| kind & 1 == 1) {
            continue;
        }
        let pixels = PIXELS.iter().flat_map(|&(starts, lengths)| numbers(starts).into_iter().zip(numbers(lengths)));
        for (start, length) in pixels {
            other.add(exif.buf().get(start..start.saturating_add(length)).unwrap_or_default());
        }
        let of_page = exif.fields().filter(|field| field.ifd_num == page && OF_PERSONS.contains(&field.tag.number()));
        of_page.filter_map(|field| said(&field.value)).filter(|value| !is_blank(value)).for_each(|value| other.add(&value));
    }
}

fn tiff_value(exif: &Exif, number: u16) -> Option<&Value> {
    Some(&exif.get_field(Tag(Context::Tiff, number), In::PRIMARY)?.value)
}

pub fn bytes_of(value: &Value) -> Option<&[u8]> {
    match value {
        Value::Byte(bytes) | Value::Undefined(bytes, _) => Some(bytes),
        _ => None,
    }
}

fn lines(value: &Value) -> &[Vec<u8>] {
    match value {
        Value::Ascii(lines) => lines,
        _ => &[],
    }
}

fn is_blank(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, 0 | b' '))
}

/// Returns all that a field says.
fn said(value: &Value) -> Option<Cow<'_, [u8]>> {
    match value {
        Value::Ascii(lines) => Some(lines.iter().filter(|line| !is_blank(line)).cloned().collect::<Vec<_>>().join(&b'\n').into()),
        value => bytes_of(value).map(Cow::from),
    }
}

/// Returns a comment without the name of its character set, which some programs leave out.
fn comment(value: &Value) -> Option<Cow<'_, [u8]>> {
    let all = said(value)?;
    let Some((set, text)) = all.split_at_checked(CHARACTER_SET_BYTES) else { return Some(all) };
    let end = set.iter().rposition(|byte| !matches!(byte, 0 | b' ')).map_or(0, |last| last + 1);
    let is_named = CHARACTER_SETS.iter().any(|name| name.eq_ignore_ascii_case(&set[..end]));
    Some(if is_named { text.to_vec().into() } else { all })
}

fn utf16(bytes: &[u8]) -> Option<String> {
    let (units, _) = bytes.as_chunks::<2>();
    clean(&String::from_utf16_lossy(&units.iter().copied().map(u16::from_le_bytes).collect::<Vec<_>>()))
}

pub fn text(exif: &Exif, tag: Tag) -> Option<String> {
    clean_bytes(lines(&exif.get_field(tag, In::PRIMARY)?.value).first()?)
}

/// Returns where it was taken. What cannot be read is added to `other`, unless a receiver without a signal wrote it.
fn position(exif: &Exif, other: &mut Other) -> Option<Position> {
    let latitude = degrees(exif, Tag::GPSLatitude, Tag::GPSLatitudeRef, ['N', 'S'], 90.0);
    let longitude = degrees(exif, Tag::GPSLongitude, Tag::GPSLongitudeRef, ['E', 'W'], 180.0);
    if let Some((latitude, longitude)) = latitude.zip(longitude) {
        return Position { latitude, longitude }.known();
    }
    for field in [Tag::GPSLatitude, Tag::GPSLongitude].into_iter().filter_map(|tag| exif.get_field(tag, In::PRIMARY)) {
        if !matches!(&field.value, Value::Rational(parts) if parts.iter().all(|part| part.num == 0)) {
            other.add_named(&field.tag.number().to_be_bytes(), format!("{:?}", field.value).as_bytes());
        }
    }
    None
}

/// Returns a coordinate from degrees, minutes and seconds. Minutes and seconds that are not known are written as 0/0.
fn degrees(exif: &Exif, tag: Tag, reference: Tag, [positive, negative]: [char; 2], most: f64) -> Option<f64> {
    let Value::Rational(parts) = &exif.get_field(tag, In::PRIMARY)?.value else { return None };
    let (whole, parts) = parts.split_first()?;
    let is_known = |part: &Rational| (part.num, part.denom) != (0, 0);
    let parts = parts.iter().zip([60.0, 3600.0]).filter(|(part, _)| is_known(part));
    let degrees = whole.to_f64() + parts.map(|(part, unit)| part.to_f64() / unit).sum::<f64>();
    let direction = text(exif, reference)?.chars().next()?.to_ascii_uppercase();
    let sign = if direction == positive { 1.0 } else { -1.0 };
    ((direction == positive || direction == negative) && degrees <= most).then_some(sign * degrees)
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

#[cfg(test)]
pub mod tests {
    use std::io::Cursor;

    use exif::Field;
    use exif::experimental::Writer;

    use super::*;

    pub fn field(tag: Tag, value: Value) -> Field {
        Field { tag, ifd_num: In::PRIMARY, value }
    }

    pub fn tiff_field(number: u16, value: Value) -> Field {
        field(Tag(Context::Tiff, number), value)
    }

    pub fn ascii(text: &str) -> Value {
        Value::Ascii(vec![text.as_bytes().to_vec()])
    }

    pub fn data(fields: &[Field], little_endian: bool) -> Vec<u8> {
        let mut writer = Writer::new();
        fields.iter().for_each(|field| writer.push_field(field));
        let mut data = Cursor::new(Vec::new());
        writer.write(&mut data, little_endian).expect("EXIF");
        data.into_inner()
    }

    fn utf16_of(text: &str) -> Value {
        Value::Byte(text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect())
    }

    fn rationals(parts: &[(u32, u32)]) -> Value {
        Value::Rational(parts.iter().map(|part| Rational::from(*part)).collect())
    }

    /// The fields of a place, each as degrees, minutes and seconds.
    pub fn place(latitude: &[(u32, u32)], north: &str, longitude: &[(u32, u32)], east: &str) -> Vec<Field> {
        vec![
            field(Tag::GPSLatitudeRef, ascii(north)),
            field(Tag::GPSLatitude, rationals(latitude)),
            field(Tag::GPSLongitudeRef, ascii(east)),
            field(Tag::GPSLongitude, rationals(longitude)),
        ]
    }

    fn exif_of(fields: &[Field]) -> Exif {
        parsed(&data(fields, false)).expect("EXIF")
    }

    /// What these fields say, and the number of parts that are not understood.
    fn described(fields: &[Field]) -> (Description, usize) {
        let mut other = Other::default();
        let description = description(&exif_of(fields), &mut other);
        (description, other.into_hashes().len())
    }

    #[test]
    fn what_a_camera_wrote_is_read_in_both_byte_orders() {
        let fields = [
            field(Tag::Make, ascii("Maker ")),
            field(Tag::Model, ascii("Model 1")),
            field(Tag::Software, ascii("Editor 2")),
            field(Tag::Orientation, Value::Short(vec![6])),
            field(Tag::DateTimeOriginal, ascii("2026:05:01 10:00:00")),
            field(Tag::SubSecTimeOriginal, ascii("123")),
            field(Tag::OffsetTimeOriginal, ascii("+02:00")),
            field(Tag::BodySerialNumber, ascii("4711")),
            field(Tag::LensModel, ascii("Lens 35mm f/1.8")),
            field(Tag::ExposureTime, rationals(&[(1, 250)])),
            field(Tag::FNumber, rationals(&[(28, 10)])),
            field(Tag::ExposureBiasValue, Value::SRational(vec![(-1, 2).into()])),
            field(Tag::PhotographicSensitivity, Value::Short(vec![400])),
        ];
        let some = |text: &str| Some(text.to_owned());
        let expected = Capture {
            taken: some("2026-05-01T10:00:00.123"),
            offset: some("+02:00"),
            make: some("Maker"),
            model: some("Model 1"),
            serial: some("4711"),
            lens: some("Lens 35mm f/1.8"),
            orientation: Some(6),
            exposure: Exposure { seconds: Some(0.004), aperture: Some(2.8), bias: Some(-0.5), iso: Some(400.0) },
            origin: Origin::default(),
        };
        for little_endian in [false, true] {
            let plain = data(&fields, little_endian);
            for data in [[SIGNATURE, &plain].concat(), plain] {
                let exif = parsed(&data).expect("EXIF");
                assert_eq!(capture(&exif), expected);
                assert_eq!(software(&exif), some("Editor 2"));
            }
        }
    }

    #[test]
    fn what_a_camera_cannot_have_meant_is_not_read() {
        let of = |tag, value| capture(&exif_of(&[field(Tag::Make, ascii("Maker")), field(tag, value)]));
        let nothing = Capture { make: Some("Maker".into()), ..Capture::default() };
        for (tag, value) in [
            (Tag::Orientation, Value::Short(vec![0])),
            (Tag::Orientation, Value::Short(vec![9])),
            (Tag::Orientation, Value::Long(vec![262])),
            (Tag::Orientation, ascii("6")),
            (Tag::ExposureTime, rationals(&[(0, 1)])),
            (Tag::ExposureTime, rationals(&[(1, 0)])),
            (Tag::FNumber, rationals(&[(0, 0)])),
            (Tag::ExposureBiasValue, Value::SRational(vec![(0, 0).into()])),
            (Tag::PhotographicSensitivity, Value::Short(vec![0])),
            (Tag::PhotographicSensitivity, Value::Short(vec![65_535])),
            (Tag::OffsetTimeOriginal, ascii("+02:00 or so")),
            (Tag::DateTimeOriginal, ascii("0000:00:00 00:00:00")),
            (Tag::DateTimeOriginal, ascii("    :  :     :  :  ")),
            (Tag::DateTimeOriginal, ascii("2026:13:01 10:00:00")),
            (Tag::DateTimeOriginal, ascii("2026:05:01 25:00:00")),
            (Tag::DateTimeOriginal, ascii("2026:05:01")),
            (Tag::DateTimeOriginal, ascii("yesterday at some time")),
            (Tag::DateTimeOriginal, Value::Long(vec![1])),
            (Tag::DateTime, ascii("2026:05:01 10:00:00")),
        ] {
            let what = format!("{tag} {value:?}");
            assert_eq!(of(tag, value), nothing, "{what}");
        }
        let float = of(Tag::FNumber, Value::Float(vec![4.0])).exposure.aperture;
        assert_eq!((float, of(Tag::FNumber, Value::Double(vec![4.0])).exposure.aperture), (Some(4.0), Some(4.0)));
        let sub = |text: &str| {
            let fields = [field(Tag::DateTimeOriginal, ascii("2026:05:01 10:00:00")), field(Tag::SubSecTimeOriginal, ascii(text))];
            capture(&exif_of(&fields)).taken.expect("a time")
        };
        assert_eq!([sub("07"), sub("7th"), sub("1234567890")].map(|taken| taken.len()), [22, 19, 19]);
    }

    #[test]
    fn what_a_person_wrote_is_read() {
        let fields = [
            tiff_field(RATING, Value::Short(vec![4])),
            field(Tag::ImageDescription, ascii("On the beach")),
            field(Tag::Artist, Value::Ascii(vec![b"Jos\xe9".to_vec()])),
            tiff_field(XP_TITLE, utf16_of("Summer")),
            tiff_field(XP_KEYWORDS, utf16_of("sea;café; ;sea")),
        ];
        let (read, other) = described(&fields);
        assert_eq!((read.rating, read.title.as_deref()), (Some(4), Some("Summer")));
        assert_eq!((read.caption.as_deref(), read.creator.as_deref()), (Some("On the beach"), Some("José")));
        assert_eq!(read.keywords.into_iter().collect::<Vec<_>>(), ["café", "sea"]);
        assert_eq!(other, 2, "what Windows wrote, which another program may not show");
        let (windows, _) = described(&[tiff_field(XP_COMMENT, utf16_of("On the beach")), tiff_field(XP_AUTHOR, utf16_of("Ada"))]);
        assert_eq!((windows.caption.as_deref(), windows.creator.as_deref()), (Some("On the beach"), Some("Ada")));
        assert_eq!(described(&[tiff_field(RATING, Value::Short(vec![0]))]), (Description::default(), 0));
    }

    #[test]
    fn what_is_not_read_of_a_person_counts() {
        let others = |tag, value| described(&[field(tag, value)]).1;
        let comment = |bytes: &[u8]| Value::Undefined(bytes.to_vec(), 0);
        for (tag, value, expected) in [
            (Tag::Copyright, ascii("Ada"), 1),
            (Tag::Copyright, ascii("  "), 0),
            (Tag::Copyright, Value::Ascii(vec![b" ".to_vec(), b"the editor".to_vec()]), 1),
            (Tag::UserComment, comment(b"ASCII\0\0\0Aunt Ann"), 1),
            (Tag::UserComment, comment(b"UNICODE\0A\0n\0n\0"), 1),
            (Tag::UserComment, comment(b"ASCII\0\0\0    \0"), 0),
            (Tag::UserComment, comment(b"ascii   \0\0\0\0"), 0),
            (Tag::UserComment, comment(&[0; 40]), 0),
            (Tag::UserComment, comment(b"Ann"), 1),
            (Tag::UserComment, comment(b"Birthday"), 1),
            (Tag::UserComment, comment(b""), 0),
            (Tag::UserComment, ascii("Birthday"), 1),
            (Tag::ImageDescription, Value::Ascii(vec![b"first".to_vec(), b"second".to_vec()]), 1),
            (Tag::Artist, Value::Ascii(vec![b"Ada".to_vec(), b" ".to_vec()]), 0),
        ] {
            let what = format!("{tag} {value:?}");
            assert_eq!(others(tag, value), expected, "{what}");
        }
        let hashes = |value| {
            let mut other = Other::default();
            description(&exif_of(&[value]), &mut other);
            other.into_hashes()
        };
        let of_editor = |name: &str| field(Tag::Copyright, Value::Ascii(vec![b"Ada".to_vec(), name.as_bytes().to_vec()]));
        assert_ne!(hashes(of_editor("Ann")), hashes(of_editor("Bob")));
        let of_comment = |text: &[u8]| field(Tag::UserComment, comment(text));
        assert_ne!(hashes(of_comment(b"Ann at the sea")), hashes(of_comment(b"Bob at the sea")), "no character set is named");
    }

    #[test]
    fn a_position_has_a_direction_and_may_leave_out_seconds() {
        let berlin = [(52, 1), (31, 1), (12, 1)];
        for (fields, latitude, longitude) in [
            (place(&berlin, "N", &[(13, 1), (24, 1), (36, 1)], "E"), 52.52, 13.41),
            (place(&berlin, "S", &[(13, 1), (24, 1), (36, 1)], "w"), -52.52, -13.41),
            (place(&[(52, 1), (312, 10), (0, 0)], "N", &[(1341, 100)], "West"), 52.52, -13.41),
            (place(&[(0, 1)], "N", &berlin, "E"), 0.0, 52.52),
        ] {
            let read = described(&fields).0.position.expect("a position");
            assert!(read.is_near(Position { latitude, longitude }), "{read:?}");
        }
        let signal = [(0, 1), (0, 1), (0, 1)];
        for (what, fields, others) in [
            ("zeros", place(&signal, "N", &signal, "E"), 0),
            ("nothing", place(&[(0, 0); 3], "", &[(0, 0); 3], ""), 0),
            ("no direction", place(&berlin, "", &berlin, "E"), 2),
            ("an unknown direction", place(&berlin, "N", &berlin, "X"), 2),
            ("no such latitude", place(&[(91, 1)], "N", &berlin, "E"), 2),
            ("no such longitude", place(&berlin, "N", &[(181, 1)], "E"), 2),
            ("infinite", place(&[(1, 0)], "N", &berlin, "E"), 2),
            ("the latitude alone", place(&berlin, "N", &berlin, "E")[..2].to_vec(), 1),
            ("as a text", vec![field(Tag::GPSLatitude, ascii("52.52"))], 1),
        ] {
            assert_eq!(described(&fields), (Description::default(), others), "{what}");
        }
    }

    #[test]
    fn the_parts_of_a_tiff_are_found() {
        let sets = b"\x1c\x02\x78\0\x03sea".to_vec();
        for little_endian in [false, true] {
            let number = |b: &[u8]| <[u8; 4]>::try_from(b).map(if little_endian { u32::from_le_bytes } else { u32::from_be_bytes });
            let numbers = sets.chunks(4).map(|four| number(four).expect("four bytes")).collect();
            let fields = [tiff_field(XMP, Value::Byte(b"<x/>".to_vec())), tiff_field(IPTC, Value::Long(numbers))];
            let exif = parsed(&data(&fields, little_endian)).expect("EXIF");
            assert_eq!((xmp(&exif), iptc(&exif).as_deref()), (Some(&b"<x/>"[..]), Some(&sets[..])));
            assert_eq!(image_resources(&exif), None);
        }
        let fields = [tiff_field(IPTC, Value::Undefined(sets.clone(), 0)), tiff_field(IMAGE_RESOURCES, Value::Byte(b"8BIM".to_vec()))];
        let exif = exif_of(&fields);
        assert_eq!((xmp(&exif), iptc(&exif).as_deref()), (None, Some(&sets[..])));
        assert_eq!(image_resources(&exif), Some(&b"8BIM"[..]));
    }

    #[test]
    fn further_pages_and_layers_of_a_tiff_count() {
        let of = |pages: &[(&[u8], u32)]| {
            let kinds = pages
                .iter()
                .enumerate()
                .map(|(at, (_, kind))| Field { ifd_num: In(at as u16), ..tiff_field(SUBFILE_TYPE, Value::Long(vec![*kind])) });
            let kinds: Vec<Field> = kinds.collect();
            let strips: Vec<[&[u8]; 1]> = pages.iter().map(|(pixels, _)| [*pixels]).collect();
            let mut writer = Writer::new();
            kinds.iter().for_each(|field| writer.push_field(field));
            strips.iter().enumerate().for_each(|(at, strips)| writer.set_strips(strips, In(at as u16)));
            let mut data = Cursor::new(Vec::new());
            writer.write(&mut data, true).expect("a TIFF");
            let mut other = Other::default();
            super::pages(&parsed(&data.into_inner()).expect("a TIFF"), &mut other);
            other.into_hashes()
        };
        let (first, second): (&[u8], &[u8]) = (b"the first page", b"the second page");
        assert_eq!(of(&[(first, 0)]).len(), 0);
        assert_eq!(of(&[(first, 0), (second, 2)]).len(), 1);
        assert_ne!(of(&[(first, 0), (second, 0)]), of(&[(first, 0), (first, 0)]));
        assert_eq!(of(&[(first, 0), (second, 1)]).len(), 0, "a thumbnail");
        let many = |last: u8| {
            let pages: Vec<[u8; 6]> = (0..9).map(|at| [if at == 8 { last } else { at }; 6]).collect();
            let pages: Vec<(&[u8], u32)> = pages.iter().map(|page| (&page[..], 0)).collect();
            of(&pages)
        };
        assert_ne!(many(1), many(2), "the last is not parsed");
        let says = |text: &str| {
            let mut writer = Writer::new();
            let said = Field { ifd_num: In(1), ..tiff_field(Tag::ImageDescription.number(), ascii(text)) };
            writer.push_field(&said);
            let strips = [[first], [second]];
            strips.iter().enumerate().for_each(|(at, strips)| writer.set_strips(strips, In(at as u16)));
            let mut data = Cursor::new(Vec::new());
            writer.write(&mut data, true).expect("a TIFF");
            let mut other = Other::default();
            super::pages(&parsed(&data.into_inner()).expect("a TIFF"), &mut other);
            other.into_hashes()
        };
        assert_eq!((says("our house").len(), says(" ").len()), (2, 1));
        let layers = exif_of(&[tiff_field(LAYERS, Value::Undefined(b"Adobe Photoshop".to_vec(), 0))]);
        let mut other = Other::default();
        super::pages(&layers, &mut other);
        assert_eq!(other.into_hashes().len(), 1);
    }

    #[test]
    fn broken_data_say_what_can_be_read() {
        for broken in [&b""[..], b"II*\0", b"XX*\0\x08\0\0\0\0\0", b"II\0*\x08\0\0\0\0\0", b"MM\0*\xff\xff\xff\xff\0\0", b"Exif\0\0"] {
            assert!(parsed(broken).is_none(), "{broken:?}");
        }
        let mut fields = vec![
            field(Tag::Make, ascii("Maker")),
            field(Tag::ImageDescription, ascii("On the beach")),
            field(Tag::UserComment, Value::Undefined(b"ASCII\0\0\0Ann".to_vec(), 0)),
        ];
        fields.extend(place(&[(52, 1)], "N", &[(13, 1)], "E"));
        let whole = data(&fields, true);
        let read = |data: &[u8]| {
            let exif = parsed(data)?;
            let _ = software(&exif);
            Some((capture(&exif), description(&exif, &mut Other::default())))
        };
        let (all, told) = read(&whole).expect("EXIF");
        assert!(all.make.is_some() && told.caption.is_some() && told.position.is_some());
        for length in 0..whole.len() {
            if let Some((capture, description)) = read(&whole[..length]) {
                assert!(capture.make.is_none() || capture.make == all.make, "{length}");
                assert!(description.caption.is_none() || description.caption == told.caption, "{length}");
            }
        }
        for at in 0..whole.len() {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = byte;
                let _ = read(&damaged);
            }
        }
        // The caption, the first field with a text of its own, claims to be longer than the file. The others do not.
        let number = Tag::ImageDescription.number().to_le_bytes();
        let at = whole.windows(2).position(|two| two == number).expect("the field");
        let mut long = whole.clone();
        long[at + 4..at + 8].copy_from_slice(&u32::MAX.to_le_bytes());
        let (capture, description) = read(&long).expect("the rest");
        assert_eq!((capture.make, description.caption, description.position), (all.make, None, told.position));
    }
}

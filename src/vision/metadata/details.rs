//! What a file says of how its photo was taken, besides what is stored.

use ::exif::{Exif, In, Tag};

use super::{exif, format, parts, read_exif, xmp};
use crate::photo::{Detail, Details, Format};

/// The texts, and their names for people.
const TEXTS: [(Tag, &str); 4] = [
    (Tag::LensModel, "lens"),
    (Tag::LensMake, "maker of the lens"),
    (Tag::LensSerialNumber, "serial number of the lens"),
    (Tag::CameraOwnerName, "owner of the camera"),
];

const NUMBERS: [(Tag, &str); 7] = [
    (Tag::ExposureTime, "exposure time"),
    (Tag::FNumber, "aperture"),
    (Tag::ExposureBiasValue, "exposure compensation"),
    (Tag::FocalLength, "focal length"),
    (Tag::GPSAltitude, "altitude"),
    (Tag::GPSImgDirection, "direction of view"),
    (Tag::GPSSpeed, "speed"),
];

const TIMES: [(Tag, &str); 2] = [(Tag::DateTimeDigitized, "time of digitizing"), (Tag::GPSDateStamp, "date of the position")];

/// The same in XMP, which counts where EXIF says nothing: namespaces, names, and the names for people.
const XMP_TEXTS: [(&str, &str, &str); 1] = [("http://ns.adobe.com/exif/1.0/aux/", "Lens", "lens")];
const XMP_NUMBERS: [(&str, &str, &str); 2] = [(XMP_EXIF, "FocalLength", "focal length"), (XMP_EXIF, "GPSAltitude", "altitude")];
const XMP_EXIF: &str = "http://ns.adobe.com/exif/1.0/";

/// The dates that a person may give to a picture. The first that is there counts.
const XMP_DATES: [(&str, &str, &str); 3] = [
    ("http://ns.adobe.com/photoshop/1.0/", "DateCreated", DATE_CREATED),
    (XMP_EXIF, "DateTimeOriginal", DATE_CREATED),
    ("http://ns.adobe.com/xap/1.0/", "CreateDate", DATE_CREATED),
];
const DATE_CREATED: &str = "date of creation";

/// Returns the details of a file. Empty if there are none, or if nothing can be read, or of a RAW file.
pub fn read(bytes: &[u8]) -> Details {
    let Some(format) = format::of(bytes).filter(|format| *format != Format::Raw) else { return Details::default() };
    let (exif, _) = read_exif(bytes, format);
    let mut details = exif.as_ref().map(of_exif).unwrap_or_default();
    for (name, detail) in parts(bytes, format, exif.as_ref()).xmp.iter().flat_map(|packet| of_xmp(packet)) {
        details.0.entry(name.to_owned()).or_insert(detail);
    }
    details
}

fn of_xmp(packet: &[u8]) -> Vec<(&'static str, Detail)> {
    let text = |space, name| xmp::text(packet, (space, name));
    let texts = XMP_TEXTS.into_iter().filter_map(|(space, name, shown)| Some((shown, Detail::Text(text(space, name)?))));
    let numbers = XMP_NUMBERS.into_iter().filter_map(|(space, name, shown)| Some((shown, Detail::Number(rational(&text(space, name)?)?))));
    let dates = XMP_DATES.into_iter().filter_map(|(space, name, shown)| Some((shown, Detail::time(&text(space, name)?)?)));
    texts.chain(numbers).chain(dates).collect()
}

/// Returns a number that XMP writes as `50/1`. `None` of 0, which says nothing.
fn rational(text: &str) -> Option<f64> {
    let (above, below) = text.split_once('/').unwrap_or((text, "1"));
    let number = above.parse::<f64>().ok()? / below.parse::<f64>().ok()?;
    Some(number).filter(|number| number.is_finite() && *number != 0.0)
}

fn of_exif(exif: &Exif) -> Details {
    // A camera without a lens writes blanks or dashes.
    let says_something = |text: &String| text.chars().any(char::is_alphanumeric);
    let text = |tag| exif::text(exif, tag).filter(says_something);
    let is_below = exif.get_field(Tag::GPSAltitudeRef, In::PRIMARY).and_then(|field| field.value.get_uint(0)) == Some(1);
    let number = |tag| exif::number(exif, tag).map(|value| if tag == Tag::GPSAltitude && is_below { -value } else { value });
    let texts = TEXTS.into_iter().filter_map(|(tag, name)| Some((name, Detail::Text(text(tag)?))));
    let numbers = NUMBERS.into_iter().filter_map(|(tag, name)| Some((name, Detail::Number(number(tag).filter(|value| *value != 0.0)?))));
    let sensitivity = exif::iso(exif).map(|iso| ("sensitivity", Detail::Number(iso)));
    let times = TIMES.into_iter().filter_map(|(tag, name)| Some((name, Detail::time(&text(tag)?)?)));
    Details(texts.chain(numbers).chain(sensitivity).chain(times).map(|(name, detail)| (name.to_owned(), detail)).collect())
}

#[cfg(test)]
mod tests {
    use ::exif::{Field, Value};

    use super::super::exif::tests::{ascii, data, field};
    use super::*;

    /// A JPEG without picture data, with these segments of metadata.
    fn jpeg(segments: &[Vec<u8>]) -> Vec<u8> {
        let segment = |body: &Vec<u8>| [&[0xff, 0xe1], &(body.len() as u16 + 2).to_be_bytes()[..], body].concat();
        let segments: Vec<Vec<u8>> = segments.iter().map(segment).collect();
        [&[0xff, 0xd8], &segments.concat()[..], &[0xff, 0xda, 0, 2, 0xff, 0xd9]].concat()
    }

    fn with_exif(fields: &[Field]) -> Vec<u8> {
        [b"Exif\0\0", &data(fields, true)[..]].concat()
    }

    #[test]
    fn what_is_not_stored_is_read() {
        let rational = |number| Value::Rational(vec![(number, 10).into()]);
        let fields = [
            field(Tag::LensModel, ascii("RF50mm F1.8 STM")),
            field(Tag::LensMake, ascii("----")),
            field(Tag::FocalLength, rational(500)),
            field(Tag::GPSAltitude, rational(123)),
            field(Tag::GPSAltitudeRef, Value::Byte(vec![1])),
            field(Tag::GPSImgDirection, rational(900)),
            field(Tag::GPSSpeed, Value::Rational(vec![(0, 0).into()])),
            field(Tag::DateTimeDigitized, ascii("2019:07:01 12:00:11")),
        ];
        let packet = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'>\
            <rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
            <rdf:Description xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/' photoshop:DateCreated='1950-01-01'/></rdf:RDF></x:xmpmeta>";
        let text = |text: &str| Detail::Text(text.to_owned());
        let time = |text: &str| Detail::Time(text.to_owned());
        let expected = [
            ("lens", text("RF50mm F1.8 STM")),
            ("focal length", Detail::Number(50.0)),
            ("altitude", Detail::Number(-12.3)),
            ("direction of view", Detail::Number(90.0)),
            ("time of digitizing", time("20190701120011")),
            ("date of creation", time("19500101")),
        ];
        let expected = Details(expected.map(|(name, detail)| (name.to_owned(), detail)).into());
        assert_eq!(read(&jpeg(&[with_exif(&fields), packet.to_vec()])), expected);
        // XMP says what EXIF does not.
        let packet = "http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'>\
            <rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description xmlns:exif='http://ns.adobe.com/exif/1.0/' \
            xmlns:aux='http://ns.adobe.com/exif/1.0/aux/' xmlns:xmp='http://ns.adobe.com/xap/1.0/' aux:Lens='Helios' exif:FocalLength='58/1' \
            exif:GPSAltitude='0/1' xmp:CreateDate='1950-01-02'/></rdf:RDF></x:xmpmeta>";
        let fields = [field(Tag::FocalLength, rational(500)), field(Tag::PhotographicSensitivity, Value::Short(vec![400]))];
        let of_both = read(&jpeg(&[with_exif(&fields), packet.into()]));
        let expected = [
            ("lens", text("Helios")),
            ("focal length", Detail::Number(50.0)),
            ("sensitivity", Detail::Number(400.0)),
            ("date of creation", time("19500102")),
        ];
        assert_eq!(of_both, Details(expected.map(|(name, detail)| (name.to_owned(), detail)).into()));
        for bytes in [&jpeg(&[])[..], b"", b"no picture", b"\xff\xd8\xff\xe1\0\x08Exif\0\0"] {
            assert_eq!(read(bytes), Details::default());
        }
    }
}

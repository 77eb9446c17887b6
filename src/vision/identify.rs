//! Identifying a file before it is decoded: format, dimensions, picture hash and metadata.

use blake3::Hasher;

use super::{Limits, decode, format, heif, jpeg, jxl, metadata, png, psd, raw};
use crate::photo::{Claimed, Dimensions, Failure, Format, PictureHash, PictureIdentity, Stage};

/// Parses the header and the metadata, and hashes the picture data.
///
/// # Errors
/// A [`Failure`] that describes why the bytes are not a readable photo.
pub fn identify(bytes: &[u8], limits: &Limits) -> Result<Claimed, Failure> {
    if bytes.is_empty() {
        return Err(Failure::new(Stage::Decode, "the file is empty"));
    }
    let format =
        format::of(bytes).ok_or_else(|| Failure::new(Stage::Decode, "not a picture: its first bytes are of no known picture format"))?;
    if !format.is_supported() {
        return Err(Failure::unsupported(format));
    }
    let stored = stored_dimensions(bytes, format)?;
    // Of a RAW file the preview is decoded, if it has one.
    let is_reduced = format == Format::Raw && raw::read(bytes).is_ok_and(|raw| raw.preview.is_some())
        || format == Format::Jpeg && jpeg::is_read_at_reduced_size(bytes);
    let most = if is_reduced { limits.pixels_at_reduced_size() } else { limits.pixels };
    if stored.pixels() > most {
        return Err(Failure::new(
            Stage::Decode,
            format!("{} × {} pixels, more than the limit of {} megapixels", stored.width, stored.height, most / 1_000_000),
        ));
    }
    let metadata = metadata::metadata(bytes, format);
    let orientation = metadata.capture.orientation.unwrap_or(1);
    let quantisation = if format == Format::Jpeg { jpeg::quantisation(bytes) } else { None };
    let (picture, dimensions) = (picture_hash(bytes, format, orientation), stored.oriented(orientation));
    let picture = PictureIdentity { picture, format, dimensions, quantisation };
    let payload = if format == Format::Jpeg { payload(bytes) } else { None };
    Ok(Claimed { picture, metadata, payload })
}

/// The hash of what the picture hash of a JPEG leaves out and is no metadata. `None` if there is nothing.
fn payload(bytes: &[u8]) -> Option<String> {
    let mut hasher = Hasher::new();
    for segment in jpeg::header_segments(bytes).filter(jpeg::Segment::is_payload) {
        hasher.update(&segment.body.len().to_le_bytes());
        hasher.update(segment.body);
    }
    (hasher.count() > 0).then(|| hasher.finalize().to_string())
}

fn stored_dimensions(bytes: &[u8], format: Format) -> Result<Dimensions, Failure> {
    let dimensions = match format {
        Format::Raw => return raw_dimensions(bytes),
        Format::Heic | Format::Avif => {
            let (width, height) = heif::dimensions(bytes).map_err(|problem| problem.failure(format))?;
            return Ok(Dimensions { width, height });
        }
        Format::Jpeg => jpeg::dimensions(bytes).map_err(|e| e.to_string()),
        Format::Psd => psd::header(bytes).map(|header| Dimensions { width: header.width, height: header.height }),
        Format::Jxl => jxl::dimensions(bytes).map(|(width, height)| Dimensions { width, height }),
        _ => decode::dimensions(bytes, format),
    };
    dimensions.map_err(|reason| Failure::new(Stage::Decode, reason))
}

/// The size of the picture that the sensor saw, whatever size its preview has.
fn raw_dimensions(bytes: &[u8]) -> Result<Dimensions, Failure> {
    let raw = raw::read(bytes).map_err(|reason| Failure::new(Stage::Decode, reason))?;
    let unsupported = |why: String| Failure::unsupported_kind(Format::Raw, why);
    if raw.preview.is_none() && !matches!(raw.sensor, Some(Ok(_))) {
        let least = raw::MIN_SHORT_SIDE;
        let why = raw.sensor.and_then(Result::err).map(|why| format!(", and {why},")).unwrap_or_default();
        return Err(unsupported(format!(
            "without a JPEG preview of at least {least} pixels{why} is not read by this version ({})",
            raw.family
        )));
    }
    let (width, height) =
        raw.dimensions.ok_or_else(|| unsupported(format!("that does not say its size is not read by this version ({})", raw.family)))?;
    Ok(Dimensions { width, height })
}

/// The picture hash includes the orientation, because turning a photo changes the picture.
fn picture_hash(bytes: &[u8], format: Format, orientation: u8) -> PictureHash {
    let mut hasher = Hasher::new();
    hasher.update(&[orientation]);
    match format {
        Format::Jpeg => {
            let mut last = 0;
            for segment in jpeg::header_segments(bytes).filter(jpeg::Segment::is_metadata) {
                // The body is a slice of `bytes`, and starts four bytes after its marker.
                let body = offset(bytes, segment.body);
                hasher.update(&bytes[last..body - 4]);
                last = body + segment.body.len();
            }
            hasher.update(&bytes[last..]);
        }
        Format::Png => {
            for chunk in png::chunks(bytes) {
                if !matches!(chunk.kind, b"tEXt" | b"zTXt" | b"iTXt" | b"eXIf" | b"tIME") {
                    hasher.update(chunk.whole);
                }
            }
        }
        _ => {
            hasher.update(bytes);
        }
    }
    PictureHash(hasher.finalize().into())
}

/// The offset of `part`, a slice of `whole`.
fn offset(whole: &[u8], part: &[u8]) -> usize {
    part.as_ptr() as usize - whole.as_ptr() as usize
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn png(text: Option<&str>) -> Vec<u8> {
        let mut out = Vec::new();
        let picture = image::RgbImage::from_fn(9, 5, |x, y| image::Rgb([x as u8 * 20, y as u8 * 30, 7]));
        picture.write_to(&mut Cursor::new(&mut out), image::ImageFormat::Png).expect("encodes");
        if let Some(text) = text {
            let mut chunk = (text.len() as u32).to_be_bytes().to_vec();
            chunk.extend(b"tEXt");
            chunk.extend(text.as_bytes());
            chunk.extend([0; 4]);
            let at = 8 + 25;
            out.splice(at..at, chunk);
        }
        out
    }

    #[test]
    fn metadata_does_not_change_the_picture() {
        let (plain, rated) = (png(None), png(Some("Rating\x005")));
        let a = identify(&plain, &Limits::default()).expect("a photo").picture;
        let b = identify(&rated, &Limits::default()).expect("a photo").picture;
        assert_eq!(a.picture, b.picture);
        assert_eq!(a.dimensions, Dimensions { width: 9, height: 5 });
    }

    #[test]
    fn jpeg_metadata_is_left_out_of_the_picture_hash() {
        let head = [0xff, 0xd8];
        let frame = [0xff, 0xc0, 0, 11, 8, 0, 8, 0, 16, 1, 1, 0x11, 0];
        let scan = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 1, 2, 3, 0xff, 0xd9];
        let comment = [0xff, 0xfe, 0, 5, b'h', b'e', b'y'];
        let profile = [0xff, 0xe2, 0, 5, b'I', b'C', b'C'];
        let identity = |parts: &[&[u8]]| identify(&parts.concat(), &Limits::default()).expect("a photo").picture;
        let plain = identity(&[&head, &frame, &scan]);
        assert_eq!(plain.picture, identity(&[&head, &comment, &frame, &comment, &scan]).picture);
        // A marker without a body in a place where it does not belong.
        assert_ne!(plain.picture, identity(&[&head, &[0xff, 0x01], &comment, &frame, &scan]).picture);
        assert_ne!(plain.picture, identity(&[&head, &profile, &frame, &scan]).picture);
        assert_eq!(plain.dimensions, Dimensions { width: 16, height: 8 });
    }

    #[test]
    fn what_a_jpeg_keeps_among_its_metadata_and_is_none_is_told_apart() {
        let segment = |marker: u8, body: &[u8]| [&[0xff, marker, 0, body.len() as u8 + 2], body].concat();
        let payload = |segments: &[Vec<u8>]| {
            let frame = [0xff, 0xc0, 0, 11, 8, 0, 8, 0, 16, 1, 1, 0x11, 0];
            let scan = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 1, 2, 3, 0xff, 0xd9];
            let claimed = identify(&[&[0xff, 0xd8], &segments.concat()[..], &frame, &scan].concat(), &Limits::default()).expect("a photo");
            (claimed.picture.picture, claimed.payload)
        };
        let [heat, colder] = [b"FLIR\0\x01\0\x02hot", b"FLIR\0\x01\0\x02ice"].map(|body| segment(0xe1, body));
        let sound = segment(0xe1, b"http://ns.adobe.com/xmp/extension/\0sound");
        let (plain, none) = payload(&[]);
        assert_eq!(none, None);
        for (marker, body) in [
            (0xe1, &b"Exif\0\0II*\0"[..]),
            (0xe1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>"),
            (0xed, b"Photoshop 3.0\08BIM"),
            (0xfe, b"Ann"),
            (0xe2, b"ICC_PROFILE\0"),
        ] {
            assert_eq!(payload(&[segment(marker, body)]).1, None, "{}", String::from_utf8_lossy(body));
        }
        let exif = segment(0xe1, b"Exif\0\0II*\0");
        let all =
            [vec![heat.clone()], vec![colder], vec![sound.clone()], vec![heat.clone(), sound.clone()], vec![segment(0xed, b"Adobe_CM")]];
        let all: Vec<_> = all.iter().map(|segments| payload(segments)).collect();
        assert!(all.iter().all(|(picture, payload)| *picture == plain && payload.is_some()), "they have one picture");
        let apart: std::collections::BTreeSet<_> = all.iter().map(|(_, payload)| payload).collect();
        assert_eq!(apart.len(), all.len());
        assert_eq!(payload(&[heat.clone(), exif.clone(), sound.clone()]), payload(&[exif, heat, sound]), "beside other metadata");
    }

    #[test]
    fn a_jpeg_may_have_more_pixels_than_a_picture_that_is_decoded_whole() {
        let of = |marker: u8, width: u16, height: u16| {
            let frame = [&[0xff, 0xd8, 0xff, marker, 0, 11, 8][..], &height.to_be_bytes(), &width.to_be_bytes(), &[1, 1, 0x11, 0]].concat();
            identify(&[&frame[..], &[0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 1, 0xff, 0xd9]].concat(), &Limits::default())
        };
        assert!(of(0xc0, 30_000, 20_000).is_ok() && of(0xc2, 60_000, 40_000).is_ok());
        for (marker, width, height, limit) in [(0xc0, 65_000, 65_000, "2684 megapixels"), (0xc3, 30_000, 20_000, "268 megapixels")] {
            let reason = of(marker, width, height).expect_err("too large").reason;
            assert!(reason.contains(limit), "{reason}");
        }
    }

    /// A whole RAF has a JPEG with its EXIF, and says how large the picture of the sensor is.
    #[test]
    fn a_raw_file_has_the_size_of_its_sensor() {
        let preview = raw::tests::build::turned_jpeg(1920, 1280, 6);
        let mut bytes = b"FUJIFILMCCD-RAW 0201".to_vec();
        bytes.resize(0x54, 0);
        bytes.extend([0x60, preview.len() as u32, 0x60 + preview.len() as u32].map(u32::to_be_bytes).concat());
        bytes.extend(&preview);
        let without_size = bytes.clone();
        bytes.extend([&[0, 0, 0, 1, 1, 0x11, 0, 4][..], &[3264_u16, 4896].map(u16::to_be_bytes).concat()].concat());
        let Claimed { picture, metadata, .. } = identify(&bytes, &Limits::default()).expect("a photo");
        assert_eq!((picture.format, picture.dimensions), (Format::Raw, Dimensions { width: 3264, height: 4896 }), "upright");
        assert_eq!((picture.quantisation, metadata.capture.orientation), (None, Some(6)));
        let failure = |bytes: &[u8]| identify(bytes, &Limits::default()).expect_err("it is refused");
        for (bytes, reason) in [(&without_size, "raw that does not say its size"), (&bytes[..150].to_vec(), "raw without a JPEG preview")] {
            let Failure { stage, reason: said } = failure(bytes);
            assert!(stage == Stage::Unsupported && said.starts_with(reason) && said.ends_with("(RAF)"), "{said}");
        }
        assert_eq!(failure(b"FOVb\x03\0\x02\0 cut off").stage, Stage::Decode);
    }

    #[test]
    fn what_is_no_photo_says_so() {
        let reason = |bytes: &[u8]| identify(bytes, &Limits::default()).expect_err("no photo");
        assert_eq!(reason(b"").reason, "the file is empty");
        assert!(reason(b"Dear diary, today I").reason.starts_with("not a picture"));
        assert_eq!(reason(b"\0\0\0\x0cJXL \x0d\x0a\x87\x0a").stage, Stage::Decode, "it ends after its first box");
        assert_eq!(reason(b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif").stage, Stage::Decode, "it ends after its first box");
        assert_eq!(reason(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic").stage, Stage::Decode, "it ends after its first box");
    }
}

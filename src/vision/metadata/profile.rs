//! The colour profile of a picture. Without it, programs show the same numbers as other colours.

use std::io::Cursor;

use image::{ImageDecoder, ImageFormat, ImageReader};

use crate::photo::Format;
use crate::vision::{heif, jpeg, psd};

/// The signature of a part of a profile in a JPEG. Its number and the number of parts follow.
const PROFILE_IN_JPEG: &[u8] = b"ICC_PROFILE\0";

/// What the description of a profile says if it is the one that programs assume where there is none, and what it does not say
/// then: other profiles have the tones of sRGB alone.
const SRGB: &str = "sRGB";
const OTHER_COLOURS: [&str; 3] = ["Display P3", "DCI-P3", "Gamut"];

/// Returns the profile of a picture whose colours are other ones than those of sRGB. `None` also if none can be read.
pub fn read(bytes: &[u8], format: Format) -> Option<Vec<u8>> {
    let by_decoder = |format| ImageReader::with_format(Cursor::new(bytes), format).into_decoder().ok()?.icc_profile().ok()?;
    let profile = match format {
        Format::Jpeg => in_jpeg(bytes),
        Format::Png => by_decoder(ImageFormat::Png),
        Format::WebP => by_decoder(ImageFormat::WebP),
        Format::Tiff => by_decoder(ImageFormat::Tiff),
        Format::Psd => psd::resources(bytes).find(|(id, _)| *id == super::PROFILE_RESOURCE).map(|(_, profile)| profile.to_vec()),
        Format::Heic | Format::Avif => heif::metadata(bytes).profile,
        _ => None,
    };
    profile.filter(|profile| !says(profile, SRGB) || OTHER_COLOURS.iter().any(|name| says(profile, name)))
}

/// Whether a profile has a name in it, as ASCII or UTF-16.
fn says(profile: &[u8], name: &str) -> bool {
    let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
    [name.as_bytes(), &wide].iter().any(|name| memchr::memmem::find(profile, name).is_some())
}

/// Returns the profile of a JPEG, from all of its parts.
pub fn in_jpeg(bytes: &[u8]) -> Option<Vec<u8>> {
    let bodies = jpeg::header_segments(bytes).filter(|segment| segment.marker == jpeg::APP2);
    let mut parts: Vec<(&u8, &[u8])> = bodies
        .filter_map(|segment| match segment.body.strip_prefix(PROFILE_IN_JPEG)? {
            [number, _, part @ ..] => Some((number, part)),
            _ => None,
        })
        .collect();
    parts.sort_by_key(|(number, _)| **number);
    (!parts.is_empty()).then(|| parts.into_iter().flat_map(|(_, part)| part).copied().collect())
}

#[cfg(test)]
mod tests {
    use image::codecs::png::PngEncoder;
    use image::{ExtendedColorType, ImageEncoder};

    use super::*;

    fn jpeg(parts: &[(u8, &[u8])]) -> Vec<u8> {
        let segment = |(number, part): &(u8, &[u8])| {
            let body = [PROFILE_IN_JPEG, &[*number, parts.len() as u8], part].concat();
            [&[0xff, jpeg::APP2], &(body.len() as u16 + 2).to_be_bytes()[..], &body].concat()
        };
        [b"\xff\xd8", &parts.iter().flat_map(segment).collect::<Vec<u8>>()[..], b"\xff\xd9"].concat()
    }

    fn png(profile: &[u8]) -> Vec<u8> {
        let mut png = Vec::new();
        let mut encoder = PngEncoder::new(&mut png);
        encoder.set_icc_profile(profile.to_vec()).expect("kept");
        encoder.write_image(&[1, 2, 3], 1, 1, ExtendedColorType::Rgb8).expect("encodes");
        png
    }

    #[test]
    fn the_profile_is_the_same_in_a_jpeg_in_parts_and_in_a_png() {
        let wide = b"the profile of a wide gamut".as_slice();
        assert_eq!(read(&jpeg(&[(2, &wide[9..]), (1, &wide[..9])]), Format::Jpeg).as_deref(), Some(wide));
        assert_eq!(read(&png(wide), Format::Png).as_deref(), Some(wide));
    }

    #[test]
    fn what_is_assumed_anyway_is_no_profile() {
        assert_eq!(read(&jpeg(&[]), Format::Jpeg), None);
        assert_eq!(read(&jpeg(&[(1, b"desc: sRGB IEC61966-2.1")]), Format::Jpeg), None);
        assert_eq!(read(&png(b"mluc \0s\0R\0G\0B\0 \0I"), Format::Png), None);
        let tones_alone = b"Display P3 Gamut with sRGB Transfer".as_slice();
        assert_eq!(read(&jpeg(&[(1, tones_alone)]), Format::Jpeg).as_deref(), Some(tones_alone));
        assert_eq!(read(b"no picture", Format::Png), None);
    }
}

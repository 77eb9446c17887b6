//! Where each format names its colours.

use std::io::Read;

use flate2::read::ZlibDecoder;

use crate::photo::Format;
use crate::vision::decode::tiff;
use crate::vision::metadata::{is_adobe_rgb, profile_in_jpeg};
use crate::vision::named_colours::{MAX_PROFILE_BYTES, NamedColours};
use crate::vision::{heif, jxl, png, psd, raw};

/// The image resource of a Photoshop file with its profile.
const PROFILE_RESOURCE: u16 = 1039;

/// The bytes of a WebP before its first chunk.
const WEBP_HEADER_BYTES: usize = 12;

/// Returns what a file says of its colours. `None` if it says nothing. The beginning of a file is enough for most formats.
pub fn of(bytes: &[u8], format: Format) -> Option<NamedColours> {
    match format {
        Format::Jpeg => profile_in_jpeg(bytes).map(NamedColours::Profile),
        Format::Png => in_png(bytes),
        Format::WebP => in_webp(bytes).map(|profile| NamedColours::Profile(profile.to_vec())),
        Format::Tiff => tiff::colours(bytes),
        Format::Psd => in_psd(bytes),
        Format::Heic | Format::Avif => heif::colours(bytes),
        Format::Jxl => jxl::colours(bytes),
        Format::Raw => in_raw(bytes),
        Format::Gif | Format::Bmp | Format::Jp2 => None,
    }
}

/// The numbers of a PNG come before its profile.
fn in_png(bytes: &[u8]) -> Option<NamedColours> {
    let chunk = |kind: &[u8; 4]| png::chunks(bytes).take_while(|chunk| chunk.kind != b"IDAT").find(|chunk| chunk.kind == kind);
    if let Some(chunk) = chunk(b"cICP")
        && let [primaries, transfer, ..] = *chunk.body
    {
        return Some(NamedColours::Coded { primaries: primaries.into(), transfer: transfer.into() });
    }
    let body = chunk(b"iCCP")?.body;
    let name = body.iter().position(|byte| *byte == 0)?;
    // A byte for the method follows the name.
    let packed = body.get(name + 2..)?;
    let mut profile = Vec::new();
    ZlibDecoder::new(packed).take(MAX_PROFILE_BYTES as u64).read_to_end(&mut profile).ok()?;
    Some(NamedColours::Profile(profile))
}

fn in_webp(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.get(WEBP_HEADER_BYTES..)?;
    loop {
        let (kind, after) = rest.split_first_chunk::<4>()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) as usize;
        let body = after.get(..length)?;
        match kind {
            b"ICCP" => return Some(body),
            b"VP8 " | b"VP8L" | b"ANIM" => return None,
            _ => rest = after.get(length.next_multiple_of(2)..)?,
        }
    }
}

fn in_psd(bytes: &[u8]) -> Option<NamedColours> {
    let has_own_colours = psd::header(bytes).is_ok_and(|header| header.mode == psd::Mode::Lab);
    let profile = psd::resources(bytes).find(|(id, _)| *id == PROFILE_RESOURCE).filter(|_| !has_own_colours)?;
    Some(NamedColours::Profile(profile.1.to_vec()))
}

/// The colours are those of the preview: by its own profile, or by EXIF.
fn in_raw(bytes: &[u8]) -> Option<NamedColours> {
    let raw = raw::read(bytes).ok()?;
    let profile = raw.preview.as_ref().and_then(|preview| profile_in_jpeg(preview.jpeg));
    profile.map(NamedColours::Profile).or_else(|| is_adobe_rgb(&raw).then_some(NamedColours::AdobeRgb))
}

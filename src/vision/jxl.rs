//! JPEG XL by jxl-rs: the first frame, upright. Its boxes hold the metadata.

use heifer_isobmff::BoxIter;
use jxl::api::{
    AlphaMode, Event, ExtraChannel, JxlColorEncoding, JxlColorProfile, JxlColorType, JxlDataFormat, JxlDecoder, JxlDecoderOptions,
    JxlOutputBuffer, JxlPixelFormat, JxlPrimaries, JxlTransferFunction, ProfileLevel,
};

use super::named_colours::NamedColours;

/// What a file without boxes begins with.
const BARE: [u8; 2] = [0xff, 0x0a];

/// Boxes of the picture, and those without content. A JPEG that was packed without loss needs `jbrd`.
const OF_PICTURE: [&[u8; 4]; 8] = [b"JXL ", b"ftyp", b"jxll", b"jxli", b"jxlc", b"jxlp", b"jbrd", b"free"];

/// The names of primaries and curves in ITU-T H.273.
const BT_709: u16 = 1;
const BT_2020: u16 = 9;
const P3: u16 = 12;
const PQ: u16 = 16;
const HLG: u16 = 18;

/// The most channels of a pixel, by which the decoder counts its limit.
const MAX_CHANNELS: u64 = 5;

const CUT: &str = "the file ends in the middle of the picture";

/// What a file says of itself, as bytes.
#[derive(Default)]
pub struct Metadata<'a> {
    /// EXIF, from the header of its TIFF on.
    pub exif: Vec<&'a [u8]>,
    pub xmp: Vec<&'a [u8]>,
    /// What else is stored beside the picture, also EXIF and XMP that are packed.
    pub other: Vec<&'a [u8]>,
    /// The bytes after the last box.
    pub trailer: &'a [u8],
}

/// A decoded picture with three bytes a pixel, or four with straight opacity.
pub struct Pixels {
    pub width: u32,
    pub height: u32,
    pub has_opacity: bool,
    pub samples: Vec<u8>,
}

/// Returns the metadata of a file. That of a file without boxes is empty.
pub fn metadata(bytes: &[u8]) -> Metadata<'_> {
    let mut said = Metadata::default();
    if bytes.starts_with(&BARE) {
        return said;
    }
    let mut end = 0;
    for part in BoxIter::new(bytes).map_while(Result::ok) {
        end = part.offset + part.header.header_size as usize + part.content.len();
        match &part.header.box_type.0 {
            b"Exif" => said.exif.extend(in_box(part.content)),
            b"xml " => said.xmp.push(part.content),
            kind if OF_PICTURE.contains(&kind) || part.content.is_empty() => {}
            _ => said.other.push(part.content),
        }
    }
    said.trailer = &bytes[end..];
    said
}

/// A box with EXIF begins with the offset of its TIFF.
fn in_box(content: &[u8]) -> Option<&[u8]> {
    let (offset, rest) = content.split_first_chunk::<4>()?;
    rest.get(u32::from_be_bytes(*offset) as usize..)
}

/// Hashes the coded picture: files that differ in their metadata alone have the same hash.
pub fn coded_hash(bytes: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    if bytes.starts_with(&BARE) {
        hasher.update(bytes);
    } else {
        for part in BoxIter::new(bytes).map_while(Result::ok) {
            match &part.header.box_type.0 {
                b"jxlc" => drop(hasher.update(part.content)),
                // Each part begins with its number.
                b"jxlp" => drop(hasher.update(part.content.get(4..).unwrap_or_default())),
                _ => {}
            }
        }
    }
    hasher.finalize()
}

/// Whether a file has further frames, or channels that are neither colours nor opacity. They are not decoded.
pub fn has_more(bytes: &[u8]) -> bool {
    let Ok((decoder, _)) = started(bytes, u64::MAX) else { return false };
    let is_other = |kind: ExtraChannel| !matches!(kind, ExtraChannel::Alpha | ExtraChannel::Black);
    decoder.basic_info().is_some_and(|info| info.animation.is_some() || info.extra_channels.iter().any(|channel| is_other(channel.ec_type)))
}

/// Returns width and height of the upright picture.
pub fn dimensions(bytes: &[u8]) -> Result<(u32, u32), String> {
    let (decoder, _) = started(bytes, u64::MAX)?;
    size(&decoder)
}

/// Returns which colours the samples of the picture are in when it is decoded.
pub fn colours(bytes: &[u8]) -> Option<NamedColours> {
    let (mut decoder, _) = started(bytes, u64::MAX).ok()?;
    set_format(&mut decoder).ok()?;
    let profile = decoder.output_color_profile()?;
    let (primaries, transfer) = match profile {
        JxlColorProfile::Simple(JxlColorEncoding::RgbColorSpace { primaries, transfer_function, .. }) => (primaries, transfer_function),
        JxlColorProfile::Icc(_) if profile.is_cmyk() => return None,
        _ => return profile.try_as_icc().map(|profile| NamedColours::Profile(profile.to_vec())),
    };
    let transfer = match transfer {
        JxlTransferFunction::PQ => PQ,
        JxlTransferFunction::HLG => HLG,
        JxlTransferFunction::SRGB if *primaries == JxlPrimaries::SRGB => return None,
        _ => return profile.try_as_icc().map(|profile| NamedColours::Profile(profile.to_vec())),
    };
    let primaries = match primaries {
        JxlPrimaries::BT2100 => BT_2020,
        JxlPrimaries::P3 => P3,
        _ => BT_709,
    };
    Some(NamedColours::Coded { primaries, transfer })
}

/// Decodes the first frame of a picture with at most so many pixels.
pub fn read(bytes: &[u8], max_pixels: u64) -> Result<Pixels, String> {
    let (mut decoder, mut rest) = started(bytes, max_pixels)?;
    let (width, height) = size(&decoder)?;
    if u64::from(width) * u64::from(height) > max_pixels {
        return Err(format!("{width} × {height} pixels, more than the limit of {} megapixels", max_pixels / 1_000_000));
    }
    let has_opacity = set_format(&mut decoder)?;
    let row = (3 + usize::from(has_opacity)) * width as usize;
    let mut samples = Vec::new();
    samples.try_reserve_exact(row * height as usize).map_err(|_| "the picture needs more memory than there is")?;
    samples.resize(row * height as usize, 0);
    loop {
        let mut buffers = [JxlOutputBuffer::new(&mut samples, height as usize, row)];
        match decoder.process(&mut rest, Some(&mut buffers), None).map_err(damaged)? {
            Event::FrameComplete { .. } | Event::Complete => break,
            Event::NeedMoreInput { .. } => return Err(CUT.into()),
            Event::BasicInfo | Event::FrameHeader => {}
        }
    }
    Ok(Pixels { width, height, has_opacity, samples })
}

/// Asks for eight bits. Returns whether they include opacity.
fn set_format(decoder: &mut JxlDecoder) -> Result<bool, String> {
    let info = decoder.basic_info().ok_or(CUT)?;
    let has_opacity = info.extra_channels.iter().any(|channel| channel.ec_type == ExtraChannel::Alpha);
    let format = JxlPixelFormat {
        color_type: if has_opacity { JxlColorType::Rgba } else { JxlColorType::Rgb },
        color_data_format: Some(JxlDataFormat::U8 { bit_depth: 8 }),
        extra_channel_format: vec![None; info.extra_channels.len()],
    };
    decoder.set_pixel_format(format).map_err(damaged)?;
    Ok(has_opacity)
}

fn damaged(error: jxl::error::Error) -> String {
    format!("the picture data cannot be decoded: {error}")
}

/// Decodes as far as the size.
fn started(bytes: &[u8], max_pixels: u64) -> Result<(JxlDecoder, &[u8]), String> {
    let mut options = JxlDecoderOptions::default();
    options.max_profile_level = ProfileLevel::Main10;
    options.alpha_mode = AlphaMode::Unpremultiplied;
    options.sample_limit = usize::try_from(max_pixels.saturating_mul(MAX_CHANNELS)).ok();
    let mut decoder = JxlDecoder::new(options);
    let mut rest = bytes;
    match decoder.process(&mut rest, None, None).map_err(damaged)? {
        Event::BasicInfo => Ok((decoder, rest)),
        _ => Err(CUT.into()),
    }
}

fn size(decoder: &JxlDecoder) -> Result<(u32, u32), String> {
    let (width, height) = decoder.basic_info().ok_or(CUT)?.size;
    let side = |side: usize| u32::try_from(side).ok().filter(|side| *side > 0).ok_or("the picture has no size");
    Ok((side(width)?, side(height)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vision::raw::tests::collected;

    /// Name, width and height upright, whether it has opacity, and the mean of all samples by libjxl.
    #[test]
    fn real_files_have_the_size_and_the_colours_that_libjxl_gives_them() {
        for (name, size, has_opacity, mean) in [
            ("KDE-chicken8.jxl", (197, 347), false, 101.23),
            ("KDE-compressed_xmp.jxl", (700, 282), true, 66.20),
            ("KDE-orientation6.jxl", (480, 160), false, 239.09),
            ("KDE-testcard_rgba_fp16.jxl", (256, 256), true, 159.33),
            ("immich-app-8bit-sRGB.jxl", (1440, 1080), false, 93.77),
        ] {
            let Some(bytes) = collected(&format!("more/jxl/{name}")) else { return };
            let picture = read(&bytes, 1 << 28).expect(name);
            assert_eq!((dimensions(&bytes), (picture.width, picture.height), picture.has_opacity), (Ok(size), size, has_opacity), "{name}");
            let pixels = picture.samples.chunks_exact(3 + usize::from(has_opacity)).flat_map(|pixel| &pixel[..3]);
            let (sum, count) = pixels.fold((0, 0), |(sum, count), value| (sum + u64::from(*value), count + 1));
            assert!(!has_more(&bytes), "{name}");
            assert!((sum as f64 / f64::from(count) - mean).abs() < 1.0, "{name}: {}", sum as f64 / f64::from(count));
        }
    }

    #[test]
    fn turned_files_show_one_picture_upright() {
        let of = |name: &str| Some(read(&collected(&format!("more/jxl/KDE-orientation{name}.jxl"))?, 1 << 28).expect(name).samples);
        let (Some(third), Some(sixth), Some(eighth)) = (of("3"), of("6"), of("8")) else { return };
        assert!(third == sixth && sixth == eighth);
    }

    #[test]
    fn the_boxes_tell_metadata_from_the_picture() {
        let boxed = |kind: &[u8; 4], content: &[u8]| [&(content.len() as u32 + 8).to_be_bytes(), &kind[..], content].concat();
        let start = [boxed(b"JXL ", b"\r\n\x87\n"), boxed(b"ftyp", b"jxl \0\0\0\0jxl ")].concat();
        let whole = [&start[..], &boxed(b"jxlc", b"coded")].concat();
        let parts =
            [&start[..], &boxed(b"Exif", b"\0\0\0\x02..II*\0"), &boxed(b"jxlp", b"\0\0\0\0cod"), &boxed(b"jxlp", b"\x80\0\0\x01ed")]
                .concat();
        let all = [&parts[..], &boxed(b"xml ", b"<x/>"), &boxed(b"brob", b"xml packed"), b"film"].concat();
        assert_eq!((coded_hash(&whole), coded_hash(&all)), (coded_hash(&parts), coded_hash(&parts)));
        assert_ne!(coded_hash(&whole), coded_hash(&[&start[..], &boxed(b"jxlc", b"Coded")].concat()));
        let Metadata { exif, xmp, other, trailer } = metadata(&all);
        assert_eq!((exif, xmp, other, trailer), (vec![&b"II*\0"[..]], vec![&b"<x/>"[..]], vec![&b"xml packed"[..]], &b"film"[..]));
        for bytes in [&b""[..], b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n", &all] {
            assert!(read(bytes, 1 << 28).is_err() && dimensions(bytes).is_err());
        }
    }

    #[test]
    fn damaged_files_end_with_a_picture_or_a_reason() {
        let Some(bytes) = collected("more/jxl/KDE-chicken8.jxl") else { return };
        let mut rng = fastrand::Rng::with_seed(9);
        for round in 0..100 {
            let mut damaged = bytes.clone();
            for _ in 0..rng.usize(1..4) {
                damaged[rng.usize(0..bytes.len())] = rng.u8(..);
            }
            if round % 5 == 0 {
                damaged.truncate(rng.usize(0..bytes.len()));
            }
            let _ = (dimensions(&damaged), coded_hash(&damaged), metadata(&damaged).other.len());
            // A panic of the decoder is caught in the child.
            let _ = std::panic::catch_unwind(|| read(&damaged, 1 << 20).map(drop));
        }
        assert!(read(&bytes, 1000).is_err() && read(&bytes, 1 << 17).is_ok(), "it has 68,359 pixels");
    }
}

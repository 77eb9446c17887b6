//! Kept pictures: the small JPEG of a photo, and the picture in it.
//!
//! A change here changes stored data: raise the recipe version in [`prepare`](super::prepare).

use jpeg_decoder::{Decoder, PixelFormat};
use jpeg_encoder::{ColorType, Encoder};

use super::decode::{Decoded, SHORT_SIDE, plain_jpeg_reason};
use super::resize::resized;
use crate::photo::{Format, KeptPicture, Picture};

/// The longer side is limited to this, whatever the shorter side is.
const MAX_LONG_SIDE: u32 = 5 * SHORT_SIDE;

/// Half of the colours at this quality, as most cameras store them.
const QUALITY: u8 = 80;

/// Returns the kept picture of a file of this format.
pub fn keep_decoded(decoded: &Decoded, format: Format) -> KeptPicture {
    KeptPicture { decoding: KeptPicture::decoding(format, decoded.is_converted), ..keep(&decoded.picture, format) }
}

/// Returns the kept picture of a picture in sRGB, for a photo of this format.
pub fn keep(picture: &Picture, format: Format) -> KeptPicture {
    let (width, height) = (picture.dimensions.width, picture.dimensions.height);
    let scale = (f64::from(SHORT_SIDE) / f64::from(width.min(height))).min(f64::from(MAX_LONG_SIDE) / f64::from(width.max(height)));
    let side = |side: u32| (f64::from(side) * scale).round().max(1.0) as u32;
    let small = if scale < 1.0 { &resized(picture, None, side(width), side(height)) } else { picture };
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, QUALITY);
    encoder.set_optimized_huffman_tables(true);
    let (width, height) = (small.dimensions.width as u16, small.dimensions.height as u16);
    encoder.encode(&small.rgb, width, height, ColorType::Rgb).expect("writing to memory does not fail");
    KeptPicture { jpeg, decoding: KeptPicture::decoding(format, false) }
}

/// Returns the picture in a kept picture.
///
/// # Errors
/// If it is damaged.
pub fn picture(kept: &KeptPicture) -> Result<Picture, String> {
    let mut decoder = Decoder::new(&*kept.jpeg);
    let rgb = decoder.decode().map_err(plain_jpeg_reason)?;
    let info = decoder.info().filter(|info| info.pixel_format == PixelFormat::RGB24).ok_or("it has no colours")?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    if rgb.len() as u64 != 3 * u64::from(width) * u64::from(height) || width.max(height) > MAX_LONG_SIDE {
        return Err("it has another size than kept pictures have".into());
    }
    Ok(Picture::new(width, height, rgb))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gradient(width: u32, height: u32) -> Picture {
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Picture::new(width, height, places.flat_map(|(x, y)| [(x * 255 / width) as u8, (y * 255 / height) as u8, 90]).collect())
    }

    #[test]
    fn a_kept_picture_is_small_and_nearly_the_same() {
        for (size, expected) in
            [((648, 432), (324, 216)), ((100, 60), (100, 60)), ((1, 1), (1, 1)), ((400, 8000), (54, 1080)), ((1, 9000), (1, 1080))]
        {
            let kept = keep(&gradient(size.0, size.1), Format::Png);
            let seen = picture(&kept).expect("decodes");
            assert_eq!((seen.dimensions.width, seen.dimensions.height), expected, "{size:?}");
            let wanted = resized(&gradient(size.0, size.1), None, expected.0, expected.1);
            let off: u64 = seen.rgb.iter().zip(&wanted.rgb).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
            assert!(off <= 4 * seen.rgb.len() as u64, "{size:?}: {off}");
        }
    }

    #[test]
    fn a_damaged_one_is_an_error() {
        let kept = keep(&gradient(300, 300), Format::Jpeg);
        for length in [0, 2, 100, kept.jpeg.len() / 2] {
            assert!(picture(&KeptPicture { jpeg: kept.jpeg[..length].to_vec(), ..kept.clone() }).is_err(), "{length}");
        }
    }
}

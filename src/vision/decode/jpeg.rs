//! JPEG: at an eighth of the size by our own reader if that is large enough, otherwise at a larger scale by
//! jpeg-decoder. It also decodes the kinds that our reader does not support.

use jpeg_decoder::{Decoder, PixelFormat};

use super::SHORT_SIDE;
use crate::photo::{Picture, PixelHash};
use crate::vision::jpeg::{self, BlockMeans, Error};

/// Returns a small picture, not turned, and the pixel hash and the detail, unless our reader does not support this kind of JPEG.
/// A progressive file that lacks scans has no pixel hash.
pub fn read(bytes: &[u8], orientation: u8) -> Result<(Picture, Option<PixelHash>, Option<f64>), String> {
    let dimensions = jpeg::dimensions(bytes).map_err(|e| e.to_string())?;
    let short = dimensions.width.min(dimensions.height);
    let is_eighth_enough = short.div_ceil(8) >= SHORT_SIDE * 8 / 9;
    let means = match jpeg::block_means(bytes) {
        Ok(means) => Some(means),
        Err(Error::Broken(reason)) if is_eighth_enough => return Err(reason.into()),
        Err(_) => None,
    };
    let pixels = means.as_ref().and_then(|means| means.pixel_hash(orientation));
    let detail = means.as_ref().and_then(BlockMeans::detail);
    let picture = match means {
        Some(means) if is_eighth_enough => means.into_picture(),
        _ => general(bytes, short)?,
    };
    Ok((picture, pixels, detail))
}

/// Decodes every pixel.
pub fn read_whole(bytes: &[u8]) -> Result<(), String> {
    Decoder::new(bytes).decode().map(drop).map_err(plain_jpeg_reason)
}

pub fn plain_jpeg_reason(error: jpeg_decoder::Error) -> String {
    match error {
        jpeg_decoder::Error::Io(_) => "the file ends in the middle of the picture".to_owned(),
        other => other.to_string(),
    }
}

fn general(bytes: &[u8], short: u32) -> Result<Picture, String> {
    let mut decoder = Decoder::new(bytes);
    decoder.read_info().map_err(|e| e.to_string())?;
    let info = decoder.info().ok_or("no frame header")?;
    let share = (f64::from(SHORT_SIDE) / f64::from(short.max(1))).min(1.0);
    let side = |s: u16| (f64::from(s) * share).ceil().max(1.0) as u16;
    let (width, height) = decoder.scale(side(info.width), side(info.height)).map_err(|e| e.to_string())?;
    let pixels = decoder.decode().map_err(plain_jpeg_reason)?;
    let rgb = match info.pixel_format {
        PixelFormat::RGB24 => pixels,
        PixelFormat::L8 => pixels.iter().flat_map(|&v| [v; 3]).collect(),
        PixelFormat::L16 => pixels.chunks_exact(2).flat_map(|v| [u16::from_ne_bytes([v[0], v[1]]).to_be_bytes()[0]; 3]).collect(),
        // The decoder returns inverted inks, as Adobe stores them: 255 means no ink.
        PixelFormat::CMYK32 => pixels
            .chunks_exact(4)
            .flat_map(|p| [p[0], p[1], p[2]].map(|ink| (u16::from(255 - ink) * u16::from(255 - p[3]) / 255) as u8))
            .collect(),
    };
    if rgb.len() != 3 * usize::from(width) * usize::from(height) {
        return Err("the file ends in the middle of the picture".into());
    }
    Ok(Picture::new(width.into(), height.into(), rgb))
}

//! JPEG: at an eighth of the size by our own reader if that is large enough, otherwise at a larger scale by
//! jpeg-decoder. It also decodes the kinds that our reader does not support.

use jpeg_decoder::{Decoder, PixelFormat};

use super::SHORT_SIDE;
use crate::photo::{Picture, PixelHash};
use crate::vision::Limits;
use crate::vision::colour::Colours;
use crate::vision::jpeg::{self, BlockMeans, Error};

/// Returns a small picture, not turned, and the pixel hash and the detail, unless our reader does not support this kind of JPEG.
/// A progressive file that lacks scans has no pixel hash.
pub fn read(bytes: &[u8], orientation: u8, colours: &mut Colours) -> Result<(Picture, Option<PixelHash>, Option<f64>), String> {
    let dimensions = jpeg::dimensions(bytes).map_err(|e| e.to_string())?;
    let short = dimensions.width.min(dimensions.height);
    let is_eighth_enough = short.div_ceil(8) >= SHORT_SIDE * 8 / 9;
    let means = match jpeg::block_means(bytes) {
        Ok(means) => Some(means),
        // The general decoder makes noise of a lossless one, and says little of the others.
        Err(error @ Error::Refused(_)) => return Err(error.to_string()),
        Err(Error::Broken(reason)) if is_eighth_enough => return Err(reason.into()),
        Err(_) => None,
    };
    let pixels = means.as_ref().and_then(|means| means.pixel_hash(orientation));
    let detail = means.as_ref().and_then(BlockMeans::detail);
    let picture = match means {
        Some(means) if is_eighth_enough => means.into_picture(),
        _ => general(bytes, short, colours)?,
    };
    Ok((picture, pixels, detail))
}

/// Decodes every pixel.
pub fn read_whole(bytes: &[u8], limits: &Limits) -> Result<(), String> {
    let dimensions = jpeg::dimensions(bytes).map_err(|e| e.to_string())?;
    if dimensions.pixels() > limits.pixels {
        return Err("it has too many pixels to decode all of them".into());
    }
    Decoder::new(bytes).decode().map(drop).map_err(plain_jpeg_reason)
}

pub fn plain_jpeg_reason(error: jpeg_decoder::Error) -> String {
    match error {
        jpeg_decoder::Error::Io(_) => "the file ends in the middle of the picture".to_owned(),
        other => other.to_string(),
    }
}

fn general(bytes: &[u8], short: u32, colours: &mut Colours) -> Result<Picture, String> {
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
        // Adobe stores inks inverted, and the decoder inverts them again: 0 means no ink.
        PixelFormat::CMYK32 => colours.of_inks(&pixels).unwrap_or_else(|| {
            let mixed = |p: &[u8]| [p[0], p[1], p[2]].map(|ink| (u16::from(255 - ink) * u16::from(255 - p[3]) / 255) as u8);
            pixels.chunks_exact(4).flat_map(mixed).collect()
        }),
    };
    if rgb.len() != 3 * usize::from(width) * usize::from(height) {
        return Err("the file ends in the middle of the picture".into());
    }
    Ok(Picture::new(width.into(), height.into(), rgb))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The frame header of a JPEG of three channels, without its picture data.
    fn frame(marker: u8, bits: u8) -> Vec<u8> {
        [&[0xff, 0xd8, 0xff, marker, 0, 17, bits, 2, 0, 3, 0, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0], &[0xff, 0xd9][..]].concat()
    }

    #[test]
    fn kinds_that_nothing_here_reads_rightly_are_refused_by_name() {
        for (marker, bits, kind) in [
            (0xc3, 8, "lossless JPEG"),
            (0xc3, 16, "lossless JPEG"),
            (0xc5, 8, "hierarchical JPEG"),
            (0xc9, 8, "JPEG with arithmetic coding"),
            (0xca, 8, "JPEG with arithmetic coding"),
            (0xc1, 12, "JPEG of more than 8 bits"),
        ] {
            assert_eq!(
                read(&frame(marker, bits), 1, &mut Colours::default()).expect_err(kind),
                format!("{kind} is not read by this version")
            );
            assert!(!jpeg::is_read_at_reduced_size(&frame(marker, bits)), "{kind}");
        }
        for marker in [0xc0, 0xc1, 0xc2] {
            let reason = read(&frame(marker, 8), 1, &mut Colours::default()).expect_err("it has no picture data");
            assert!(!reason.contains("not read by this version"), "{reason}");
            assert!(jpeg::is_read_at_reduced_size(&frame(marker, 8)));
        }
    }
}

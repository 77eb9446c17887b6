//! Decoding: from the bytes of a file to a small upright picture.
//!
//! JPEG is decoded at reduced size. Other formats are decoded in full and then reduced.

mod jpeg;
mod raster;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::{Limits, metadata};
use crate::photo::{Capture, Failure, Format, Picture, Stage};

pub use raster::{image_format, plain_reason};

/// The least short side of a decoded picture (eight ninths of it for a JPEG), unless the photo is smaller. A crop has
/// six tenths of it, and the encoder needs 128 pixels.
pub const SHORT_SIDE: u32 = 216;

/// A rectangle in a picture, in pixels.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Window {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

/// The small upright picture of a photo, and its capture data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decoded {
    pub picture: Picture,
    pub capture: Capture,
}

/// Decodes a file that [`identify`](super::identify::identify) has accepted.
///
/// # Errors
/// A [`Failure`] that describes what is wrong with the bytes.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, Failure> {
    let broken = |reason: String| Failure::new(Stage::Decode, reason);
    let format = Format::from_bytes(bytes).ok_or_else(|| broken("not a picture".into()))?;
    let picture = match format {
        Format::Jpeg => jpeg::read(bytes).map_err(broken)?,
        _ => raster::read(bytes, format, limits).map_err(broken)?,
    };
    let capture = metadata::capture(bytes);
    let picture = reduced(picture).upright(capture.orientation.unwrap_or(1));
    Ok(Decoded { picture, capture })
}

/// Shrinks the picture to a short side of [`SHORT_SIDE`] if it is more than twice that.
fn reduced(picture: Picture) -> Picture {
    let (width, height) = (picture.dimensions.width, picture.dimensions.height);
    let short = width.min(height);
    if short <= 2 * SHORT_SIDE {
        return picture;
    }
    let scaled = |side: u32| (u64::from(side) * u64::from(SHORT_SIDE)).div_ceil(u64::from(short)) as u32;
    resized(&picture, None, scaled(width), scaled(height))
}

/// Resizes the whole picture or a window of it. The triangle filter is as wide as the reduction, so nothing aliases.
pub fn resized(picture: &Picture, window: Option<Window>, width: u32, height: u32) -> Picture {
    let source =
        ImageRef::new(picture.dimensions.width, picture.dimensions.height, &picture.rgb, PixelType::U8x3).expect("three bytes a pixel");
    let mut target = Image::new(width, height, PixelType::U8x3);
    let mut options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    if let Some(Window { left, top, width, height }) = window {
        options = options.crop(left, top, width, height);
    }
    Resizer::new().resize(&source, &mut target, &options).expect("both pictures are U8x3");
    Picture::new(width, height, target.into_vec())
}

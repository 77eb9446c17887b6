//! Decoding: from the bytes of a file to a small upright picture.
//!
//! JPEG is decoded at reduced size. Other formats are decoded in full and then reduced.

mod jpeg;
mod raster;

use super::resize::resized;
use super::{Limits, metadata};
use crate::photo::{Capture, Failure, Format, Picture, Stage};

pub use raster::{image_format, plain_reason};

/// The least short side of a decoded picture (eight ninths of it for a JPEG), unless the photo is smaller. A crop has
/// six tenths of it, and the encoder needs 128 pixels.
pub const SHORT_SIDE: u32 = 216;

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

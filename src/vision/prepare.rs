//! A picture to the backbone's input, exactly as in training.

use super::decode::resized;
use crate::photo::Picture;

/// The encoder's input, from `models/encoder.json`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preparation {
    /// Width and height of the input in pixels.
    pub size: u32,
    /// Pixel values 0 to 255 become `(value - mean) / scale`.
    pub mean: f32,
    pub scale: f32,
}

/// Stretches the whole picture to the square and lays it out in planes.
///
/// # Shapes
/// Returns `[3, size, size]`: red, green, blue.
pub fn prepare(picture: &Picture, preparation: &Preparation) -> Vec<f32> {
    let Preparation { size, mean, scale } = *preparation;
    let square = resized(picture, size, size);
    let plane = (size * size) as usize;
    let mut out = vec![0.0; 3 * plane];
    for (i, pixel) in square.rgb.chunks_exact(3).enumerate() {
        for (channel, &value) in pixel.iter().enumerate() {
            out[channel * plane + i] = (f32::from(value) - mean) / scale;
        }
    }
    out
}

//! A picture to the backbone's input, exactly as in training.

use super::decode::{Window, resized};
use super::framed::inner;
use crate::photo::{Parts, Picture};

/// A part's share of its picture's width and height.
const SHARE: f64 = 0.6;

/// The parts of a picture, as places of the left upper corner in what is left over: the corners and the middle.
const PLACES: [(f64, f64); Parts::COUNT] = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.5, 0.5)];

/// The short side from which a picture has parts: of smaller ones too little is left.
const SMALLEST: u32 = 96;

/// Counts the ways in which parts were taken so far: raise it when the windows here, the projection `parts.safetensors` or
/// [`SHORT_SIDE`](super::decode::SHORT_SIDE) change, and every photo is read again.
const RECIPE: u32 = 2;

/// Names what is stored of photos, for a backbone of a name.
pub fn recipe(backbone: &str) -> String {
    format!("{backbone}.{RECIPE}")
}

/// The encoder's input, from `models/encoder.json`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preparation {
    /// Width and height of the input in pixels.
    pub size: u32,
    /// Pixel values 0 to 255 become `(value - mean) / scale`.
    pub mean: f32,
    pub scale: f32,
}

/// The parts of a picture: what of it may be all that a crop shows. What stands on plain ground, as in a
/// screenshot, takes the place of the middle. None of a very small picture.
pub fn parts(picture: &Picture) -> Vec<Window> {
    let (width, height) = (f64::from(picture.dimensions.width), f64::from(picture.dimensions.height));
    let window = |(x, y): (f64, f64)| Window {
        left: x * (1.0 - SHARE) * width,
        top: y * (1.0 - SHARE) * height,
        width: SHARE * width,
        height: SHARE * height,
    };
    if picture.dimensions.width.min(picture.dimensions.height) < SMALLEST {
        return Vec::new();
    }
    let mut windows: Vec<Window> = PLACES.into_iter().map(window).collect();
    if let (Some(middle), Some(inner)) = (windows.last_mut(), inner(picture)) {
        *middle = inner;
    }
    windows
}

/// Stretches the whole picture, or what a window shows of it, to the square and lays it out in planes.
///
/// # Shapes
/// Returns `[3, size, size]`: red, green, blue.
pub fn prepare(picture: &Picture, window: Option<Window>, preparation: &Preparation) -> Vec<f32> {
    let Preparation { size, mean, scale } = *preparation;
    let square = resized(picture, window, size, size);
    let plane = (size * size) as usize;
    let mut out = vec![0.0; 3 * plane];
    for (i, pixel) in square.rgb.chunks_exact(3).enumerate() {
        for (channel, &value) in pixel.iter().enumerate() {
            out[channel * plane + i] = (f32::from(value) - mean) / scale;
        }
    }
    out
}

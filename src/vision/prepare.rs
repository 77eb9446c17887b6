//! Preparing a picture for the backbone, exactly as in training.

use super::framed::inner;
use super::resize::{Window, resized};
use crate::photo::{CropDescriptors, Picture};

/// The share of the picture's width and height that a crop has.
const CROP_SIDE_SHARE: f64 = 0.6;

/// The positions of the crops: the four corners and the middle.
const CROP_PLACES: [(f64, f64); CropDescriptors::COUNT - 1] = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.5, 0.5)];

/// The least short side of a picture with crops. The crops of a smaller picture would be too small.
const MIN_CROPPED_SHORT_SIDE: u32 = 96;

/// The version of how crop descriptors and keypoints are made. Raise it when this file, [`framed`](super::framed),
/// [`keypoints`](super::keypoints), [`kept`](super::kept), the projection `parts.safetensors` or
/// [`SHORT_SIDE`](super::decode::SHORT_SIDE) changes. Then every photo is processed again, from its kept picture.
const RECIPE_VERSION: u32 = 5;

/// Versions whose data can be compared with that of this one. Version 4 made it from the decoded picture, before it was
/// kept.
const COMPARABLE_VERSIONS: [u32; 2] = [4, RECIPE_VERSION];

/// The recipe: it names how stored data was made, for a backbone.
pub fn recipe(backbone: &str) -> String {
    format!("{backbone}.{RECIPE_VERSION}")
}

/// The recipes whose data can be compared with that of [`recipe`].
pub fn comparable_recipes(backbone: &str) -> Vec<String> {
    COMPARABLE_VERSIONS.iter().map(|version| format!("{backbone}.{version}")).collect()
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

/// The inputs for a picture and its [`CropDescriptors`], laid out as by [`prepare`]: the whole, the whole after a
/// quarter turn, and the crops.
pub fn prepare_crops(picture: &Picture, preparation: &Preparation) -> Vec<Vec<f32>> {
    let whole = prepare(picture, None, preparation);
    let turned = turned(&whole, preparation.size as usize);
    let crops = crops(picture).into_iter().map(|window| prepare(picture, Some(window), preparation));
    [whole, turned].into_iter().chain(crops).collect()
}

/// The crops of a picture. A picture in the picture, as in a screenshot, replaces the middle crop. A very small
/// picture has no crops.
fn crops(picture: &Picture) -> Vec<Window> {
    let (width, height) = (f64::from(picture.dimensions.width), f64::from(picture.dimensions.height));
    let window = |(x, y): (f64, f64)| Window {
        left: x * (1.0 - CROP_SIDE_SHARE) * width,
        top: y * (1.0 - CROP_SIDE_SHARE) * height,
        width: CROP_SIDE_SHARE * width,
        height: CROP_SIDE_SHARE * height,
    };
    if picture.dimensions.width.min(picture.dimensions.height) < MIN_CROPPED_SHORT_SIDE {
        return Vec::new();
    }
    let mut crops: Vec<Window> = CROP_PLACES.into_iter().map(window).collect();
    if let (Some(middle), Some(inner)) = (crops.last_mut(), inner(picture)) {
        *middle = inner;
    }
    crops
}

/// Turns the planes of a square clockwise by a quarter turn. The other quarter turn needs no descriptor: it is found
/// from the other photo.
fn turned(planes: &[f32], size: usize) -> Vec<f32> {
    let places = (0..size).flat_map(|y| (0..size).map(move |x| (size - 1 - x) * size + y));
    planes.chunks_exact(size * size).flat_map(|plane| places.clone().map(|place| plane[place])).collect()
}

/// Stretches the whole picture, or a window of it, to a square of planes.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_on_its_side_has_the_other_as_a_part() {
        const SIZE: u32 = 8;
        let preparation = Preparation { size: SIZE, mean: 0.0, scale: 1.0 };
        let picture = |value: fn(u32, u32) -> u32| {
            let places = (0..SIZE).flat_map(|y| (0..SIZE).map(move |x| (x, y)));
            Picture::new(SIZE, SIZE, places.flat_map(|(x, y)| [0, 64, 128].map(|colour| colour + value(x, y) as u8)).collect())
        };
        let upright = picture(|x, y| y * SIZE + x);
        let clockwise = picture(|x, y| (SIZE - 1 - x) * SIZE + y);
        let (upright, clockwise) = (prepare_crops(&upright, &preparation), prepare_crops(&clockwise, &preparation));
        assert_eq!(upright[1], clockwise[0]);
        assert_ne!(upright[1], upright[0]);
        assert_eq!(upright.len(), 2, "so small a picture has no crops");
    }
}

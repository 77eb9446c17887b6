//! Resizing, by fast_image_resize.
//!
//! Only its functions for one type of pixel are called. The others are compiled here for each of its types and
//! instruction sets, which took a fifth of the time to build this crate.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};

use crate::photo::{Dimensions, Picture};

/// A rectangle in a picture, in pixels.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Window {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

/// Resizes the whole picture or a window of it. The triangle filter is as wide as the reduction, so nothing aliases.
pub fn resized(picture: &Picture, window: Option<Window>, width: u32, height: u32) -> Picture {
    Picture::new(width, height, convolved::<U8x3>(&picture.rgb, picture.dimensions, window, Dimensions { width, height }))
}

/// Does the same for one byte a pixel.
pub fn resized_gray(levels: &[u8], from: Dimensions, to: Dimensions) -> Vec<u8> {
    convolved::<U8>(levels, from, None, to)
}

fn convolved<P: PixelTrait>(bytes: &[u8], from: Dimensions, window: Option<Window>, to: Dimensions) -> Vec<u8> {
    let source = TypedImageRef::<P>::from_buffer(from.width, from.height, bytes).expect("as many bytes as pixels of this type");
    let mut resized = vec![0; to.pixels() as usize * P::size()];
    let mut target = TypedImage::<P>::from_buffer(to.width, to.height, &mut resized).expect("as many bytes as pixels of this type");
    let mut options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    if let Some(Window { left, top, width, height }) = window {
        options = options.crop(left, top, width, height);
    }
    Resizer::new().resize_typed(&source, &mut target, &options).expect("the window is in the picture");
    resized
}

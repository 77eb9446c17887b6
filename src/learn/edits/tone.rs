//! Light and colour, pixel by pixel.

use crate::photo::Picture;

fn each_pixel(mut picture: Picture, change: impl Fn([f32; 3]) -> [f32; 3]) -> Picture {
    for pixel in picture.rgb.chunks_exact_mut(3) {
        let changed = change([pixel[0], pixel[1], pixel[2]].map(f32::from));
        for (value, new) in pixel.iter_mut().zip(changed) {
            *value = new.round().clamp(0.0, 255.0) as u8;
        }
    }
    picture
}

/// Brightness of a pixel (ITU-R BT.601).
fn luma([r, g, b]: [f32; 3]) -> f32 {
    0.299 * r + 0.587 * g + 0.114 * b
}

pub fn gamma(picture: Picture, power: f32) -> Picture {
    each_pixel(picture, |p| p.map(|v| 255.0 * (v / 255.0).powf(power)))
}

pub fn gain(picture: Picture, rgb: [f32; 3]) -> Picture {
    each_pixel(picture, |p| [p[0] * rgb[0], p[1] * rgb[1], p[2] * rgb[2]])
}

/// Contrast: moves pixels away from the mean brightness, or towards it.
pub fn contrast(picture: Picture, factor: f32) -> Picture {
    let total: f64 = picture.rgb.chunks_exact(3).map(|p| f64::from(luma([p[0], p[1], p[2]].map(f32::from)))).sum();
    let mean = (total / picture.dimensions.pixels() as f64) as f32;
    each_pixel(picture, |p| p.map(|v| (v - mean) * factor + mean))
}

/// Saturation: moves colours away from grey, or towards it. 0 is black and white.
pub fn saturation(picture: Picture, factor: f32) -> Picture {
    each_pixel(picture, |p| {
        let grey = luma(p);
        p.map(|v| (v - grey) * factor + grey)
    })
}

/// Hue: rotates colours around the grey axis (Rodrigues' formula).
pub fn hue(picture: Picture, degrees: f32) -> Picture {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (own, others) = (cos + (1.0 - cos) / 3.0, (1.0 - cos) / 3.0);
    let cross = sin / 3f32.sqrt();
    each_pixel(picture, |[r, g, b]| {
        [
            own * r + (others - cross) * g + (others + cross) * b,
            (others + cross) * r + own * g + (others - cross) * b,
            (others - cross) * r + (others + cross) * g + own * b,
        ]
    })
}

pub fn tint(picture: Picture, shadow: [u8; 3], light: [u8; 3]) -> Picture {
    levels(saturation(picture, 0.0), shadow, light)
}

pub fn levels(picture: Picture, low: [u8; 3], high: [u8; 3]) -> Picture {
    let (low, high) = (low.map(f32::from), high.map(f32::from));
    each_pixel(picture, |p| std::array::from_fn(|c| low[c] + p[c] / 255.0 * (high[c] - low[c])))
}

pub fn vignette(mut picture: Picture, strength: f32) -> Picture {
    let (w, h) = (picture.dimensions.width as f32, picture.dimensions.height as f32);
    for (i, pixel) in picture.rgb.chunks_exact_mut(3).enumerate() {
        let (x, y) = ((i as f32 % w + 0.5) / w * 2.0 - 1.0, ((i as f32 / w).floor() + 0.5) / h * 2.0 - 1.0);
        let fall = (1.0 - strength * (x * x + y * y)).max(0.05);
        pixel.iter_mut().for_each(|v| *v = (f32::from(*v) * fall) as u8);
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixel(rgb: [u8; 3]) -> Picture {
        Picture::new(1, 1, rgb.to_vec())
    }

    #[test]
    fn known_colours() {
        assert_eq!(saturation(pixel([255, 0, 0]), 0.0).rgb, [76, 76, 76]);
        assert_eq!(hue(pixel([255, 0, 0]), 120.0).rgb, [0, 255, 0]);
        assert_eq!(levels(pixel([0, 255, 0]), [10, 20, 30], [200, 210, 220]).rgb, [10, 210, 30]);
        assert_eq!(gamma(pixel([0, 128, 255]), 2.0).rgb, [0, 64, 255]);
        assert_eq!(gain(pixel([100, 200, 10]), [2.0, 2.0, 0.5]).rgb, [200, 255, 5]);
    }

    #[test]
    fn contrast_keeps_the_mean() {
        let picture = Picture::new(2, 1, vec![100, 100, 100, 140, 140, 140]);
        assert_eq!(contrast(picture, 2.0).rgb, [80, 80, 80, 160, 160, 160]);
    }
}

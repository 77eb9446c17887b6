//! Sharpness and grain.

use std::f32::consts::TAU;

use fastrand::Rng;

use crate::photo::Picture;

/// Gaussian blur; sigma in pixels.
pub fn blur(picture: &Picture, sigma: f32) -> Picture {
    let reach = (3.0 * sigma).ceil() as i64;
    let weights: Vec<f32> = (-reach..=reach).map(|d| (-0.5 * (d as f32 / sigma.max(1e-3)).powi(2)).exp()).collect();
    let total: f32 = weights.iter().sum();
    let weights: Vec<f32> = weights.iter().map(|w| w / total).collect();
    let (w, h) = (i64::from(picture.dimensions.width), i64::from(picture.dimensions.height));
    let source: Vec<f32> = picture.rgb.iter().map(|&v| f32::from(v)).collect();
    let pass = |source: &[f32], dx: i64, dy: i64| -> Vec<f32> {
        let mut out = Vec::with_capacity(source.len());
        for y in 0..h {
            for x in 0..w {
                let mut sum = [0.0; 3];
                for (offset, weight) in (-reach..=reach).zip(&weights) {
                    let (x, y) = ((x + dx * offset).clamp(0, w - 1), (y + dy * offset).clamp(0, h - 1));
                    let at = 3 * (y * w + x) as usize;
                    sum.iter_mut().zip(&source[at..at + 3]).for_each(|(s, v)| *s += weight * v);
                }
                out.extend(sum);
            }
        }
        out
    };
    let blurred = pass(&pass(&source, 1, 0), 0, 1);
    Picture::new(picture.dimensions.width, picture.dimensions.height, blurred.iter().map(|v| v.round() as u8).collect())
}

/// Unsharp mask: adds `amount` times the difference to the blurred picture.
pub fn sharpen(picture: &Picture, sigma: f32, amount: f32) -> Picture {
    let mut sharp = blur(picture, sigma);
    for (soft, &value) in sharp.rgb.iter_mut().zip(&picture.rgb) {
        let value = f32::from(value);
        *soft = (value + amount * (value - f32::from(*soft))).clamp(0.0, 255.0) as u8;
    }
    sharp
}

/// Gaussian grain, different in each channel.
pub fn noise(mut picture: Picture, sigma: f32, rng: &mut Rng) -> Picture {
    for value in &mut picture.rgb {
        // Box and Muller's transform.
        let normal = (-2.0 * (1.0 - rng.f32()).ln()).sqrt() * (TAU * rng.f32()).cos();
        *value = (f32::from(*value) + sigma * normal).clamp(0.0, 255.0) as u8;
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_picture_stays_under_blur_and_sharpening() {
        let flat = Picture::new(20, 10, vec![77; 600]);
        assert!(blur(&flat, 2.0) == flat);
        assert!(sharpen(&flat, 2.0, 2.0) == flat);
    }

    #[test]
    fn noise_has_its_strength() {
        let flat = Picture::new(100, 100, vec![128; 30_000]);
        let noisy = noise(flat, 20.0, &mut Rng::with_seed(1));
        let variance = noisy.rgb.iter().map(|&v| (f32::from(v) - 128.0).powi(2)).sum::<f32>() / 30_000.0;
        assert!((variance.sqrt() - 20.0).abs() < 1.0, "{}", variance.sqrt());
    }
}

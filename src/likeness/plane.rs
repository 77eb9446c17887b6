//! Grey planes: the brightness of a picture, sampled, blurred and shrunk.

use pulp::{Arch, Simd, WithSimd};

use crate::photo::Picture;

/// Brightness, 0 to 255, rows from the top: `values.len() == width * height`. Pixel (x, y) covers the square from x to x + 1
/// and y to y + 1, so its centre is at (x + 0.5, y + 0.5).
#[derive(Clone, Debug)]
pub struct Plane {
    pub width: usize,
    pub height: usize,
    pub values: Vec<f32>,
}

impl Plane {
    pub fn of(picture: &Picture) -> Plane {
        Plane::by(picture, |[red, green, blue]| 0.299 * f32::from(red) + 0.587 * f32::from(green) + 0.114 * f32::from(blue))
    }

    /// Returns a value of each pixel.
    #[inline(always)]
    #[expect(clippy::needless_range_loop, reason = "without optimisation an iterator is a call for each pixel")]
    fn by(picture: &Picture, value: impl Fn([u8; 3]) -> f32) -> Plane {
        let (width, height) = (picture.dimensions.width as usize, picture.dimensions.height as usize);
        let mut values = vec![0.0; width * height];
        for at in 0..values.len() {
            values[at] = value([picture.rgb[3 * at], picture.rgb[3 * at + 1], picture.rgb[3 * at + 2]]);
        }
        Plane { width, height, values }
    }

    /// Returns the difference of the strongest and the weakest channel of each pixel.
    pub fn chroma(picture: &Picture) -> Plane {
        Plane::by(picture, |[red, green, blue]| f32::from(red.max(green).max(blue) - red.min(green).min(blue)))
    }

    /// Returns by how much red and blue are stronger than the brightness.
    pub fn colours(picture: &Picture) -> [Plane; 2] {
        let brightness = Plane::of(picture);
        [0, 2].map(|channel| {
            let strength = Plane::by(picture, |pixel| pixel[channel].into());
            strength.less(&brightness)
        })
    }

    /// Returns the value at a position, between the four pixels around it. Beyond the edge the edge continues.
    #[inline(always)]
    pub fn at(&self, x: f32, y: f32) -> f32 {
        let (x, y) = ((x - 0.5).clamp(0.0, (self.width - 1) as f32), (y - 0.5).clamp(0.0, (self.height - 1) as f32));
        let (left, top) = (x as usize, y as usize);
        let (u, v) = (x - left as f32, y - top as f32);
        let (right, bottom) = ((left + 1).min(self.width - 1), (top + 1).min(self.height - 1));
        let (above, below) = (&self.values[top * self.width..][..self.width], &self.values[bottom * self.width..][..self.width]);
        (above[left] * (1.0 - u) + above[right] * u) * (1.0 - v) + (below[left] * (1.0 - u) + below[right] * u) * v
    }

    /// Returns the differences of two planes of one size.
    pub fn less(mut self, other: &Plane) -> Plane {
        for at in 0..self.values.len() {
            self.values[at] -= other.values[at];
        }
        self
    }

    /// Blurs by a Gaussian of this standard deviation, in pixels.
    pub fn blurred(&self, sigma: f64) -> Plane {
        if sigma < 0.2 {
            return self.clone();
        }
        let radius = (3.0 * sigma).ceil() as usize;
        let weights: Vec<f32> =
            (0..=2 * radius).map(|k| (-(k as f64 - radius as f64).powi(2) / (2.0 * sigma * sigma)).exp() as f32).collect();
        let sum: f32 = weights.iter().sum();
        let (width, height, arch) = (self.width, self.height, Arch::new());
        let mut across = vec![0.0; self.values.len()];
        let mut padded = vec![0.0; width + 2 * radius];
        for (to, row) in across.chunks_exact_mut(width).zip(self.values.chunks_exact(width)) {
            padded[..radius].fill(row[0]);
            padded[radius..radius + width].copy_from_slice(row);
            padded[radius + width..].fill(row[width - 1]);
            for (k, weight) in weights.iter().enumerate() {
                arch.dispatch(Add { to, row: &padded[k..k + width], weight: weight / sum });
            }
        }
        let mut values = vec![0.0; self.values.len()];
        for (y, to) in values.chunks_exact_mut(width).enumerate() {
            for (k, weight) in weights.iter().enumerate() {
                let row = (y + k).saturating_sub(radius).min(height - 1);
                arch.dispatch(Add { to, row: &across[row * width..(row + 1) * width], weight: weight / sum });
            }
        }
        Plane { values, ..*self }
    }

    /// Shrinks to a longer side of at most this many pixels. Returns the plane, and its size as a share of this one's.
    pub fn shrunk(&self, long_side: usize) -> (Plane, f64) {
        let share = long_side as f64 / self.width.max(self.height) as f64;
        if share >= 1.0 {
            return (self.clone(), 1.0);
        }
        let blurred = self.blurred(anti_alias(share));
        let side = |side: usize| ((side as f64 * share).round() as usize).max(1);
        let (width, height) = (side(self.width), side(self.height));
        let grow = 1.0 / share as f32;
        let mut values = vec![0.0; width * height];
        for y in 0..height {
            for x in 0..width {
                values[y * width + x] = blurred.at((x as f32 + 0.5) * grow, (y as f32 + 0.5) * grow);
            }
        }
        (Plane { width, height, values }, share)
    }
}

/// Adds a row, times a weight, to another one.
struct Add<'a> {
    to: &'a mut [f32],
    row: &'a [f32],
    weight: f32,
}

impl WithSimd for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (to, last_to) = S::as_mut_simd_f32s(self.to);
        let (row, last) = S::as_simd_f32s(self.row);
        let weight = simd.splat_f32s(self.weight);
        for at in 0..to.len() {
            to[at] = simd.mul_add_e_f32s(weight, row[at], to[at]);
        }
        for at in 0..last_to.len() {
            last_to[at] += self.weight * last[at];
        }
    }
}

/// The blur, in pixels, before a plane is sampled at this share of its size.
pub fn anti_alias(share: f64) -> f64 {
    if share >= 1.0 { 0.0 } else { 0.5 * (1.0 / (share * share) - 1.0).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: usize, height: usize) -> Plane {
        let values = (0..height).flat_map(|y| (0..width).map(move |x| x as f32 + 10.0 * y as f32)).collect();
        Plane { width, height, values }
    }

    #[test]
    fn a_plane_is_sampled_between_its_pixels() {
        let plane = ramp(8, 6);
        assert_eq!(plane.at(2.5, 3.5), 32.0, "the centre of a pixel");
        assert!((plane.at(3.0, 3.0) - 27.5).abs() < 1e-4);
        assert_eq!(plane.at(-5.0, -5.0), 0.0);
        assert_eq!(plane.at(50.0, 50.0), 57.0);
    }

    #[test]
    fn a_blur_and_a_smaller_size_keep_the_mean_in_the_middle() {
        let plane = ramp(64, 48);
        assert!((plane.blurred(2.0).at(32.0, 24.0) - plane.at(32.0, 24.0)).abs() < 1e-2);
        let (small, share) = plane.shrunk(16);
        assert_eq!((small.width, small.height, share), (16, 12, 0.25));
        assert!((small.at(8.0, 6.0) - plane.at(32.0, 24.0)).abs() < 0.1);
        assert_eq!(plane.shrunk(64).1, 1.0);
    }
}

//! Keypoints: Harris corners (Harris and Stephens 1988) on an image pyramid, described by comparisons of brightness
//! (Calonder et al. 2010, "BRIEF").
//!
//! A change here changes stored data: raise the recipe version in [`prepare`](super::prepare).

use super::decode::SHORT_SIDE;
use super::framed::inner;
use super::resize::{resized, resized_gray};
use crate::photo::{DihedralOrientation, Dimensions, Keypoint, KeypointDescriptor, Keypoints, Picture};

/// Levels of the pyramid. Each has half the pixels of the one before.
const PYRAMID_LEVELS: u32 = 6;

/// The longer side is limited to this, whatever the shorter side is.
const MAX_LONG_SIDE: f64 = 1024.0;

/// Compared pixels lie within this many pixels of the keypoint.
const DESCRIPTOR_RADIUS: i32 = 10;

/// No keypoint is closer to the edge than this.
const EDGE_MARGIN: usize = DESCRIPTOR_RADIUS as usize + 2;

/// Weaker corners are noise. This is the strength of a corner with a contrast of 12 levels.
const MIN_CORNER_STRENGTH: f32 = 2000.0;

/// Returns the part of a picture that its keypoints are in: left, top, width and height in pixels.
pub fn frame(picture: &Picture) -> [f64; 4] {
    let whole = [0.0, 0.0, picture.dimensions.width.into(), picture.dimensions.height.into()];
    inner(picture).map_or(whole, |window| [window.left, window.top, window.width, window.height])
}

/// The keypoints of a picture, or of the picture in it: for a screenshot those of its photo, not of its menus.
pub fn keypoints(picture: &Picture) -> Keypoints {
    let window = inner(picture);
    let (width, height) =
        window.map_or((picture.dimensions.width.into(), picture.dimensions.height.into()), |window| (window.width, window.height));
    let scale = (f64::from(SHORT_SIDE) / width.min(height)).min(MAX_LONG_SIDE / width.max(height)).min(1.0);
    let size = |factor: f64| [width, height].map(|side| (side * scale * factor).round().max(1.0) as u32);
    let [largest_width, largest_height] = size(1.0);
    let unit = 255.0 / f64::from(largest_width.max(largest_height));
    // A small picture corresponds to a higher level of a large one.
    let first = (2.0 * (f64::from(SHORT_SIDE) / f64::from(largest_width.min(largest_height))).log2()).round() as u32;
    let factors: Vec<f64> = (0..PYRAMID_LEVELS.saturating_sub(first).max(1)).map(|level| 0.5f64.powf(f64::from(level) / 2.0)).collect();
    let sum: f64 = factors.iter().sum();

    let compared = compared();
    let mut gray = Gray::of(&resized(picture, window, largest_width, largest_height));
    let mut points = Vec::with_capacity(Keypoints::MAX);
    for (level, factor) in (first as u8..).zip(factors) {
        if factor < 1.0 {
            gray = gray.shrunk(size(factor));
        }
        if gray.width.min(gray.height) <= 2 * EDGE_MARGIN {
            break;
        }
        let smooth = gray.smooth().smooth();
        let unit = |at: usize| ((at as f64 + 0.5) / factor * unit).min(255.0) as u8;
        for (x, y) in corners(&gray, (Keypoints::MAX as f64 * factor / sum).round() as usize) {
            points.push(Keypoint { x: unit(x), y: unit(y), level, descriptor: smooth.described(x, y, &compared) });
        }
    }
    Keypoints::new(points)
}

/// The places that are compared, in all orientations. They are random, denser near the keypoint, and the two of a
/// pair are never adjacent.
fn compared() -> [[[(i32, i32); 2]; 8]; 8] {
    let mut random = fastrand::Rng::with_seed(1);
    let mut place = || loop {
        let mut side = || ((0..4).map(|_| random.f32() - 0.5).sum::<f32>() * 1.5 * DESCRIPTOR_RADIUS as f32).round() as i32;
        let (x, y) = (side(), side());
        if x * x + y * y <= DESCRIPTOR_RADIUS * DESCRIPTOR_RADIUS {
            break (x, y);
        }
    };
    let pairs: [[(i32, i32); 2]; 8] = std::array::from_fn(|_| {
        loop {
            let (a, b) = (place(), place());
            if (a.0 - b.0).pow(2) + (a.1 - b.1).pow(2) >= 16 {
                break [a, b];
            }
        }
    });
    DihedralOrientation::ALL.map(|orientation| pairs.map(|pair| pair.map(|place| orientation.place(place))))
}

/// A grey picture.
struct Gray {
    width: usize,
    height: usize,
    levels: Vec<u8>,
}

impl Gray {
    fn of(picture: &Picture) -> Gray {
        let Dimensions { width, height } = picture.dimensions;
        let brightness = |rgb: &[u8]| ((77 * u32::from(rgb[0]) + 150 * u32::from(rgb[1]) + 29 * u32::from(rgb[2])) >> 8) as u8;
        Gray { width: width as usize, height: height as usize, levels: picture.rgb.chunks_exact(3).map(brightness).collect() }
    }

    fn shrunk(&self, [width, height]: [u32; 2]) -> Gray {
        let from = Dimensions { width: self.width as u32, height: self.height as u32 };
        let levels = resized_gray(&self.levels, from, Dimensions { width, height });
        Gray { width: width as usize, height: height as usize, levels }
    }

    fn row(&self, y: usize) -> &[u8] {
        &self.levels[y * self.width..(y + 1) * self.width]
    }

    /// A blur: means of three by three pixels. The edge does not change.
    fn smooth(&self) -> Gray {
        let mut levels = self.levels.clone();
        let mut sums = vec![0u16; self.width];
        for y in 1..self.height - 1 {
            let (above, here, below) = (self.row(y - 1), self.row(y), self.row(y + 1));
            for (((sum, a), b), c) in sums.iter_mut().zip(above).zip(here).zip(below) {
                *sum = u16::from(*a) + u16::from(*b) + u16::from(*c);
            }
            let inner = &mut levels[y * self.width + 1..(y + 1) * self.width - 1];
            for (level, sums) in inner.iter_mut().zip(sums.windows(3)) {
                *level = ((sums[0] + sums[1] + sums[2]) / 9) as u8;
            }
        }
        Gray { levels, ..*self }
    }

    fn described(&self, x: usize, y: usize, compared: &[[[(i32, i32); 2]; 8]; 8]) -> KeypointDescriptor {
        let level = |(dx, dy): (i32, i32)| self.levels[(y as i32 + dy) as usize * self.width + (x as i32 + dx) as usize];
        KeypointDescriptor(compared.map(|pairs| pairs.iter().fold(0, |bits, &[a, b]| bits << 1 | u8::from(level(a) < level(b)))))
    }
}

/// Up to `count` corners: first the strongest with room around them, then the others.
fn corners(gray: &Gray, count: usize) -> Vec<(usize, usize)> {
    let (width, height) = (gray.width, gray.height);
    let strength = strength(gray);
    let mut found: Vec<(f32, usize, usize)> = Vec::new();
    for y in EDGE_MARGIN..height - EDGE_MARGIN {
        let row = &strength[y * width..(y + 1) * width];
        for (x, &here) in row.iter().enumerate().take(width - EDGE_MARGIN).skip(EDGE_MARGIN) {
            if here > MIN_CORNER_STRENGTH && is_peak(&strength, width, y * width + x) {
                found.push((here, x, y));
            }
        }
    }
    found.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then((a.2, a.1).cmp(&(b.2, b.1))));
    let area = ((width - 2 * EDGE_MARGIN) * (height - 2 * EDGE_MARGIN)) as f64;
    let room = (0.5 * area / count.max(1) as f64).sqrt() as usize;
    let mut taken: Vec<(usize, usize)> = Vec::with_capacity(count);
    for room in [room, room / 2, 2] {
        for &(_, x, y) in &found {
            if taken.len() == count {
                return taken;
            }
            if taken.iter().all(|&(other_x, other_y)| other_x.abs_diff(x).max(other_y.abs_diff(y)) > room) {
                taken.push((x, y));
            }
        }
    }
    taken
}

/// Whether none of the eight neighbours is stronger. Among equals the first one is the peak.
fn is_peak(strength: &[f32], width: usize, at: usize) -> bool {
    let here = strength[at];
    let before = [at - width - 1, at - width, at - width + 1, at - 1];
    let after = [at + 1, at + width - 1, at + width, at + width + 1];
    before.iter().all(|&other| here > strength[other]) && after.iter().all(|&other| here >= strength[other])
}

/// The corner strength of each pixel, from products of the gradients in five by five pixels.
fn strength(gray: &Gray) -> Vec<f32> {
    let (width, height) = (gray.width, gray.height);
    let mut products = [0; 3].map(|_| vec![0f32; width * height]);
    for y in 1..height - 1 {
        let (above, here, below) = (gray.row(y - 1), gray.row(y), gray.row(y + 1));
        let [xx, yy, xy] = products.each_mut().map(|plane| &mut plane[y * width..(y + 1) * width]);
        for x in 1..width - 1 {
            let (dx, dy) = (f32::from(here[x + 1]) - f32::from(here[x - 1]), f32::from(below[x]) - f32::from(above[x]));
            (xx[x], yy[x], xy[x]) = (dx * dx, dy * dy, dx * dy);
        }
    }
    let [xx, yy, xy] = products.map(|plane| means(plane, width));
    xx.iter().zip(&yy).zip(&xy).map(|((xx, yy), xy)| xx * yy - xy * xy - 0.04 * (xx + yy) * (xx + yy)).collect()
}

/// Means of five by five numbers. Values near the edge are not valid.
fn means(mut plane: Vec<f32>, width: usize) -> Vec<f32> {
    let mut rows = vec![0f32; plane.len()];
    for (to, from) in rows.chunks_exact_mut(width).zip(plane.chunks_exact(width)) {
        for (to, five) in to[2..].iter_mut().zip(from.windows(5)) {
            *to = five[0] + five[1] + five[2] + five[3] + five[4];
        }
    }
    for y in 2..plane.len() / width - 2 {
        let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|i| &rows[(y + i - 2) * width..(y + i - 1) * width]);
        for (x, to) in plane[y * width..(y + 1) * width].iter_mut().enumerate() {
            *to = (a[x] + b[x] + c[x] + d[x] + e[x]) / 25.0;
        }
    }
    plane
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of random levels.
    fn blocks(width: u32, height: u32) -> Picture {
        let mut random = fastrand::Rng::with_seed(5);
        let levels: Vec<u8> = (0..64 * 64).map(|_| random.u8(..)).collect();
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Picture::new(width, height, places.flat_map(|(x, y)| [levels[(y / 9 * 64 + x / 9) as usize]; 3]).collect())
    }

    #[test]
    fn corners_are_found_where_blocks_meet() {
        let points = keypoints(&blocks(324, 216));
        assert_eq!(points.as_slice().len(), Keypoints::MAX);
        let on_a_corner = |v: u8| ((f64::from(v) + 0.5) / 255.0 * 324.0 + 4.5).rem_euclid(9.0) - 4.5;
        let (near, others): (Vec<&Keypoint>, Vec<_>) =
            points.as_slice().iter().filter(|p| p.level == 0).partition(|p| on_a_corner(p.x).abs() < 2.0 && on_a_corner(p.y).abs() < 2.0);
        // By chance it would be one in five.
        assert!(near.len() > others.len(), "{} and {} elsewhere", near.len(), others.len());
        let left = points.as_slice().iter().filter(|p| p.x < 128).count();
        assert!((25..=73).contains(&left), "they are spread: {left}");
    }

    #[test]
    fn plain_and_tiny_pictures_have_none() {
        for (width, height) in [(1, 1), (20, 300), (24, 24), (25, 25)] {
            keypoints(&blocks(width, height));
        }
        assert_eq!(keypoints(&Picture::new(300, 216, vec![90; 300 * 216 * 3])), Keypoints::default());
        assert_eq!(keypoints(&blocks(4, 4)), Keypoints::default());
        assert!(!keypoints(&blocks(48, 36)).as_slice().is_empty(), "a thumbnail has some");
        keypoints(&blocks(2000, 30));
    }
}

//! What is left between two pictures when one is laid over the other: how well their structure agrees, and where it does
//! not. Brightness and contrast do not count.

use super::placement::{Placement, Warped};
use super::plane::{Plane, anti_alias};
use crate::photo::{Affine, Picture, Residual};

/// The blurs, in pixels, between which structure is compared.
const BAND_BLURS_PIXELS: [f64; 2] = [1.0, 2.5];

/// The side of a tile in pixels.
const TILE_SIDE: usize = 16;

/// The least share of a tile that both pictures must show.
const MIN_TILE_SHARE: f64 = 0.6;

/// The longer side of the grid on which it is measured what a picture shows beside another one.
const BESIDE_LONG_SIDE: usize = 128;

/// The edge of a picture, in pixels of that grid, and the least share of it that is measured beyond.
const EDGE_WIDTH_PIXELS: f64 = 1.5;
const MIN_SHARE_BEYOND: f64 = 0.01;

/// Brightnesses that differ by no more, 0 to 255, are one.
const SAME_BRIGHTNESS: f32 = 5.0;

/// Less structure than this, as a standard deviation of brightness, is noise of compression: the tile is plain.
const MIN_TILE_STRUCTURE: f64 = 0.9;

/// A tile with a lower correlation does not agree.
const MIN_TILE_CORRELATION: f64 = 0.5;

/// Differences are measured in tiles of this side, after a blur of one pixel.
const SPOT_SIDE: usize = 8;

/// What a tile may differ by because of compression. It is added to the difference of the median one.
const SPOT_NOISE: f64 = 0.5;

/// The number of steps of brightness between which the curve of one picture to the other is measured.
const CURVE_STEPS: usize = 32;

/// Measures what is left between `a` and `b` on a grid whose longer side has at most this many pixels. It is the grid of the
/// coarser one. `None` if they overlap too little. The order of the two does not matter.
pub fn residual(a: &Picture, b: &Picture, placement: &Placement, long_side: usize) -> Option<Residual> {
    let scale = placement.map.scale();
    if scale > 1.0 || scale == 1.0 && b.rgb < a.rgb {
        let [of_a, of_b] = placement.overlap;
        return residual(b, a, &Placement { map: placement.map.inverse(), overlap: [of_b, of_a] }, long_side);
    }
    let (grid, share) = Plane::of(b).shrunk(long_side);
    let map = placement.map.then(&Affine::scaled(share, (0.0, 0.0)));
    let mut warped = Warped::new(&Plane::of(a).blurred(anti_alias(map.scale())), &grid, &map);
    let curve = Curve::of(&warped, &grid);
    for at in 0..grid.values.len() {
        // Beyond the overlap both are the same, so that its edge is not taken for structure.
        warped.plane.values[at] = if warped.is_in[at] { curve.at(warped.plane.values[at]) } else { grid.values[at] };
    }
    let left = agreement(&structure(&warped.plane), &structure(&grid), &warped.is_in)?;
    Some(Residual { spot: spot(&warped, &grid), ..left })
}

fn structure(plane: &Plane) -> Plane {
    let [fine, coarse] = BAND_BLURS_PIXELS.map(|sigma| plane.blurred(sigma));
    fine.less(&coarse)
}

/// Returns by how many times the difference of the worst tile is larger than that of the median one.
fn spot(warped: &Warped, grid: &Plane) -> f64 {
    let difference = warped.plane.clone().less(grid).blurred(1.0);
    let whole = |(left, top): (usize, usize)| {
        let mut squares = 0.0;
        for y in top..top + SPOT_SIDE {
            for at in y * grid.width + left..y * grid.width + left + SPOT_SIDE {
                if !warped.is_in[at] {
                    return None;
                }
                squares += f64::from(difference.values[at]) * f64::from(difference.values[at]);
            }
        }
        Some((squares / (SPOT_SIDE * SPOT_SIDE) as f64).sqrt())
    };
    let mut tiles: Vec<f64> = tiles(grid).filter_map(whole).collect();
    tiles.sort_by(f64::total_cmp);
    tiles.last().map_or(0.0, |worst| worst / (tiles[tiles.len() / 2] + SPOT_NOISE))
}

/// Left and top of all whole tiles of a plane.
fn tiles(plane: &Plane) -> impl Iterator<Item = (usize, usize)> {
    let (width, height) = (plane.width, plane.height);
    let starts = |side: usize| (0..(side + 1).saturating_sub(SPOT_SIDE)).step_by(SPOT_SIDE);
    starts(height).flat_map(move |top| starts(width).map(move |left| (left, top)))
}

/// What a picture shows beyond another one.
#[derive(Clone, Copy, Debug)]
pub struct Beyond {
    /// The share of the picture, in whole tiles, that has structure and lies beyond.
    pub structure: f64,
    /// The share of what lies beyond that has one brightness. 0 if that is next to nothing.
    pub margin: f64,
}

/// Measures what a picture shows beyond another one. `is_in`: whether a position, in units of the longer side, is in the other
/// one.
pub fn beyond(picture: &Picture, is_in: impl Fn((f64, f64)) -> bool) -> Beyond {
    let (plane, _) = Plane::of(picture).shrunk(BESIDE_LONG_SIDE);
    let structure = structure(&plane);
    let long_side = plane.width.max(plane.height) as f64;
    let (mut all, mut beside) = (0_usize, 0_usize);
    for (left, top) in tiles(&plane) {
        all += 1;
        let corners = [(0, 0), (SPOT_SIDE, 0), (0, SPOT_SIDE), (SPOT_SIDE, SPOT_SIDE)];
        if corners.iter().any(|(x, y)| is_in(((left + x) as f64 / long_side, (top + y) as f64 / long_side))) {
            continue;
        }
        let mut tile = Products::default();
        for y in top..top + SPOT_SIDE {
            for at in y * plane.width + left..y * plane.width + left + SPOT_SIDE {
                tile.add(structure.values[at], 0.0);
            }
        }
        let [deviation, _] = tile.deviation();
        beside += usize::from(deviation >= MIN_TILE_STRUCTURE);
    }
    Beyond { structure: beside as f64 / all.max(1) as f64, margin: margin(&plane, is_in) }
}

/// Returns the share of the pixels beyond another picture that have their median brightness.
fn margin(plane: &Plane, is_in: impl Fn((f64, f64)) -> bool) -> f64 {
    let long_side = plane.width.max(plane.height) as f64;
    let is_beyond = |at: &usize| {
        let (x, y) = ((at % plane.width) as f64 + 0.5, (at / plane.width) as f64 + 0.5);
        // The edge mixes both.
        let around = [
            (-EDGE_WIDTH_PIXELS, -EDGE_WIDTH_PIXELS),
            (EDGE_WIDTH_PIXELS, -EDGE_WIDTH_PIXELS),
            (-EDGE_WIDTH_PIXELS, EDGE_WIDTH_PIXELS),
            (EDGE_WIDTH_PIXELS, EDGE_WIDTH_PIXELS),
        ];
        around.iter().all(|(u, v)| !is_in(((x + u) / long_side, (y + v) / long_side)))
    };
    let mut values: Vec<f32> = (0..plane.values.len()).filter(is_beyond).map(|at| plane.values[at]).collect();
    if (values.len() as f64) < MIN_SHARE_BEYOND * plane.values.len() as f64 {
        return 0.0;
    }
    values.sort_by(f32::total_cmp);
    let median = values[values.len() / 2];
    values.iter().filter(|value| (**value - median).abs() <= SAME_BRIGHTNESS).count() as f64 / values.len() as f64
}

#[expect(clippy::needless_range_loop, reason = "without optimisation an iterator is a call for each pixel")]
fn agreement(a: &Plane, b: &Plane, is_in: &[bool]) -> Option<Residual> {
    let (mut all, mut tiles, mut plain) = (Products::default(), Vec::new(), 0_usize);
    for top in (0..a.height).step_by(TILE_SIDE) {
        for left in (0..a.width).step_by(TILE_SIDE) {
            let mut tile = Products::default();
            for y in top..(top + TILE_SIDE).min(a.height) {
                for at in y * a.width + left..y * a.width + (left + TILE_SIDE).min(a.width) {
                    if is_in[at] {
                        tile.add(a.values[at], b.values[at]);
                    }
                }
            }
            all.join(&tile);
            if tile.count < MIN_TILE_SHARE * (TILE_SIDE * TILE_SIDE) as f64 {
                continue;
            }
            if tile.deviation().iter().all(|deviation| *deviation < MIN_TILE_STRUCTURE) {
                plain += 1
            } else {
                tiles.push(tile.correlation())
            }
        }
    }
    if tiles.is_empty() {
        return (plain > 0).then_some(Residual { agreement: all.correlation(), misfit: 0.0, plain: 1.0, spot: 0.0 });
    }
    tiles.sort_by(f64::total_cmp);
    let count = tiles.len() as f64;
    Some(Residual {
        agreement: all.correlation().max(tiles[tiles.len() / 4]),
        misfit: tiles.iter().filter(|tile| **tile < MIN_TILE_CORRELATION).count() as f64 / count,
        plain: plain as f64 / (count + plain as f64),
        spot: 0.0,
    })
}

/// Sums over pixels of two pictures.
#[derive(Default)]
struct Products {
    count: f64,
    sums: [f64; 2],
    squares: [f64; 2],
    product: f64,
}

impl Products {
    #[inline(always)]
    fn add(&mut self, x: f32, y: f32) {
        let (x, y) = (f64::from(x), f64::from(y));
        self.join(&Products { count: 1.0, sums: [x, y], squares: [x * x, y * y], product: x * y });
    }

    #[inline(always)]
    fn join(&mut self, other: &Products) {
        self.count += other.count;
        for n in 0..2 {
            self.sums[n] += other.sums[n];
            self.squares[n] += other.squares[n];
        }
        self.product += other.product;
    }

    fn deviation(&self) -> [f64; 2] {
        let variance = |n: usize| self.squares[n] / self.count - (self.sums[n] / self.count).powi(2);
        [0, 1].map(|n| variance(n).max(0.0).sqrt())
    }

    fn correlation(&self) -> f64 {
        let covariance = self.product / self.count - self.sums[0] * self.sums[1] / (self.count * self.count);
        let [x, y] = self.deviation();
        if x * y > 1e-9 { covariance / (x * y) } else { 0.0 }
    }
}

/// A rising curve from the brightness of one picture to that of the other.
struct Curve(Vec<f32>);

impl Curve {
    /// Measures the curve: the mean of the other picture for each step of brightness, made rising.
    fn of(from: &Warped, to: &Plane) -> Curve {
        let mut sums = [(0.0_f64, 0.0_f64); CURVE_STEPS + 1];
        for at in (0..to.values.len()).filter(|at| from.is_in[*at]) {
            let step = (from.plane.values[at].clamp(0.0, 255.0) / 255.0 * CURVE_STEPS as f32 + 0.5) as usize;
            sums[step] = (sums[step].0 + f64::from(to.values[at]), sums[step].1 + 1.0);
        }
        // Neighbours that fall are averaged until none does (pool adjacent violators).
        let mut pools: Vec<(f64, f64, usize)> = Vec::new();
        for (step, (sum, count)) in sums.into_iter().enumerate() {
            pools.push((sum, count, step));
            while let [.., before, last] = pools[..]
                && (before.1 == 0.0 || last.1 == 0.0 || before.0 / before.1 > last.0 / last.1)
            {
                pools.pop();
                *pools.last_mut().expect("two were there") = (before.0 + last.0, before.1 + last.1, last.2);
            }
        }
        let mut curve = Vec::with_capacity(CURVE_STEPS + 1);
        for (sum, count, end) in pools {
            curve.resize(end + 1, if count > 0.0 { (sum / count) as f32 } else { 0.0 });
        }
        Curve(curve)
    }

    fn at(&self, value: f32) -> f32 {
        let place = value.clamp(0.0, 255.0) / 255.0 * CURVE_STEPS as f32;
        let step = place as usize;
        let rest = place - step as f32;
        let next = self.0[(step + 1).min(CURVE_STEPS)];
        self.0[step] * (1.0 - rest) + next * rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of smooth random blobs.
    fn picture(seed: u64, curve: impl Fn(f64) -> f64) -> Picture {
        let mut random = fastrand::Rng::with_seed(seed);
        let waves: Vec<[f64; 4]> =
            (0..40).map(|_| [random.f64() * 0.9 - 0.45, random.f64() * 0.9 - 0.45, random.f64() * 7.0, 1.0]).collect();
        let value = |x: u32, y: u32| {
            let sum: f64 = waves.iter().map(|[u, v, phase, _]| (u * f64::from(x) + v * f64::from(y) + phase).sin()).sum();
            curve((sum / 18.0 + 0.5).clamp(0.0, 1.0)).clamp(0.0, 1.0) * 255.0
        };
        let rgb = (0..160).flat_map(|y| (0..240).map(move |x| (x, y))).flat_map(|(x, y)| [value(x, y) as u8; 3]).collect();
        Picture::new(240, 160, rgb)
    }

    const SAME: Placement = Placement { map: Affine::IDENTITY, overlap: [1.0, 1.0] };

    #[test]
    fn a_brightness_curve_is_no_difference_and_another_picture_is_one() {
        let photo = picture(1, |v| v);
        let at = |other: &Picture| residual(&photo, other, &SAME, 128).expect("they overlap");
        assert!(at(&photo).agreement > 0.9999 && at(&photo).misfit == 0.0);
        for curve in [|v: f64| v.powf(0.5), |v: f64| v * v, |v: f64| 0.2 + 0.6 * v] {
            let toned = at(&picture(1, curve));
            assert!(toned.agreement > 0.99 && toned.misfit == 0.0, "{toned:?}");
        }
        let other = at(&picture(2, |v| v));
        assert!(other.agreement < 0.3 && other.misfit > 0.7, "{other:?}");
    }

    #[test]
    fn the_order_of_two_pictures_does_not_matter() {
        let (a, b) = (picture(1, |v| v), picture(3, |v| v));
        let map = Affine { x: [0.6, 0.02, 20.0], y: [-0.02, 0.6, 10.0] };
        let there = residual(&a, &b, &Placement { map, overlap: [1.0, 0.4] }, 128);
        let back = residual(&b, &a, &Placement { map: map.inverse(), overlap: [0.4, 1.0] }, 128);
        assert!((there.expect("overlap").agreement - back.expect("overlap").agreement).abs() < 1e-6);
    }

    #[test]
    fn a_changed_spot_is_a_misfit_and_plain_ground_says_nothing() {
        let photo = picture(1, |v| v);
        let mut retouched = photo.clone();
        let other = picture(2, |v| v);
        for y in 0..60 {
            for x in 0..60 {
                let at = 3 * (y * 240 + x);
                retouched.rgb[at..at + 3].copy_from_slice(&other.rgb[at..at + 3]);
            }
        }
        let found = residual(&photo, &retouched, &SAME, 240).expect("they overlap");
        assert!(found.agreement > 0.85 && (0.03..0.2).contains(&found.misfit), "{found:?}");
        let plain = picture(1, |_| 0.5);
        assert_eq!(residual(&plain, &plain, &SAME, 128).map(|left| left.plain), Some(1.0));
        let beside = Placement { map: Affine::scaled(1.0, (1000.0, 0.0)), overlap: [0.0, 0.0] };
        assert_eq!(residual(&photo, &photo, &beside, 128), None);
    }
}

//! How one picture lies in another: a transform from their keypoints, refined on their pixels.

use pulp::{Arch, Simd, WithSimd};

use super::geometry::aligned;
use super::plane::{Plane, anti_alias};
use crate::photo::{Affine, Keypoints, Picture};

/// The rounds of refinement: the longer side of the coarser picture, and how far windows are moved on it.
const ROUNDS: [(usize, i64); 4] = [(128, 4), (256, 3), (256, 2), (256, 2)];

/// The largest picture that is placed. A photo is decoded to less. A very long one is not, and would take long.
const MAX_PIXELS: u64 = 1 << 20;

/// The logarithm of the ratio of two aspects that are one.
const MAX_LOG_ASPECT: f64 = 0.02;

/// The logarithm of the strongest stretch that is looked for: one side twice as much as the other.
const MAX_LOG_STRETCH: f64 = 0.7;

/// The side of a window, and the distance from one to the next, in pixels.
const WINDOW_SIDE: usize = 20;
const WINDOW_STEP: usize = 12;

/// The least standard deviation of the brightness in a window that can be placed.
const MIN_WINDOW_CONTRAST: f32 = 3.0;

/// The least correlation of a window that is placed.
const MIN_WINDOW_CORRELATION: f64 = 0.5;

/// With fewer windows than these the transform stays a similarity, or as it is.
const MIN_AFFINE_WINDOWS: usize = 10;
const MIN_SIMILARITY_WINDOWS: usize = 3;

/// A picture, and where in it its keypoints are.
#[derive(Clone, Copy, Debug)]
pub struct Framed<'a> {
    pub picture: &'a Picture,
    /// Left, top, width and height in pixels.
    pub frame: [f64; 4],
    /// The share of the picture within plain margins.
    pub content: f64,
    pub keypoints: &'a Keypoints,
}

/// How a picture `a` lies in a picture `b`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Placement {
    /// Maps pixels of `a` to pixels of `b`.
    pub map: Affine,
    /// The shares of `a` and of `b` that show what the other shows too.
    pub overlap: [f64; 2],
}

/// Places `a` in `b`. `None` if their keypoints do not align and they are of two shapes, or
/// if one is too large. The order of the two does not matter.
pub fn place(a: Framed<'_>, b: Framed<'_>) -> Option<Placement> {
    from(a, b, |a, b| in_pixels(a, b).or_else(|| whole(a, b).filter(|map| !is_stretched(map))))
}

/// Places the whole of `a` on the whole of `b`, for pictures of two shapes: one may be the other stretched, and then keypoints show
/// only a part of it in its place. `None` if they are of one shape, or of shapes that are too far apart. The order of the two does
/// not matter.
pub fn place_stretched(a: Framed<'_>, b: Framed<'_>) -> Option<Placement> {
    from(a, b, |a, b| whole(a, b).filter(is_stretched))
}

/// Refines what `find` says of the smaller picture and the larger one.
fn from(a: Framed<'_>, b: Framed<'_>, find: impl Fn(Framed<'_>, Framed<'_>) -> Option<Affine>) -> Option<Placement> {
    let key = |framed: &Framed<'_>| (framed.picture.dimensions.pixels(), framed.picture.dimensions.width);
    let is_swapped = key(&b).cmp(&key(&a)).then_with(|| b.picture.rgb.cmp(&a.picture.rgb)).is_lt();
    let (first, second) = if is_swapped { (b, a) } else { (a, b) };
    if [a, b].iter().any(|framed| framed.picture.dimensions.pixels() > MAX_PIXELS) {
        return None;
    }
    let map = refined(first.picture, second.picture, find(first, second)?);
    let map = if is_swapped { map.inverse() } else { map };
    Some(Placement { map, overlap: overlap(a.picture, b.picture, &map) })
}

/// Returns the map of the whole of `a` to the whole of `b`. `None` if their shapes are too far apart.
fn whole(a: Framed<'_>, b: Framed<'_>) -> Option<Affine> {
    let side = |framed: &Framed<'_>| (f64::from(framed.picture.dimensions.width), f64::from(framed.picture.dimensions.height));
    let ((width, height), (to_width, to_height)) = (side(&a), side(&b));
    let map = Affine { x: [to_width / width, 0.0, 0.0], y: [0.0, to_height / height, 0.0] };
    (log_aspect(&map) < MAX_LOG_STRETCH).then_some(map)
}

fn is_stretched(map: &Affine) -> bool {
    log_aspect(map) >= MAX_LOG_ASPECT
}

/// The logarithm of how much a map that turns nothing stretches one side more than the other.
fn log_aspect(map: &Affine) -> f64 {
    (map.x[0] / map.y[1]).ln().abs()
}

/// Returns the transform of the keypoints, as a map of pixels.
fn in_pixels(a: Framed<'_>, b: Framed<'_>) -> Option<Affine> {
    let (orientation, by, shift) = aligned(a.keypoints, b.keypoints)?;
    let units = |framed: &Framed<'_>| 255.0 / framed.frame[2].max(framed.frame[3]);
    let centred = |framed: &Framed<'_>| {
        let unit = units(framed);
        Affine::scaled(unit, (-unit * framed.frame[0] - 127.5, -unit * framed.frame[1] - 127.5))
    };
    let ((xx, yx), (xy, yy)) = (orientation.place((1.0, 0.0)), orientation.place((0.0, 1.0)));
    let turned = Affine { x: [xx, xy, 0.0], y: [yx, yy, 0.0] };
    let (re, im) = (f64::from(by.0), f64::from(by.1));
    let moved = Affine { x: [re, -im, f64::from(shift.0)], y: [im, re, f64::from(shift.1)] };
    Some(centred(&a).then(&turned).then(&moved).then(&centred(&b).inverse()))
}

/// Refines a map of pixels of `a` to pixels of `b`. It is done on the grid of the coarser one.
fn refined(a: &Picture, b: &Picture, map: Affine) -> Affine {
    if map.scale() > 1.0 {
        return refined(b, a, map.inverse()).inverse();
    }
    let (of_a, of_b, arch) = (Plane::of(a), Plane::of(b), Arch::new());
    let mut map = map;
    let mut last: Option<(usize, Plane, Plane, f64)> = None;
    for (long_side, reach) in ROUNDS {
        // The scale hardly changes from one round to the next.
        let (_, fine, grid, share) = match last.take() {
            Some(same) if same.0 == long_side => last.insert(same),
            _ => {
                let (grid, share) = of_b.shrunk(long_side);
                last.insert((long_side, of_a.blurred(anti_alias(share * map.scale())), grid, share))
            }
        };
        let to_grid = Affine::scaled(*share, (0.0, 0.0));
        let on_grid = map.then(&to_grid);
        let warped = Warped::new(fine, grid, &on_grid);
        let Some(correction) = correction(&arch.dispatch(Windows { warped: &warped, grid, reach })) else { continue };
        map = on_grid.then(&correction).then(&to_grid.inverse());
    }
    map
}

/// A picture on the grid of another one.
pub struct Warped {
    pub plane: Plane,
    /// Whether each pixel is in the picture.
    pub is_in: Vec<bool>,
}

impl Warped {
    /// Brings a plane, which is blurred for this scale already, to the grid of another one.
    pub fn new(plane: &Plane, grid: &Plane, map: &Affine) -> Warped {
        let back = map.inverse();
        let (mut values, mut is_in) = (vec![0.0; grid.values.len()], vec![false; grid.values.len()]);
        let (width, height) = (plane.width as f32, plane.height as f32);
        for y in 0..grid.height {
            let (u0, v0) = back.apply((0.5, y as f64 + 0.5));
            let (u0, v0, du, dv) = (u0 as f32, v0 as f32, back.x[0] as f32, back.y[0] as f32);
            for x in 0..grid.width {
                let (u, v) = (u0 + du * x as f32, v0 + dv * x as f32);
                values[y * grid.width + x] = plane.at(u, v);
                is_in[y * grid.width + x] = u >= 0.0 && u <= width && v >= 0.0 && v <= height;
            }
        }
        Warped { plane: Plane { width: grid.width, height: grid.height, values }, is_in }
    }
}

/// Places windows of a picture on the other one. Gives their middles, here and there, and their correlations.
struct Windows<'a> {
    warped: &'a Warped,
    grid: &'a Plane,
    /// How far windows are moved.
    reach: i64,
}

impl WithSimd for Windows<'_> {
    type Output = Vec<Window>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<Window> {
        let (width, height) = (self.grid.width, self.grid.height);
        let corners = |side: usize| (0..(side + 1).saturating_sub(WINDOW_SIDE)).step_by(WINDOW_STEP);
        let is_whole = |left: usize, top: usize| {
            let ends = [(0, 0), (WINDOW_SIDE - 1, 0), (0, WINDOW_SIDE - 1), (WINDOW_SIDE - 1, WINDOW_SIDE - 1)];
            ends.iter().all(|(x, y)| self.warped.is_in[(top + y) * width + left + x])
        };
        let sums = WindowSums::of(self.grid);
        let mut windows = Vec::new();
        for top in corners(height) {
            for left in corners(width).filter(|left| is_whole(*left, top)) {
                windows.extend(self.window(simd, &sums, left, top));
            }
        }
        windows
    }
}

impl Windows<'_> {
    #[inline(always)]
    fn window<S: Simd>(&self, simd: S, sums: &WindowSums, left: usize, top: usize) -> Option<Window> {
        let own = Patch::of(&self.warped.plane, left, top);
        if own.contrast() < MIN_WINDOW_CONTRAST {
            return None;
        }
        let reach = self.reach;
        let mut found: Option<(f64, i64, i64)> = None;
        for dy in -reach..=reach {
            for dx in -reach..=reach {
                let Some(fit) = own.correlation(simd, self.grid, sums, left as i64 + dx, top as i64 + dy) else { continue };
                // Of equal ones the last.
                if found.is_none_or(|best| fit.total_cmp(&best.0).is_ge()) {
                    found = Some((fit, dx, dy));
                }
            }
        }
        let (best, dx, dy) = found?;
        if best < MIN_WINDOW_CORRELATION || dx.abs() == reach || dy.abs() == reach {
            return None;
        }
        // The top of a parabola through three values.
        let peak = |before: f64, after: f64| {
            let bend = before - 2.0 * best + after;
            if bend < -1e-9 { (0.5 * (before - after) / bend).clamp(-0.5, 0.5) } else { 0.0 }
        };
        // At the edge of the other picture it is not known whether it would fit better beyond.
        let at = |dx: i64, dy: i64| own.correlation(simd, self.grid, sums, left as i64 + dx, top as i64 + dy);
        let x = dx as f64 + peak(at(dx - 1, dy)?, at(dx + 1, dy)?);
        let y = dy as f64 + peak(at(dx, dy - 1)?, at(dx, dy + 1)?);
        let middle = (left as f64 + WINDOW_SIDE as f64 / 2.0, top as f64 + WINDOW_SIDE as f64 / 2.0);
        Some(Window { from: middle, to: (middle.0 + x, middle.1 + y), weight: best })
    }
}

/// The middle of a window, where it belongs, and how well it fits there.
#[derive(Clone, Copy, Debug)]
struct Window {
    from: (f64, f64),
    to: (f64, f64),
    weight: f64,
}

/// The values of a window less their mean.
struct Patch {
    values: Vec<f32>,
    /// The sum of their squares.
    energy: f64,
}

impl Patch {
    fn of(plane: &Plane, left: usize, top: usize) -> Patch {
        let mut values = Vec::with_capacity(WINDOW_SIDE * WINDOW_SIDE);
        for y in top..top + WINDOW_SIDE {
            values.extend_from_slice(&plane.values[y * plane.width + left..][..WINDOW_SIDE]);
        }
        let (mut sum, mut energy) = (0.0_f32, 0.0_f64);
        for value in &values {
            sum += value;
        }
        let mean = sum / values.len() as f32;
        for value in &mut values {
            *value -= mean;
            energy += f64::from(*value * *value);
        }
        Patch { values, energy }
    }

    fn contrast(&self) -> f32 {
        (self.energy / self.values.len() as f64).sqrt() as f32
    }

    /// Returns the correlation with a window of a plane. `None` if it is not in the plane.
    #[inline(always)]
    fn correlation<S: Simd>(&self, simd: S, plane: &Plane, sums: &WindowSums, left: i64, top: i64) -> Option<f64> {
        let (left, top) = (usize::try_from(left).ok()?, usize::try_from(top).ok()?);
        if left + WINDOW_SIDE > plane.width || top + WINDOW_SIDE > plane.height {
            return None;
        }
        // The mean of the other window does not matter, because that of this one is zero.
        let (mut registers, mut rest) = (simd.splat_f32s(0.0), 0.0_f32);
        for y in 0..WINDOW_SIDE {
            let (own, last_own) = S::as_simd_f32s(&self.values[y * WINDOW_SIDE..][..WINDOW_SIDE]);
            let (other, last) = S::as_simd_f32s(&plane.values[(top + y) * plane.width + left..][..WINDOW_SIDE]);
            for at in 0..own.len() {
                registers = simd.mul_add_e_f32s(own[at], other[at], registers);
            }
            for at in 0..last_own.len() {
                rest += last_own[at] * last[at];
            }
        }
        let product = f64::from(simd.reduce_sum_f32s(registers) + rest);
        Some(product / (self.energy * sums.energy(left, top)).sqrt().max(1e-6))
    }
}

/// Sums over all windows of a plane, from the sums over all rectangles at its corner.
struct WindowSums {
    /// Values and squares, of all pixels above and to the left.
    of_corner: Vec<[f64; 2]>,
    stride: usize,
}

impl WindowSums {
    fn of(plane: &Plane) -> WindowSums {
        let stride = plane.width + 1;
        let mut of_corner = vec![[0.0; 2]; stride * (plane.height + 1)];
        for (y, row) in plane.values.chunks_exact(plane.width).enumerate() {
            let mut of_row = [0.0; 2];
            for (x, value) in row.iter().map(|value| f64::from(*value)).enumerate() {
                of_row = [of_row[0] + value, of_row[1] + value * value];
                let above = of_corner[y * stride + x + 1];
                of_corner[(y + 1) * stride + x + 1] = [above[0] + of_row[0], above[1] + of_row[1]];
            }
        }
        WindowSums { of_corner, stride }
    }

    /// Returns the sum of the squares of a window's values less their mean.
    fn energy(&self, left: usize, top: usize) -> f64 {
        let at = |x: usize, y: usize| self.of_corner[y * self.stride + x];
        let (right, bottom) = (left + WINDOW_SIDE, top + WINDOW_SIDE);
        let sum = |n: usize| at(right, bottom)[n] - at(left, bottom)[n] - at(right, top)[n] + at(left, top)[n];
        (sum(1) - sum(0) * sum(0) / (WINDOW_SIDE * WINDOW_SIDE) as f64).max(0.0)
    }
}

/// Returns the map that moves windows to where they belong. `None` if there are too few.
fn correction(windows: &[Window]) -> Option<Affine> {
    let mut used = windows.to_vec();
    let mut map = fitted(&used)?;
    for _ in 0..3 {
        // Windows on a moving thing, or beside it, are not where the rest is.
        let miss = |window: &Window| {
            let (x, y) = map.apply(window.from);
            (x - window.to.0).hypot(y - window.to.1)
        };
        let mut misses: Vec<f64> = windows.iter().map(miss).collect();
        misses.sort_by(f64::total_cmp);
        let limit = (2.5 * misses[misses.len() / 2]).max(0.15);
        used = windows.iter().filter(|window| miss(window) <= limit).copied().collect();
        map = fitted(&used)?;
    }
    Some(map)
}

/// The least squares map of windows: affine if there are many, else a similarity.
fn fitted(windows: &[Window]) -> Option<Affine> {
    if windows.len() < MIN_SIMILARITY_WINDOWS {
        return None;
    }
    let sum: f64 = windows.iter().map(|w| w.weight).sum();
    let mean = |value: &dyn Fn(&Window) -> f64| windows.iter().map(|w| w.weight * value(w)).sum::<f64>() / sum;
    let (mx, my) = (mean(&|w| w.from.0), mean(&|w| w.from.1));
    let (tx, ty) = (mean(&|w| w.to.0), mean(&|w| w.to.1));
    let moment = |left: &dyn Fn(&Window) -> f64, right: &dyn Fn(&Window) -> f64| mean(&|w| left(w) * right(w));
    let (x, y) = (|w: &Window| w.from.0 - mx, |w: &Window| w.from.1 - my);
    let (u, v) = (|w: &Window| w.to.0 - tx, |w: &Window| w.to.1 - ty);
    let (xx, xy, yy) = (moment(&x, &x), moment(&x, &y), moment(&y, &y));
    let around = |a: f64, b: f64, c: f64, d: f64| Some(Affine { x: [a, b, tx - a * mx - b * my], y: [c, d, ty - c * mx - d * my] });
    let determinant = xx * yy - xy * xy;
    if windows.len() >= MIN_AFFINE_WINDOWS && determinant > 0.05 * (xx + yy).powi(2) {
        let solve = |p: f64, q: f64| ((p * yy - q * xy) / determinant, (q * xx - p * xy) / determinant);
        let ((a, b), (c, d)) = (solve(moment(&x, &u), moment(&y, &u)), solve(moment(&x, &v), moment(&y, &v)));
        return around(a, b, c, d);
    }
    let spread = xx + yy;
    if spread < 1.0 {
        return None;
    }
    let (re, im) = ((moment(&x, &u) + moment(&y, &v)) / spread, (moment(&x, &v) - moment(&y, &u)) / spread);
    around(re, -im, im, re)
}

/// Returns the shares of both pictures that show what the other shows too.
fn overlap(a: &Picture, b: &Picture, map: &Affine) -> [f64; 2] {
    const SIDE: usize = 64;
    let share = |from: &Picture, to: &Picture, map: &Affine| {
        let size = |picture: &Picture| (f64::from(picture.dimensions.width), f64::from(picture.dimensions.height));
        let ((width, height), (to_width, to_height)) = (size(from), size(to));
        let places = (0..SIDE * SIDE).map(|at| {
            let (x, y) = ((at % SIDE) as f64 + 0.5, (at / SIDE) as f64 + 0.5);
            map.apply((x * width / SIDE as f64, y * height / SIDE as f64))
        });
        let is_in = |&(x, y): &(f64, f64)| (0.0..=to_width).contains(&x) && (0.0..=to_height).contains(&y);
        places.filter(is_in).count() as f64 / (SIDE * SIDE) as f64
    };
    [share(a, b, map), share(b, a, &map.inverse())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_that_agree_decide_and_others_do_not() {
        let map = Affine { x: [1.01, -0.02, 1.5], y: [0.015, 0.98, -2.0] };
        let window = |at: usize| {
            let from = (17.0 * (at % 7) as f64, 13.0 * (at / 7) as f64);
            Window { from, to: map.apply(from), weight: 0.9 }
        };
        let mut windows: Vec<Window> = (0..49).map(window).collect();
        windows.iter_mut().step_by(6).for_each(|window| window.to.0 += 4.0);
        let found = correction(&windows).expect("enough");
        for at in [(0.0, 0.0), (100.0, 70.0)] {
            let ((x, y), (u, v)) = (found.apply(at), map.apply(at));
            assert!((x - u).hypot(y - v) < 1e-6, "{found:?}");
        }
        assert!(correction(&windows[..2]).is_none());
    }
}

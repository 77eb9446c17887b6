//! Crops, rotations and perspective.

use fastrand::Rng;

use crate::photo::Picture;

/// A random crop of `area` (share of the whole), of the picture's aspect or of `ratio` (width / height). It is as
/// large as fits if `ratio` does not allow the area.
pub fn crop(picture: &Picture, area: f32, ratio: Option<f32>, rng: &mut Rng) -> Picture {
    let (w, h) = (picture.dimensions.width as f32, picture.dimensions.height as f32);
    let ratio = ratio.unwrap_or(w / h);
    let width = (area * w * h * ratio).sqrt().min(w).min(h * ratio);
    let (width, height) = ((width as u32).max(1), ((width / ratio) as u32).max(1));
    let left = rng.u32(0..=picture.dimensions.width - width) as usize;
    let top = rng.u32(0..=picture.dimensions.height - height) as usize;
    let stride = 3 * picture.dimensions.width as usize;
    let rows = picture.rgb.chunks_exact(stride).skip(top).take(height as usize);
    let rgb = rows.flat_map(|row| &row[3 * left..3 * (left + width as usize)]).copied().collect();
    Picture::new(width, height, rgb)
}

/// Clockwise by quarters.
pub fn turn(picture: Picture, quarters: u8) -> Picture {
    picture.upright([1, 6, 3, 8][usize::from(quarters % 4)])
}

pub fn rotate(picture: &Picture, degrees: f32, corners: Option<[u8; 3]>) -> Picture {
    let (w, h) = (picture.dimensions.width as f32, picture.dimensions.height as f32);
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (width, height, zoom) = match corners {
        Some(_) => (w * cos.abs() + h * sin.abs(), w * sin.abs() + h * cos.abs(), 1.0),
        // The largest crop of the same aspect that lies inside the rotated picture.
        None => (w, h, 1.0 / (cos.abs() + (w / h).max(h / w) * sin.abs())),
    };
    warp(picture, width.round() as u32, height.round() as u32, corners.unwrap_or_default(), |x, y| {
        let (x, y) = ((x - width / 2.0) * zoom, (y - height / 2.0) * zoom);
        (x * cos + y * sin + w / 2.0, y * cos - x * sin + h / 2.0)
    })
}

/// Each corner of the result is taken from a point up to `by` of width and height away from the picture's corner.
pub fn lean(picture: &Picture, by: f32, rng: &mut Rng) -> Picture {
    let (w, h) = (picture.dimensions.width as f32, picture.dimensions.height as f32);
    let mut corner = |x: f32, y: f32| (x + by * (2.0 * rng.f32() - 1.0), y + by * (2.0 * rng.f32() - 1.0));
    let ((x0, y0), (x1, y1), (x2, y2), (x3, y3)) = (corner(0.0, 0.0), corner(1.0, 0.0), corner(1.0, 1.0), corner(0.0, 1.0));
    // The projective map of the unit square to a quadrilateral (Heckbert 1989, section 2.2.3).
    let (sx, sy) = (x0 - x1 + x2 - x3, y0 - y1 + y2 - y3);
    let (dx1, dy1, dx2, dy2) = (x1 - x2, y1 - y2, x3 - x2, y3 - y2);
    let area = dx1 * dy2 - dy1 * dx2;
    let (g, k) = ((sx * dy2 - sy * dx2) / area, (dx1 * sy - dy1 * sx) / area);
    let (a, b) = (x1 - x0 + g * x1, x3 - x0 + k * x3);
    let (d, e) = (y1 - y0 + g * y1, y3 - y0 + k * y3);
    warp(picture, picture.dimensions.width, picture.dimensions.height, [0; 3], |x, y| {
        let (u, v) = (x / w, y / h);
        let depth = g * u + k * v + 1.0;
        ((a * u + b * v + x0) / depth * w, (d * u + e * v + y0) / depth * h)
    })
}

/// A picture of width × height whose pixel centres `(x, y)` are read, between four pixels, at
/// `source(x, y)`; outside of the picture is `around`.
fn warp(picture: &Picture, width: u32, height: u32, around: [u8; 3], source: impl Fn(f32, f32) -> (f32, f32)) -> Picture {
    let (w, h) = (picture.dimensions.width as usize, picture.dimensions.height as usize);
    let mut rgb = Vec::with_capacity(3 * (width * height) as usize);
    for y in 0..height {
        for x in 0..width {
            let (sx, sy) = source(x as f32 + 0.5, y as f32 + 0.5);
            if sx < 0.0 || sy < 0.0 || sx > w as f32 || sy > h as f32 {
                rgb.extend_from_slice(&around);
                continue;
            }
            let (sx, sy) = ((sx - 0.5).max(0.0), (sy - 0.5).max(0.0));
            let (left, top) = ((sx as usize).min(w - 1), (sy as usize).min(h - 1));
            let (right, bottom) = ((left + 1).min(w - 1), (top + 1).min(h - 1));
            let (fx, fy) = (sx - left as f32, sy - top as f32);
            for channel in 0..3 {
                let at = |x: usize, y: usize| f32::from(picture.rgb[3 * (y * w + x) + channel]);
                let upper = at(left, top) * (1.0 - fx) + at(right, top) * fx;
                let lower = at(left, bottom) * (1.0 - fx) + at(right, bottom) * fx;
                rgb.push((upper * (1.0 - fy) + lower * fy).round() as u8);
            }
        }
    }
    Picture::new(width, height, rgb)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: u32, height: u32) -> Picture {
        Picture::new(width, height, (0..width * height).flat_map(|i| [(i % width) as u8, (i / width) as u8, 9]).collect())
    }

    #[test]
    fn a_crop_has_its_area_and_aspect() {
        let picture = ramp(200, 100);
        let mut rng = Rng::with_seed(1);
        let part = crop(&picture, 0.25, None, &mut rng);
        assert_eq!((part.dimensions.width, part.dimensions.height), (100, 50));
        let square = crop(&picture, 0.6, Some(1.0), &mut rng);
        assert_eq!((square.dimensions.width, square.dimensions.height), (100, 100));
        // Rows and columns follow each other as in the picture.
        assert_eq!(part.rgb[3] - part.rgb[0], 1);
        assert_eq!(part.rgb[3 * 100 + 1] - part.rgb[1], 1);
    }

    #[test]
    fn four_quarter_turns_are_none() {
        let picture = ramp(30, 20);
        let turned = (0..4).fold(picture.clone(), |p, _| turn(p, 1));
        assert!(turned == picture);
        assert_eq!(turn(picture, 1).dimensions.width, 20);
    }

    #[test]
    fn a_rotation_by_nothing_and_a_lean_by_nothing_change_nothing() {
        let picture = ramp(40, 60);
        assert!(rotate(&picture, 0.0, None) == picture);
        assert!(rotate(&picture, 0.0, Some([255; 3])) == picture);
        assert!(lean(&picture, 0.0, &mut Rng::with_seed(1)) == picture);
    }

    #[test]
    fn a_zoomed_rotation_shows_no_corner() {
        let picture = Picture::new(90, 60, vec![200; 90 * 60 * 3]);
        assert!(rotate(&picture, 10.0, None).rgb.iter().all(|&v| v == 200));
        let whole = rotate(&picture, 10.0, Some([0; 3]));
        assert!(whole.dimensions.width > 90 && whole.rgb[0] == 0);
    }
}

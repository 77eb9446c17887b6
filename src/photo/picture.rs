//! A decoded picture.

use serde::{Deserialize, Serialize};

/// Width and height in pixels.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Dimensions {
    pub width: u32,
    pub height: u32,
}

impl Dimensions {
    pub fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// Returns width and height in units of the longer side.
    pub fn in_long_sides(self) -> (f64, f64) {
        let long_side = f64::from(self.width.max(self.height));
        (f64::from(self.width) / long_side, f64::from(self.height) / long_side)
    }

    /// Returns width and height after an EXIF orientation is undone.
    pub fn oriented(self, orientation: u8) -> Dimensions {
        match orientation {
            5..=8 => Dimensions { width: self.height, height: self.width },
            _ => self,
        }
    }
}

/// Pixels, 8-bit RGB, rows from the top, no padding: `rgb.len() == 3 * width * height`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Picture {
    pub dimensions: Dimensions,
    pub rgb: Vec<u8>,
}

impl Picture {
    /// # Panics
    /// If `rgb` does not have three bytes per pixel.
    pub fn new(width: u32, height: u32, rgb: Vec<u8>) -> Picture {
        let dimensions = Dimensions { width, height };
        assert_eq!(rgb.len() as u64, 3 * dimensions.pixels(), "three bytes per pixel");
        Picture { dimensions, rgb }
    }

    /// Undoes an EXIF orientation (1 to 8). Other values do not change the picture.
    pub fn upright(self, orientation: u8) -> Picture {
        let Dimensions { width, height } = self.dimensions;
        if !(2..=8).contains(&orientation) {
            return self;
        }
        let (w, h) = (width as usize, height as usize);
        let source = stored_position(orientation);
        let upright = self.dimensions.oriented(orientation);
        let mut rgb = Vec::with_capacity(self.rgb.len());
        for y in 0..upright.height as usize {
            for x in 0..upright.width as usize {
                let (sx, sy) = source(x, y, w, h);
                let at = 3 * (sy * w + sx);
                rgb.extend_from_slice(&self.rgb[at..at + 3]);
            }
        }
        Picture { dimensions: upright, rgb }
    }
}

/// Returns the function that finds where an orientation stores pixel (x, y) of the upright picture. Its arguments are x
/// and y, and the width and height as stored.
pub fn stored_position(orientation: u8) -> fn(usize, usize, usize, usize) -> (usize, usize) {
    match orientation {
        2 => |x, y, w, _| (w - 1 - x, y),
        3 => |x, y, w, h| (w - 1 - x, h - 1 - y),
        4 => |x, y, _, h| (x, h - 1 - y),
        5 => |x, y, _, _| (y, x),
        6 => |x, y, _, h| (y, h - 1 - x),
        7 => |x, y, w, h| (w - 1 - y, h - 1 - x),
        8 => |x, y, w, _| (w - 1 - y, x),
        _ => |x, y, _, _| (x, y),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stored pixels of a 2 × 3 picture whose upright form is 1 2 / 3 4 / 5 6, as each
    /// orientation stores it (EXIF 2.32, tag 0x0112).
    #[test]
    fn every_orientation_is_undone() {
        let stored: [(u8, u32, u32, [u8; 6]); 8] = [
            (1, 2, 3, [1, 2, 3, 4, 5, 6]),
            (2, 2, 3, [2, 1, 4, 3, 6, 5]),
            (3, 2, 3, [6, 5, 4, 3, 2, 1]),
            (4, 2, 3, [5, 6, 3, 4, 1, 2]),
            (5, 3, 2, [1, 3, 5, 2, 4, 6]),
            (6, 3, 2, [2, 4, 6, 1, 3, 5]),
            (7, 3, 2, [6, 4, 2, 5, 3, 1]),
            (8, 3, 2, [5, 3, 1, 6, 4, 2]),
        ];
        for (orientation, width, height, grey) in stored {
            let picture = Picture::new(width, height, grey.iter().flat_map(|&v| [v; 3]).collect());
            let upright = picture.upright(orientation);
            assert_eq!((upright.dimensions.width, upright.dimensions.height), (2, 3), "orientation {orientation}");
            let seen: Vec<u8> = upright.rgb.iter().step_by(3).copied().collect();
            assert_eq!(seen, [1, 2, 3, 4, 5, 6], "orientation {orientation}");
        }
    }
}

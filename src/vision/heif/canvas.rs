//! A picture that is shrunk while its parts are decoded.

use super::problem::Problem;

/// The largest box whose sum is below 2^32.
const MAX_SHRINK: u32 = 4096;

/// An picture of 8-bit RGB.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rgb {
    pub width: u32,
    pub height: u32,
    /// Rows from the top, three bytes per pixel, no padding.
    pub pixels: Vec<u8>,
}

/// A part of a picture, in pixels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
}

/// The means of square boxes of a window of a picture. Boxes at the right and bottom edges may be smaller.
pub struct Canvas {
    window: Window,
    shrink: usize,
    columns: usize,
    sums: Vec<[u32; 3]>,
}

/// Returns so many equal values.
pub fn filled<T: Clone>(value: T, count: usize) -> Result<Vec<T>, Problem> {
    let mut values = Vec::new();
    values.try_reserve_exact(count).map_err(|_| Problem::Damaged("the picture needs more memory than there is".into()))?;
    values.resize(count, value);
    Ok(values)
}

impl Canvas {
    /// Prepares for a window with at least one pixel. `shrink` is at least 1.
    ///
    /// # Errors
    /// If there is not enough memory for the result.
    pub fn new(window: Window, shrink: u32) -> Result<Canvas, Problem> {
        let shrink = shrink.clamp(1, MAX_SHRINK);
        let (columns, rows) = (window.width.div_ceil(shrink) as usize, window.height.div_ceil(shrink) as usize);
        Ok(Canvas { window, shrink: shrink as usize, columns, sums: filled([0; 3], columns * rows)? })
    }

    /// Adds a part of a row of the picture, three bytes per pixel. Each pixel comes once.
    pub fn add(&mut self, left: u32, y: u32, rgb: &[u8]) {
        let Window { left: start, top, width, height } = self.window;
        if y < top || y - top >= height {
            return;
        }
        let before = start.saturating_sub(left) as usize;
        let at = left.max(start) - start;
        let Some(rgb) = rgb.get(3 * before..).filter(|_| at < width) else { return };
        let mut rgb = &rgb[..rgb.len().min(3 * (width - at) as usize)];
        let row = (y - top) as usize / self.shrink * self.columns;
        let mut column = at as usize / self.shrink;
        let mut in_box = self.shrink - at as usize % self.shrink;
        while !rgb.is_empty() {
            let (part, rest) = rgb.split_at(rgb.len().min(3 * in_box));
            let sums = &mut self.sums[row + column];
            for pixel in part.chunks_exact(3) {
                for (sum, value) in sums.iter_mut().zip(pixel) {
                    *sum += u32::from(*value);
                }
            }
            (rgb, column, in_box) = (rest, column + 1, self.shrink);
        }
    }

    /// Returns the means.
    pub fn finish(self) -> Rgb {
        let (width, height) = (self.window.width as usize, self.window.height as usize);
        let mut pixels = Vec::with_capacity(3 * self.sums.len());
        for (y, row) in self.sums.chunks_exact(self.columns).enumerate() {
            let rows = self.shrink.min(height - y * self.shrink);
            for (x, sums) in row.iter().enumerate() {
                let count = (rows * self.shrink.min(width - x * self.shrink)) as u32;
                pixels.extend(sums.map(|sum| ((u64::from(sum) + u64::from(count / 2)) / u64::from(count)) as u8));
            }
        }
        let rows = self.sums.len() / self.columns;
        Rgb { width: self.columns as u32, height: rows as u32, pixels }
    }
}

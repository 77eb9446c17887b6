//! Shrinking by a whole number while rows arrive.

use blake3::Hash;

/// A picture of 8-bit RGB.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rgb {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Rows from the top, three bytes per pixel, no padding.
    pub pixels: Vec<u8>,
    /// The same in cyan, magenta, yellow and black, four bytes per pixel: 0 is no ink. Empty if the file has other colours.
    pub inks: Vec<u8>,
    /// The hash of width and height, and of all pixels before they are shrunk.
    pub whole: Hash,
}

/// A picture whose pixels are means of square boxes of the original. Boxes at the right and bottom edges are smaller
/// where the size is not a multiple.
pub struct Shrunk {
    shrink: usize,
    /// The bytes of a pixel.
    channels: usize,
    /// Sums of the boxes in the current row of boxes, one of each channel per box.
    sums: Vec<u64>,
    /// The rows in these sums.
    rows: usize,
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

impl Shrunk {
    /// Prepares for a picture of this size in pixels, with 1 to 4 channels. `shrink` is at least 1.
    ///
    /// # Errors
    /// If there is not enough memory for the result.
    pub fn new(width: u32, height: u32, shrink: u32, channels: usize) -> Result<Shrunk, &'static str> {
        // A larger box would not change the result.
        let shrink = shrink.min(width.max(height));
        let (width, height) = (width.div_ceil(shrink), height.div_ceil(shrink));
        let mut pixels = Vec::new();
        let length = usize::try_from(channels as u64 * u64::from(width) * u64::from(height));
        let reserved = length.ok().and_then(|length| pixels.try_reserve_exact(length).ok());
        reserved.ok_or("the picture needs more memory than there is")?;
        let sums = vec![0; channels * width as usize];
        Ok(Shrunk { shrink: shrink as usize, channels, sums, rows: 0, width, height, pixels })
    }

    /// Adds the next row of the original.
    pub fn add(&mut self, row: &[u8]) {
        if self.shrink == 1 {
            self.pixels.extend_from_slice(row);
            return;
        }
        for (part, sums) in row.chunks(self.channels * self.shrink).zip(self.sums.chunks_exact_mut(self.channels)) {
            let mut sum = [0u32; 4];
            for pixel in part.chunks_exact(self.channels) {
                for (sum, value) in sum.iter_mut().zip(pixel) {
                    *sum += u32::from(*value);
                }
            }
            for (total, sum) in sums.iter_mut().zip(sum) {
                *total += u64::from(sum);
            }
        }
        self.rows += 1;
        if self.rows == self.shrink {
            self.end_boxes(row.len() / self.channels);
        }
    }

    /// Returns the picture after the last row. `width` is that of the original, and `whole` the hash of all of it. `inks` is the same
    /// picture in inks.
    pub fn finish(mut self, width: u32, whole: Hash, inks: Option<Shrunk>) -> Rgb {
        self.end(width);
        let inks = inks.map(|mut inks| {
            inks.end(width);
            inks.pixels
        });
        Rgb { width: self.width, height: self.height, pixels: self.pixels, inks: inks.unwrap_or_default(), whole }
    }

    fn end(&mut self, width: u32) {
        if self.rows > 0 {
            self.end_boxes(width as usize);
        }
    }

    /// Appends the means of a row of boxes. `width` is that of the original.
    fn end_boxes(&mut self, width: usize) {
        for (box_at, sums) in self.sums.chunks_exact_mut(self.channels).enumerate() {
            let columns = self.shrink.min(width - box_at * self.shrink);
            let count = (columns * self.rows) as u64;
            self.pixels.extend(sums.iter().map(|sum| ((sum + count / 2) / count) as u8));
            sums.fill(0);
        }
        self.rows = 0;
    }
}

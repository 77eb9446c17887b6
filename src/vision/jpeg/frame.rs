//! The frame: its components, their DC coefficients, and the picture that results.

use std::ops::RangeInclusive;

use super::Error;
use super::detail::Spectrum;
use super::scan::Tables;
use blake3::Hasher;

use crate::photo::{Dimensions, Picture, PixelHash, stored_position};

/// More bits than a scan can leave out.
const UNREAD: u8 = u8::MAX;

/// A colour channel.
pub struct Component {
    pub id: u8,
    /// Horizontal and vertical sampling factors.
    pub h: usize,
    pub v: usize,
    pub quantisation: usize,
    /// Blocks that cover the picture. A scan of this component alone holds exactly these.
    pub blocks_wide: usize,
    pub blocks_high: usize,
    /// Blocks in a row of `dc`: whole MCUs.
    pub stride: usize,
    pub dc: Vec<i16>,
    /// Whether the first scan of its DC values has been read.
    pub is_read: bool,
    /// How many of the lowest bits of each coefficient no scan has brought yet, in zigzag order. [`UNREAD`] for those of which
    /// none has come.
    pub missing_bits: [u8; 64],
}

pub struct Frame {
    pub is_progressive: bool,
    width: usize,
    height: usize,
    pub mcus_wide: usize,
    pub mcus_high: usize,
    pub components: Vec<Component>,
    /// Of the first component.
    pub spectrum: Spectrum,
}

impl Component {
    /// Records a scan of some coefficients, whose bits `high` to `low` it brings. A refinement counts only after the scans before
    /// it.
    pub fn add_scan(&mut self, coefficients: RangeInclusive<u8>, high: u8, low: u8) {
        for k in coefficients {
            if let Some(missing) = self.missing_bits.get_mut(usize::from(k))
                && (high == 0 || *missing == high)
            {
                *missing = low;
            }
        }
    }
}

impl Frame {
    pub fn read(marker: u8, body: &[u8]) -> Result<Frame, Error> {
        match marker {
            0xc0..=0xc2 => {}
            0xc3 | 0xc7 | 0xcb | 0xcf => return Err(Error::Refused("lossless JPEG")),
            0xc5 | 0xc6 => return Err(Error::Refused("hierarchical JPEG")),
            _ => return Err(Error::Refused("JPEG with arithmetic coding")),
        }
        let [precision, h1, h0, w1, w0, count, specifications @ ..] = body else {
            return Err(Error::Broken("the frame header is cut short"));
        };
        if *precision != 8 {
            return Err(Error::Refused("JPEG of more than 8 bits"));
        }
        if !matches!(count, 1 | 3) {
            return Err(Error::Unsuited("a JPEG of four channels"));
        }
        let (width, height) = (usize::from(u16::from_be_bytes([*w1, *w0])), usize::from(u16::from_be_bytes([*h1, *h0])));
        if width == 0 || height == 0 {
            return Err(Error::Unsuited("a JPEG without a height"));
        }
        let specifications: Vec<[u8; 3]> = specifications.chunks_exact(3).map(|c| [c[0], c[1], c[2]]).collect();
        if specifications.len() < usize::from(*count) {
            return Err(Error::Broken("the frame header is cut short"));
        }
        let factors = |s: &[u8; 3]| (usize::from(s[1] >> 4), usize::from(s[1] & 15));
        let (mut h_max, mut v_max) = (1, 1);
        for s in &specifications {
            let (h, v) = factors(s);
            if !(1..=4).contains(&h) || !(1..=4).contains(&v) || s[2] > 3 {
                return Err(Error::Broken("the frame header makes no sense"));
            }
            (h_max, v_max) = (h_max.max(h), v_max.max(v));
        }
        let (mcus_wide, mcus_high) = (width.div_ceil(8 * h_max), height.div_ceil(8 * v_max));
        let components = specifications
            .iter()
            .take(usize::from(*count))
            .map(|s| {
                let (h, v) = factors(s);
                let stride = mcus_wide * h;
                Component {
                    id: s[0],
                    h,
                    v,
                    quantisation: usize::from(s[2]),
                    blocks_wide: (width * h).div_ceil(8 * h_max),
                    blocks_high: (height * v).div_ceil(8 * v_max),
                    stride,
                    dc: vec![0; stride * mcus_high * v],
                    is_read: false,
                    missing_bits: [UNREAD; 64],
                }
            })
            .collect();
        Ok(Frame { is_progressive: marker == 0xc2, width, height, mcus_wide, mcus_high, components, spectrum: Spectrum::default() })
    }

    pub fn has_every_component(&self) -> bool {
        self.components.iter().all(|c| c.is_read)
    }

    /// Whether the rest of the file cannot change the picture. A progressive file is still read to its end, to check
    /// that it is complete.
    pub fn is_complete(&self) -> bool {
        !self.is_progressive && self.has_every_component()
    }

    /// Hashes the quantised DC values upright, with the quantisation tables, which differ among the qualities of one picture.
    /// A lossless turn puts the blocks elsewhere and leaves each mean as it is. The blocks that fill the last MCUs beyond the
    /// picture are left out: programs fill them in different ways. `None` for a progressive file without all of its scans: it
    /// shows a coarse picture, with the means of the whole one.
    pub fn pixel_hash(&self, tables: &Tables, adobe_transform: Option<u8>, orientation: u8) -> Option<PixelHash> {
        if self.components.iter().any(|c| c.missing_bits != [0; 64]) {
            return None;
        }
        let upright = |width: usize, height: usize| Dimensions { width: width as u32, height: height as u32 }.oriented(orientation);
        let stored = stored_position(orientation);
        let mut hasher = Hasher::new();
        let picture = upright(self.width, self.height);
        hasher.update(&numbers(&[picture.width, picture.height, self.is_rgb(adobe_transform).into()]));
        for c in &self.components {
            let (sampling, blocks) = (upright(c.h, c.v), upright(c.blocks_wide, c.blocks_high));
            hasher.update(&numbers(&[sampling.width, sampling.height]));
            hasher.update(&numbers(&upright_steps(tables.steps(c.quantisation), orientation).map(u32::from)));
            let mut row = Vec::with_capacity(2 * blocks.width as usize);
            for y in 0..blocks.height as usize {
                row.clear();
                for x in 0..blocks.width as usize {
                    let (x, y) = stored(x, y, c.blocks_wide, c.blocks_high);
                    row.extend(c.dc[y * c.stride + x].to_le_bytes());
                }
                hasher.update(&row);
            }
        }
        Some(PixelHash(hasher.finalize().into()))
    }

    fn is_rgb(&self, adobe_transform: Option<u8>) -> bool {
        adobe_transform == Some(0) || (adobe_transform.is_none() && self.components.iter().map(|c| c.id).eq(*b"RGB"))
    }

    /// Turns DC values into pixels: dequantised, over 8, around 128.
    pub fn into_picture(self, tables: &Tables, adobe_transform: Option<u8>) -> Picture {
        let (width, height) = (self.width.div_ceil(8), self.height.div_ceil(8));
        let (h_max, v_max) = self.components.iter().fold((1, 1), |(h, v), c| (h.max(c.h), v.max(c.v)));
        let planes: Vec<Vec<u8>> = self
            .components
            .iter()
            .map(|c| {
                let step = i32::from(tables.steps(c.quantisation)[0]);
                c.dc.iter().map(|&dc| (((i32::from(dc) * step + 4) >> 3) + 128).clamp(0, 255) as u8).collect()
            })
            .collect();
        let is_rgb = self.is_rgb(adobe_transform);
        let mut rgb = Vec::with_capacity(3 * width * height);
        for y in 0..height {
            let row = |i: usize| {
                let c = &self.components[i];
                let at = (y * c.v / v_max) * c.stride;
                &planes[i][at..at + c.stride]
            };
            if self.components.len() == 1 {
                rgb.extend(row(0)[..width].iter().flat_map(|&v| [v; 3]));
                continue;
            }
            let rows = [row(0), row(1), row(2)];
            let factors = [self.components[0].h, self.components[1].h, self.components[2].h];
            for x in 0..width {
                let [a, b, c] = std::array::from_fn(|i| rows[i][x * factors[i] / h_max]);
                rgb.extend(if is_rgb { [a, b, c] } else { from_ycc(a, b, c) });
            }
        }
        Picture::new(width as u32, height as u32, rgb)
    }
}

/// Undoes an orientation in a quantisation table. Turned by a quarter, rows are columns: a diagonal of the zigzag order is
/// reversed.
fn upright_steps(steps: &[u16; 64], orientation: u8) -> [u16; 64] {
    let mut upright = *steps;
    if (5..=8).contains(&orientation) {
        let mut rest = &mut upright[..];
        for diagonal in (1..=8).chain((1..8).rev()) {
            let (cells, after) = rest.split_at_mut(diagonal);
            cells.reverse();
            rest = after;
        }
    }
    upright
}

/// Returns the bytes of numbers, to hash them.
fn numbers(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// JFIF's YCbCr to RGB, in 16-bit fixed point.
fn from_ycc(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = (i32::from(y) << 16, i32::from(cb) - 128, i32::from(cr) - 128);
    let half = 1 << 15;
    [y + 91_881 * cr, y - 22_554 * cb - 46_802 * cr, y + 116_130 * cb].map(|v| ((v + half) >> 16).clamp(0, 255) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turned_table_has_its_rows_and_columns_exchanged() {
        // In zigzag order 1 is (0, 1), 2 is (1, 0), 3 is (2, 0), 5 is (0, 2), and 62 is (6, 7) or (7, 6).
        let steps: [u16; 64] = std::array::from_fn(|k| k as u16);
        let turned = upright_steps(&steps, 6);
        assert_eq!(turned[..6], [0, 2, 1, 5, 4, 3]);
        assert_eq!(turned[61..], [62, 61, 63]);
        assert_eq!(upright_steps(&turned, 8), steps);
        assert_eq!(upright_steps(&steps, 3), steps);
    }
}

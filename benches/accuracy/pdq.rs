//! PDQ, Meta's perceptual hash for photos, from its description ("The TMK+PDQF Video-Hashing Algorithm and the PDQ
//! Image-Hashing Algorithm", 2019). The brightness is blurred by two passes of a box filter and sampled at 64 × 64. The
//! bits tell which of its 16 × 16 lowest cosine coefficients, without the constant, are above their median. Hashes of
//! all eight orientations also find turned and mirrored pictures.

use std::f32::consts::PI;

use similard::photo::Picture;

const SIDE: usize = 64;
const WAVES: usize = 16;

/// 256 bits.
pub type Hash = [u64; 4];

/// The hash of a picture and of its seven turned and mirrored forms.
pub struct Pdq {
    forms: [Hash; 8],
}

impl Pdq {
    pub fn new(picture: &Picture) -> Pdq {
        let samples = sampled(picture);
        let forms = std::array::from_fn(|form| {
            hash(&std::array::from_fn(|i| {
                let (mut y, mut x) = (i / SIDE, i % SIDE);
                if form & 4 != 0 {
                    (x, y) = (y, x);
                }
                if form & 1 != 0 {
                    x = SIDE - 1 - x;
                }
                if form & 2 != 0 {
                    y = SIDE - 1 - y;
                }
                samples[y * SIDE + x]
            }))
        });
        Pdq { forms }
    }

    /// The number of differing bits, of 256, for the best of the eight orientations.
    pub fn distance(&self, other: &Pdq) -> u32 {
        let bits = |a: &Hash, b: &Hash| a.iter().zip(b).map(|(x, y)| (x ^ y).count_ones()).sum();
        other.forms.iter().map(|form| bits(&self.forms[0], form)).min().unwrap_or(256)
    }
}

fn sampled(picture: &Picture) -> [f32; SIDE * SIDE] {
    let (w, h) = (picture.dimensions.width as usize, picture.dimensions.height as usize);
    let mut luma: Vec<f32> =
        picture.rgb.chunks_exact(3).map(|p| 0.299 * f32::from(p[0]) + 0.587 * f32::from(p[1]) + 0.114 * f32::from(p[2])).collect();
    for _ in 0..2 {
        let rows: Vec<f32> = (0..h).flat_map(|y| boxed(&luma[y * w..(y + 1) * w])).collect();
        let columns: Vec<Vec<f32>> = (0..w).map(|x| boxed(&(0..h).map(|y| rows[y * w + x]).collect::<Vec<_>>())).collect();
        luma = (0..h).flat_map(|y| columns.iter().map(move |column| column[y])).collect();
    }
    std::array::from_fn(|i| {
        let at = |place: usize, side: usize| ((place as f32 + 0.5) * side as f32 / SIDE as f32) as usize;
        luma[at(i / SIDE, h) * w + at(i % SIDE, w)]
    })
}

/// The means over a window of a 128th of the line, rounded up.
fn boxed(line: &[f32]) -> Vec<f32> {
    let window = line.len().div_ceil(2 * SIDE);
    let before = window.div_ceil(2) - 1;
    (0..line.len())
        .map(|i| {
            let part = &line[i.saturating_sub(window - 1 - before)..(i + before + 1).min(line.len())];
            part.iter().sum::<f32>() / part.len() as f32
        })
        .collect()
}

fn hash(samples: &[f32; SIDE * SIDE]) -> Hash {
    let wave = |k: usize, i: usize| (PI / (2 * SIDE) as f32 * ((k + 1) * (2 * i + 1)) as f32).cos();
    let table: Vec<f32> = (0..WAVES * SIDE).map(|n| wave(n / SIDE, n % SIDE)).collect();
    let row = |k: usize| &table[k * SIDE..(k + 1) * SIDE];
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    let half: Vec<f32> = (0..SIDE * WAVES).map(|n| dot(&samples[n / WAVES * SIDE..(n / WAVES + 1) * SIDE], row(n % WAVES))).collect();
    let column = |l: usize| (0..SIDE).map(|y| half[y * WAVES + l]).collect::<Vec<f32>>();
    let columns: Vec<Vec<f32>> = (0..WAVES).map(column).collect();
    let cosines: Vec<f32> = (0..WAVES * WAVES).map(|n| dot(&columns[n % WAVES], row(n / WAVES))).collect();
    let mut sorted = cosines.clone();
    sorted.sort_unstable_by(f32::total_cmp);
    let median = sorted[(WAVES * WAVES - 1) / 2];
    let mut hash = [0; 4];
    for (bit, _) in cosines.iter().enumerate().filter(|(_, c)| **c > median) {
        hash[bit / 64] |= 1 << (bit % 64);
    }
    hash
}

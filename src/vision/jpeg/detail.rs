//! Detail: how much of its resolution a picture uses. What was enlarged has no finer structure than before, and its blocks hold
//! next to nothing in the upper frequencies.

/// Blocks whose coefficients are read. They are spread over the picture.
const MAX_BLOCKS: usize = 4096;

/// Up to a frequency with less than this share of the structure in the lowest one, a picture is detailed.
const MIN_SHARE: f64 = 0.2;

/// With less structure than this a picture is plain, and nothing is known of its detail.
const MIN_ENERGY: f64 = 1.0;

/// The frequency of each coefficient in zigzag order: the larger of the one across and the one down.
const FREQUENCIES: [u8; 64] = frequencies();

const fn frequencies() -> [u8; 64] {
    let mut frequencies = [0; 64];
    let (mut k, mut diagonal) = (0, 0_u8);
    while diagonal < 15 {
        let mut across = if diagonal < 8 { 0 } else { diagonal - 7 };
        while across <= diagonal && across < 8 {
            let down = diagonal - across;
            frequencies[k] = if across > down { across } else { down };
            k += 1;
            across += 1;
        }
        diagonal += 1;
    }
    frequencies
}

/// Which blocks are read.
pub struct Sampling {
    step: usize,
    /// Blocks that come before the next one.
    left: usize,
}

impl Sampling {
    /// Spreads the blocks that are read over `blocks`. The step is odd, because pictures repeat themselves in even ones.
    pub fn of(blocks: usize) -> Sampling {
        let step = (blocks / MAX_BLOCKS) | 1;
        Sampling { step, left: step / 2 }
    }

    /// Whether the next block is read.
    #[inline(always)]
    pub fn takes_next(&mut self) -> bool {
        let is_taken = self.left == 0;
        self.left = if is_taken { self.step } else { self.left } - 1;
        is_taken
    }
}

/// The sums of the squares of coefficients by their frequency.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spectrum {
    squares: [f64; 8],
    blocks: u32,
}

impl Spectrum {
    /// Adds a block: its coefficients, which are not zero, with their places in zigzag order and the quantiser steps.
    pub fn add(&mut self, coefficients: &[(u8, i16)], steps: &[u16; 64]) {
        self.blocks += 1;
        for (k, value) in coefficients {
            let k = usize::from(*k);
            self.squares[usize::from(FREQUENCIES[k])] += (f64::from(*value) * f64::from(steps[k])).powi(2);
        }
    }

    /// Returns the share of its width and height that a picture needs for all of its detail: 1 if it uses all of its
    /// resolution. `None` if no block was read, or if it is plain.
    pub fn detail(&self) -> Option<f64> {
        // The mean square falls with the square of the frequency where structure is of all sizes.
        let structure = |frequency: usize| {
            let coefficients = (2 * frequency + 1) as f64 * f64::from(self.blocks);
            self.squares[frequency] / coefficients * (frequency * frequency) as f64
        };
        let least = MIN_SHARE * structure(1);
        if self.blocks == 0 || structure(1) < MIN_ENERGY {
            return None;
        }
        let Some(end) = (2..8).find(|frequency| structure(*frequency) < least) else { return Some(1.0) };
        let [above, below] = [end - 1, end].map(|frequency| structure(frequency).max(1e-3 * least).ln());
        let between = (above - least.ln()) / (above - below);
        Some(((end - 1) as f64 + between) / 8.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zigzag_order_ends_in_the_highest_frequency() {
        assert_eq!(FREQUENCIES[..10], [0, 1, 1, 2, 1, 2, 3, 2, 2, 3]);
        assert_eq!(FREQUENCIES[61..], [7, 7, 7]);
        assert_eq!((1..8).map(|f| FREQUENCIES.iter().filter(|of| **of == f).count()).collect::<Vec<_>>(), [3, 5, 7, 9, 11, 13, 15]);
    }

    #[test]
    fn detail_ends_where_the_structure_falls() {
        // Structure of all sizes up to a frequency.
        let up_to = |highest: u8| {
            let mut spectrum = Spectrum::default();
            let block: Vec<(u8, i16)> = (1..64)
                .filter(|k| FREQUENCIES[usize::from(*k)] <= highest)
                .map(|k| (k, (840 / i16::from(FREQUENCIES[usize::from(k)]))))
                .collect();
            spectrum.add(&block, &[1; 64]);
            spectrum.detail()
        };
        assert_eq!(up_to(7), Some(1.0));
        let half = up_to(4).expect("it has structure");
        assert!((0.5..0.6).contains(&half), "{half}");
        assert!(up_to(2).expect("it has structure") < half);
        assert_eq!(Spectrum::default().detail(), None);
    }

    #[test]
    fn large_pictures_are_sampled() {
        for (blocks, taken) in [(100, 100), (9000, 3000), (375_000, 4121)] {
            let mut sampling = Sampling::of(blocks);
            assert_eq!((0..blocks).filter(|_| sampling.takes_next()).count(), taken, "{blocks}");
        }
    }
}

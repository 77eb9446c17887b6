//! Matrix products of constant weights and pixels, in tiles that stay in registers.

use pulp::Simd;

/// Channels that are computed together: two registers of 256 bits.
pub const LANES: usize = 16;

/// Some channels of one pixel.
pub type Lanes = [f32; LANES];

/// A number of channels, up to whole [`Lanes`].
pub fn whole_lanes(channels: usize) -> usize {
    channels.next_multiple_of(LANES)
}

/// A matrix from the `depth` numbers of a pixel to the outputs, and a bias for each output.
#[derive(Debug)]
pub struct Weights {
    pub outputs: usize,
    pub depth: usize,
    /// `[outputs / LANES, depth]`
    weights: Vec<Lanes>,
    /// `[outputs / LANES]`
    biases: Vec<Lanes>,
}

impl Weights {
    /// From weights `[outputs, depth]` and biases `[outputs]`.
    pub fn new(weights: &[f32], biases: &[f32]) -> Weights {
        let (outputs, depth) = (biases.len(), weights.len() / biases.len());
        let lanes = |first: usize, of: &dyn Fn(usize) -> f32| -> Lanes {
            std::array::from_fn(|lane| if first + lane < outputs { of(first + lane) } else { 0.0 })
        };
        let firsts = (0..outputs).step_by(LANES);
        Weights {
            outputs,
            depth,
            weights: firsts
                .clone()
                .flat_map(|first| (0..depth).map(move |k| lanes(first, &|output| weights[output * depth + k])))
                .collect(),
            biases: firsts.map(|first| lanes(first, &|output| biases[output])).collect(),
        }
    }

    /// The weights of all outputs, `LANES` at a time.
    #[inline(always)]
    pub fn panels(&self) -> impl Iterator<Item = Panel<'_>> {
        self.weights.chunks_exact(self.depth).zip(&self.biases).map(|(weights, biases)| Panel { weights, biases })
    }
}

/// The weights for `LANES` outputs.
pub struct Panel<'a> {
    /// `[depth]`
    weights: &'a [Lanes],
    biases: &'a Lanes,
}

impl Panel<'_> {
    /// Computes the outputs of each pixel and calls `put` with its number. With `RELU6` they are bounded by 0 and 6.
    ///
    /// `pixels` are `[count, pitch]`, of which the first `depth` numbers count.
    #[inline(always)]
    pub fn times<S: Simd, const RELU6: bool>(&self, simd: S, pixels: &[f32], pitch: usize, put: impl FnMut(usize, &Lanes)) {
        // As many sums as fit into the registers beside a weight and a pixel. pulp does not offer registers of 16
        // lanes here.
        match S::F32_LANES {
            8 => self.tiles::<S, RELU6, 6, 2>(simd, pixels, pitch, put),
            4 => self.tiles::<S, RELU6, 3, 4>(simd, pixels, pitch, put),
            _ => self.tiles::<S, RELU6, 1, LANES>(simd, pixels, pitch, put),
        }
    }

    /// `PIXELS` at a time, in `REGISTERS` each. The last tile repeats its last pixel to be full.
    #[inline(always)]
    #[expect(clippy::needless_range_loop, clippy::manual_memcpy, reason = "else the sums are in memory without optimisation")]
    fn tiles<S: Simd, const RELU6: bool, const PIXELS: usize, const REGISTERS: usize>(
        &self,
        simd: S,
        pixels: &[f32],
        pitch: usize,
        mut put: impl FnMut(usize, &Lanes),
    ) {
        let last = pixels.len() / pitch - 1;
        let (biases, _) = S::as_simd_f32s(self.biases);
        for first in (0..=last).step_by(PIXELS) {
            let mut tile: [&[f32]; PIXELS] = [&[]; PIXELS];
            let mut sums = [[simd.splat_f32s(0.0); REGISTERS]; PIXELS];
            for p in 0..PIXELS {
                tile[p] = &pixels[(first + p).min(last) * pitch..][..self.weights.len()];
                for r in 0..REGISTERS {
                    sums[p][r] = biases[r];
                }
            }
            for k in 0..self.weights.len() {
                let (weights, _) = S::as_simd_f32s(&self.weights[k]);
                for p in 0..PIXELS {
                    let number = simd.splat_f32s(tile[p][k]);
                    for r in 0..REGISTERS {
                        sums[p][r] = simd.mul_add_e_f32s(weights[r], number, sums[p][r]);
                    }
                }
            }
            for p in 0..PIXELS.min(last + 1 - first) {
                let mut lanes = [0.0; LANES];
                let (registers, _) = S::as_mut_simd_f32s(&mut lanes);
                for r in 0..REGISTERS {
                    registers[r] = if RELU6 { relu6(simd, sums[p][r]) } else { sums[p][r] };
                }
                put(first + p, &lanes);
            }
        }
    }
}

/// Numbers bounded by 0 and 6.
#[inline(always)]
pub fn relu6<S: Simd>(simd: S, numbers: S::f32s) -> S::f32s {
    simd.min_f32s(simd.max_f32s(numbers, simd.splat_f32s(0.0)), simd.splat_f32s(6.0))
}

#[cfg(test)]
mod tests {
    use pulp::{Arch, Scalar, WithSimd};

    use super::*;

    struct Run<'a> {
        weights: &'a Weights,
        pixels: &'a [f32],
        pitch: usize,
        output: Vec<f32>,
    }

    impl WithSimd for Run<'_> {
        type Output = Vec<f32>;

        #[inline(always)]
        fn with_simd<S: Simd>(mut self, simd: S) -> Vec<f32> {
            let wide = whole_lanes(self.weights.outputs);
            for (i, panel) in self.weights.panels().enumerate() {
                let put = |pixel: usize, numbers: &Lanes| self.output[pixel * wide + i * LANES..][..LANES].copy_from_slice(numbers);
                panel.times::<S, true>(simd, self.pixels, self.pitch, put);
            }
            self.output
        }
    }

    #[test]
    fn it_gives_what_the_definition_gives() {
        let mut random = fastrand::Rng::with_seed(4);
        for (count, depth, outputs) in [(1, 1, 1), (5, 3, 16), (12, 27, 32), (13, 40, 17), (64, 7, 24)] {
            let mut numbers = |count: usize| (0..count).map(|_| 3.0 * random.f32() - 1.0).collect::<Vec<f32>>();
            let (wide, pitch) = (whole_lanes(outputs), depth + 2);
            let (pixels, weights, biases) = (numbers(count * pitch), numbers(outputs * depth), numbers(outputs));
            let ours = Weights::new(&weights, &biases);
            let run = || Run { weights: &ours, pixels: &pixels, pitch, output: vec![f32::NAN; count * wide] };
            let output = Arch::new().dispatch(run());
            let without_registers = run().with_simd(Scalar::new());
            assert!(output.iter().zip(&without_registers).all(|(x, y)| (x - y).abs() < 1e-4));
            for (place, ours) in output.iter().enumerate() {
                let (pixel, to) = (place / wide, place % wide);
                let sum: f32 = if to < outputs {
                    biases[to] + (0..depth).map(|k| weights[to * depth + k] * pixels[pixel * pitch + k]).sum::<f32>()
                } else {
                    0.0
                };
                assert!((ours - sum.clamp(0.0, 6.0)).abs() < 1e-4, "{count} × {depth} to {outputs}: {ours} is not {sum}");
            }
        }
    }
}

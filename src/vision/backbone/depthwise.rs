//! Depthwise convolutions: a small kernel for each channel.

use pulp::Simd;

use super::product::{LANES, Lanes, relu6};

/// Places in a row that are computed together, so that each weight is loaded once for all.
const COLUMNS_TOGETHER: usize = 4;

/// A depthwise convolution of planes of one size, padded by half the kernel, with outputs bounded by 0 and 6.
#[derive(Debug)]
pub struct Depthwise {
    height: usize,
    width: usize,
    /// 3 or 5.
    kernel: usize,
    /// 1 or 2.
    stride: usize,
    /// `[channels / LANES, kernel, kernel]`
    kernels: Vec<Lanes>,
    /// `[channels / LANES]`
    biases: Vec<Lanes>,
}

impl Depthwise {
    /// From kernels `[channels, kernel, kernel]` and biases `[channels]`. `None` if the kernel is not 3 or 5 or the
    /// stride is not 1 or 2.
    pub fn new((height, width): (usize, usize), stride: usize, kernels: &[f32], biases: &[f32]) -> Option<Depthwise> {
        let channels = biases.len();
        let taps = kernels.len() / channels;
        let kernel = taps.isqrt();
        let lanes = |first: usize, of: &dyn Fn(usize) -> f32| -> Lanes {
            std::array::from_fn(|lane| if first + lane < channels { of(first + lane) } else { 0.0 })
        };
        let firsts = (0..channels).step_by(LANES);
        (matches!(kernel, 3 | 5) && matches!(stride, 1 | 2)).then(|| Depthwise {
            height,
            width,
            kernel,
            stride,
            kernels: firsts
                .clone()
                .flat_map(|first| (0..taps).map(move |tap| lanes(first, &|channel| kernels[channel * taps + tap])))
                .collect(),
            biases: firsts.map(|first| lanes(first, &|channel| biases[channel])).collect(),
        })
    }

    /// Rows and columns of the output.
    pub fn output(&self) -> (usize, usize) {
        (self.height.div_ceil(self.stride), self.width.div_ceil(self.stride))
    }

    /// Lanes in a padded plane, with room to read beyond its end.
    pub fn padded(&self) -> usize {
        (self.height + self.kernel) * self.pitch() + COLUMNS_TOGETHER * self.stride
    }

    /// Where a pixel lies in a padded plane.
    pub fn place(&self, pixel: usize) -> usize {
        let half = self.kernel / 2;
        (pixel / self.width + half) * self.pitch() + pixel % self.width + half
    }

    /// The distance from one row of a padded plane to the next.
    fn pitch(&self) -> usize {
        self.width + self.kernel - 1
    }

    /// Convolves some channels of a padded plane. Calls `put` with the number and the sums of each place.
    #[inline(always)]
    pub fn convolve<S: Simd>(&self, simd: S, lanes: usize, plane: &[Lanes], put: impl FnMut(usize, &Lanes)) {
        match (self.kernel, self.stride) {
            (3, 1) => self.in_registers::<S, 3, 1>(simd, lanes, plane, put),
            (3, _) => self.in_registers::<S, 3, 2>(simd, lanes, plane, put),
            (_, 1) => self.in_registers::<S, 5, 1>(simd, lanes, plane, put),
            _ => self.in_registers::<S, 5, 2>(simd, lanes, plane, put),
        }
    }

    #[inline(always)]
    fn in_registers<S: Simd, const KERNEL: usize, const STRIDE: usize>(
        &self,
        simd: S,
        lanes: usize,
        plane: &[Lanes],
        put: impl FnMut(usize, &Lanes),
    ) {
        match S::F32_LANES {
            8 => self.places::<S, KERNEL, STRIDE, 2>(simd, lanes, plane, put),
            4 => self.places::<S, KERNEL, STRIDE, 4>(simd, lanes, plane, put),
            _ => self.places::<S, KERNEL, STRIDE, LANES>(simd, lanes, plane, put),
        }
    }

    #[inline(always)]
    #[expect(clippy::needless_range_loop, clippy::manual_memcpy, reason = "else the sums are in memory without optimisation")]
    fn places<S: Simd, const KERNEL: usize, const STRIDE: usize, const REGISTERS: usize>(
        &self,
        simd: S,
        lanes: usize,
        plane: &[Lanes],
        mut put: impl FnMut(usize, &Lanes),
    ) {
        let (rows, columns) = self.output();
        let kernel = &self.kernels[lanes * KERNEL * KERNEL..][..KERNEL * KERNEL];
        let (biases, _) = S::as_simd_f32s(&self.biases[lanes]);
        for (y, x) in (0..rows).flat_map(|y| (0..columns).step_by(COLUMNS_TOGETHER).map(move |x| (y, x))) {
            let mut sums = [[simd.splat_f32s(0.0); REGISTERS]; COLUMNS_TOGETHER];
            for i in 0..COLUMNS_TOGETHER {
                for r in 0..REGISTERS {
                    sums[i][r] = biases[r];
                }
            }
            for ky in 0..KERNEL {
                let seen = &plane[(y * STRIDE + ky) * self.pitch() + x * STRIDE..][..(COLUMNS_TOGETHER - 1) * STRIDE + KERNEL];
                for kx in 0..KERNEL {
                    let (weights, _) = S::as_simd_f32s(&kernel[ky * KERNEL + kx]);
                    for i in 0..COLUMNS_TOGETHER {
                        let (numbers, _) = S::as_simd_f32s(&seen[i * STRIDE + kx]);
                        for r in 0..REGISTERS {
                            sums[i][r] = simd.mul_add_e_f32s(weights[r], numbers[r], sums[i][r]);
                        }
                    }
                }
            }
            for i in 0..COLUMNS_TOGETHER.min(columns - x) {
                let mut lanes = [0.0; LANES];
                let (registers, _) = S::as_mut_simd_f32s(&mut lanes);
                for r in 0..REGISTERS {
                    registers[r] = relu6(simd, sums[i][r]);
                }
                put(y * columns + x + i, &lanes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use pulp::{Arch, Scalar, WithSimd};

    use super::*;

    struct Run<'a> {
        depthwise: &'a Depthwise,
        plane: &'a [Lanes],
        output: Vec<Lanes>,
    }

    impl WithSimd for Run<'_> {
        type Output = Vec<Lanes>;

        #[inline(always)]
        fn with_simd<S: Simd>(mut self, simd: S) -> Vec<Lanes> {
            self.depthwise.convolve(simd, 1, self.plane, |place, sums| {
                assert_eq!(place, self.output.len());
                self.output.push(*sums);
            });
            self.output
        }
    }

    #[test]
    fn it_gives_what_the_definition_gives() {
        let mut random = fastrand::Rng::with_seed(3);
        let channels = LANES + 3;
        for (kernel, stride, height, width) in [
            (3, 1, 1, 1),
            (5, 2, 1, 1),
            (3, 1, 4, 4),
            (5, 2, 8, 8),
            (5, 1, 13, 7),
            (3, 2, 13, 7),
            (5, 2, 6, 9),
            (3, 2, 64, 64),
            (5, 2, 65, 33),
        ] {
            let mut numbers = |count: usize| (0..count).map(|_| 3.0 * random.f32() - 1.0).collect::<Vec<f32>>();
            let (input, kernels, biases) = (numbers(3 * height * width), numbers(channels * kernel * kernel), numbers(channels));
            let depthwise = Depthwise::new((height, width), stride, &kernels, &biases).expect("one of ours");
            let mut plane = vec![[0.0; LANES]; depthwise.padded()];
            for (pixel, numbers) in input.chunks_exact(3).enumerate() {
                plane[depthwise.place(pixel)][..3].copy_from_slice(numbers);
            }
            let run = || Run { depthwise: &depthwise, plane: &plane, output: Vec::new() };
            let output = Arch::new().dispatch(run());
            let (rows, columns) = depthwise.output();
            assert_eq!(output.len(), rows * columns);
            let without_registers = run().with_simd(Scalar::new());
            assert_eq!(without_registers.len(), output.len());
            assert!(output.iter().flatten().zip(without_registers.iter().flatten()).all(|(x, y)| (x - y).abs() < 1e-4));
            for (channel, (place, lanes)) in (0..3).flat_map(|channel| output.iter().enumerate().map(move |of| (channel, of))) {
                let mut sum = biases[LANES + channel];
                for (ky, kx) in (0..kernel).flat_map(|ky| (0..kernel).map(move |kx| (ky, kx))) {
                    let (y, x) = (place / columns * stride + ky, place % columns * stride + kx);
                    if (kernel / 2..height + kernel / 2).contains(&y) && (kernel / 2..width + kernel / 2).contains(&x) {
                        let pixel = (y - kernel / 2) * width + x - kernel / 2;
                        sum += input[3 * pixel + channel] * kernels[((LANES + channel) * kernel + ky) * kernel + kx];
                    }
                }
                assert!((lanes[channel] - sum.clamp(0.0, 6.0)).abs() < 1e-4, "{depthwise:?} at {place}");
            }
        }
    }

    #[test]
    fn other_kernels_and_strides_are_not_ours() {
        assert!(Depthwise::new((4, 4), 1, &[0.0; 49], &[0.0]).is_none());
        assert!(Depthwise::new((4, 4), 3, &[0.0; 9], &[0.0]).is_none());
    }
}

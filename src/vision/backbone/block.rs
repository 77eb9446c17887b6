//! An inverted bottleneck, on pictures `[height, width, channels]`.
//!
//! A block widens its input by a matrix product (the first block by the network's first convolution), convolves each
//! channel separately, and narrows the result by another product. The widened picture is never in memory as a whole:
//! a few channels at a time are computed, convolved and stored.

use pulp::{Arch, Simd, WithSimd};

use super::depthwise::Depthwise;
use super::product::{LANES, Weights, whole_lanes};

/// The pixels that make a matrix product worthwhile. Pictures with smaller planes are processed together.
const MIN_PIXELS_ALONE: usize = 192;

/// One block and its weights.
#[derive(Debug)]
pub struct Block {
    /// Channels, height and width of the input.
    pub input: [usize; 3],
    /// Kernel and stride of the widening convolution: 1 and 1 except in the first block.
    pub widening: (usize, usize),
    /// From all channels at `kernel × kernel` places to wide.
    pub widen: Weights,
    pub depthwise: Depthwise,
    /// From wide to narrow.
    pub narrow: Weights,
    /// Whether the input is added to the output.
    pub shortcut: bool,
}

impl Block {
    /// Channels, height and width of the output.
    pub fn output(&self) -> [usize; 3] {
        let (height, width) = self.depthwise.output();
        [self.narrow.outputs, height, width]
    }

    /// Runs the block on any number of pictures.
    pub fn run(&self, pictures: &[f32]) -> Vec<f32> {
        let ([_, height, width], [narrow, rows, columns]) = (self.input, self.output());
        let (from, to) = (height * width * self.pitch(), rows * columns * whole_lanes(narrow));
        let mut outputs = vec![0.0; pictures.len() / from * to];
        let together = (MIN_PIXELS_ALONE / self.plane()).max(1);
        for (pictures, outputs) in pictures.chunks(together * from).zip(outputs.chunks_mut(together * to)) {
            Arch::new().dispatch(Batch { block: self, pictures, outputs });
        }
        outputs
    }

    /// The pixels of a widened picture.
    fn plane(&self) -> usize {
        let ([_, height, width], (_, stride)) = (self.input, self.widening);
        height.div_ceil(stride) * width.div_ceil(stride)
    }

    /// Numbers in a pixel of the input: [whole lanes](whole_lanes) except for the network's own input.
    pub fn pitch(&self) -> usize {
        if self.widening.0 == 1 { whole_lanes(self.input[0]) } else { self.input[0] }
    }

    /// The input of the widening kernel at each place: `[places, kernel × kernel × channels]`.
    #[inline(always)]
    fn seen(&self, pictures: &[f32]) -> Vec<f32> {
        let [channels, height, width] = self.input;
        let (kernel, stride) = self.widening;
        let half = kernel / 2;
        let line = (width + kernel - 1) * channels;
        let mut seen = Vec::with_capacity(pictures.len() / channels / (stride * stride) * self.widen.depth);
        let mut padded = vec![0.0; line * (height + kernel - 1)];
        for picture in pictures.chunks_exact(height * width * channels) {
            for (to, from) in padded.chunks_exact_mut(line).skip(half).zip(picture.chunks_exact(width * channels)) {
                to[half * channels..][..from.len()].copy_from_slice(from);
            }
            for (y, x) in (0..height).step_by(stride).flat_map(|y| (0..width).step_by(stride).map(move |x| (y, x))) {
                for ky in y..y + kernel {
                    seen.extend_from_slice(&padded[ky * line + x * channels..][..kernel * channels]);
                }
            }
        }
        seen
    }
}

/// A block and some pictures for it.
struct Batch<'a> {
    block: &'a Block,
    pictures: &'a [f32],
    outputs: &'a mut [f32],
}

impl WithSimd for Batch<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Batch { block, pictures, outputs } = self;
        let ([_, height, width], (rows, columns)) = (block.input, block.depthwise.output());
        let (plane, padded_plane, wide) = (block.plane(), block.depthwise.padded(), whole_lanes(block.widen.outputs));
        let count = pictures.len() / (height * width * block.pitch());

        let seen;
        let (from, pitch) = if block.widening == (1, 1) {
            (pictures, block.pitch())
        } else {
            seen = block.seen(pictures);
            (&seen[..], block.widen.depth)
        };
        let places: Vec<usize> =
            (0..count * plane).map(|pixel| pixel / plane * padded_plane + block.depthwise.place(pixel % plane)).collect();
        let mut widened = vec![[0.0; LANES]; count * padded_plane];
        let mut convolved = vec![0.0; count * rows * columns * wide];
        for (lanes, panel) in block.widen.panels().enumerate() {
            panel.times::<S, true>(simd, from, pitch, |pixel, numbers| widened[places[pixel]] = *numbers);
            for (padded, convolved) in widened.chunks_exact(padded_plane).zip(convolved.chunks_exact_mut(rows * columns * wide)) {
                block.depthwise.convolve(simd, lanes, padded, |place, numbers| {
                    convolved[place * wide + lanes * LANES..][..LANES].copy_from_slice(numbers);
                });
            }
        }

        let pitch = whole_lanes(block.narrow.outputs);
        for (lanes, panel) in block.narrow.panels().enumerate() {
            panel.times::<S, false>(simd, &convolved, wide, |pixel, numbers| {
                let at = pixel * pitch + lanes * LANES;
                let output = &mut outputs[at..at + LANES];
                output.copy_from_slice(numbers);
                if block.shortcut {
                    output.iter_mut().zip(&pictures[at..at + LANES]).for_each(|(to, from)| *to += from);
                }
            });
        }
    }
}

//! Depthwise convolutions, which take tract half the time of the backbone, done as long runs of
//! multiply-adds over a padded plane.
//!
//! A padded plane lies flat, row behind row, so an output row and the next are one run: what is
//! computed between them, over the padding, is thrown away. A stride of two parts the plane into its
//! four phases (even and odd rows, even and odd columns), over which the stride is one.

use pulp::{Arch, Simd, WithSimd};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::cnn::{Conv, KernelFormat, PaddingSpec};
use tract_onnx::tract_core::ops::nn::DataFormat;

/// Registers of sums that one pass over the taps fills.
const SUMS: usize = 4;

/// More numbers than `SUMS` registers hold on any machine.
const SLACK: usize = 128;

/// Replaces the depthwise convolutions of a network that [`Depthwise`] can do.
///
/// # Errors
/// When tract does not take the change.
pub fn replace(model: &mut TypedModel) -> TractResult<()> {
    for id in 0..model.nodes.len() {
        let node = model.node(id);
        let Some(mut depthwise) = Depthwise::like(model, node)? else { continue };
        let mut last = node;
        if let Some(lowest) = bound(model, node, "Max", 0.0)
            && let Some(highest) = bound(model, lowest, "Min", 6.0)
        {
            (depthwise.relu6, last) = (true, highest);
        }
        let mut patch = TypedModelPatch::default();
        let inputs = patch.taps(model, &node.inputs)?;
        let output = patch.wire_node(&node.name, depthwise, &inputs)?;
        patch.shunt_outside(model, last.id.into(), output[0])?;
        patch.obliterate(node.id)?;
        patch.apply(model)?;
    }
    Ok(())
}

/// The node after another, if it alone follows and bounds each number by a constant.
fn bound<'a>(model: &'a TypedModel, node: &TypedNode, name: &str, by: f32) -> Option<&'a TypedNode> {
    let [successor] = node.outputs[0].successors[..] else { return None };
    let next = model.node(successor.node);
    let constant = model.outlet_fact(*next.inputs.get(1usize.checked_sub(successor.slot)?)?).ok()?.konst.clone()?;
    let is_it = next.op.name() == name && constant.len() == 1 && constant.cast_to_scalar::<f32>().ok()? == by;
    is_it.then_some(next)
}

/// A convolution of each channel with a square kernel of its own, padded by half the kernel.
///
/// Inputs: the picture `[1, channels, height, width]`, the kernels `[channels, 1, kernel, kernel]`, and the
/// biases `[channels]`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Depthwise {
    channels: usize,
    height: usize,
    width: usize,
    kernel: usize,
    stride: usize,
    /// Whether what comes out is bounded by 0 and 6.
    relu6: bool,
}

impl Depthwise {
    /// What does the same as a node, if it is such a convolution.
    fn like(model: &TypedModel, node: &TypedNode) -> TractResult<Option<Depthwise>> {
        let Some(conv) = node.op_as::<Conv>() else { return Ok(None) };
        let spec = &conv.pool_spec;
        let channels = spec.input_channels;
        let [kernel, across] = spec.kernel_shape[..] else { return Ok(None) };
        let (strides, dilations) = (spec.strides(), spec.dilations());
        let half = kernel / 2;
        let padding = PaddingSpec::Explicit(tvec!(half, half), tvec!(half, half));
        let input = model.outlet_fact(node.inputs[0])?;
        let shape = input.shape.as_concrete();
        let fits = conv.group == channels
            && spec.output_channels == channels
            && channels > 1
            && conv.q_params.is_none()
            && conv.kernel_fmt == KernelFormat::OIHW
            && input.datum_type == f32::datum_type()
            && kernel == across
            && kernel % 2 == 1
            && strides[0] == strides[1]
            && strides[0] <= 2
            && dilations.iter().all(|d| *d == 1)
            && spec.padding == padding
            && matches!(spec.data_format, DataFormat::NCHW | DataFormat::CHW)
            && model.outlet_fact(node.inputs[2])?.shape.as_concrete() == Some(&[channels][..]);
        match shape {
            Some(&([1, c, height, width] | [c, height, width])) if fits && c == channels => {
                Ok(Some(Depthwise { channels, height, width, kernel, stride: strides[0], relu6: false }))
            }
            _ => Ok(None),
        }
    }

    /// Rows and columns that come out.
    fn output(&self) -> (usize, usize) {
        (self.height.div_ceil(self.stride), self.width.div_ceil(self.stride))
    }

    fn run(&self, input: &[f32], kernels: &[f32], biases: &[f32]) -> Vec<f32> {
        let (rows, columns) = self.output();
        let mut output = Vec::with_capacity(self.channels * rows * columns);
        let plane = Plane::new(self);
        Arch::new().dispatch(All { depthwise: self, plane, input, kernels, biases, output: &mut output });
        output
    }
}

/// How a padded plane lies.
struct Plane {
    /// Numbers from one row (of a phase) to the next.
    pitch: usize,
    /// From one phase to the next.
    phase: usize,
    /// All phases, and slack to read over the end.
    len: usize,
    /// Where each tap starts.
    taps: Vec<usize>,
}

impl Plane {
    fn new(op: &Depthwise) -> Plane {
        let stride = op.stride;
        let pitch = (op.width + op.kernel - 1).div_ceil(stride);
        let phase = pitch * (op.height + op.kernel - 1).div_ceil(stride);
        let tap = |y: usize, x: usize| (y % stride * stride + x % stride) * phase + y / stride * pitch + x / stride;
        let taps = (0..op.kernel).flat_map(|y| (0..op.kernel).map(move |x| (y, x))).map(|(y, x)| tap(y, x)).collect();
        Plane { pitch, phase, len: stride * stride * phase + SLACK, taps }
    }
}

struct All<'a> {
    depthwise: &'a Depthwise,
    plane: Plane,
    input: &'a [f32],
    kernels: &'a [f32],
    biases: &'a [f32],
    output: &'a mut Vec<f32>,
}

impl WithSimd for All<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let op = self.depthwise;
        let taps = op.kernel * op.kernel;
        let (rows, columns) = op.output();
        let mut padded = vec![0f32; self.plane.len];
        let mut sums = vec![0f32; rows * self.plane.pitch + SLACK];
        let planes = self.input.chunks_exact(op.height * op.width).zip(self.kernels.chunks_exact(taps)).zip(self.biases);
        for ((input, kernel), bias) in planes {
            lay(op, &self.plane, input, &mut padded);
            convolve(simd, &self.plane, &padded, kernel, *bias, &mut sums[..(rows - 1) * self.plane.pitch + columns + SLACK]);
            for row in sums.chunks(self.plane.pitch).take(rows) {
                let row = &row[..columns];
                if op.relu6 {
                    self.output.extend(row.iter().map(|v| v.clamp(0.0, 6.0)));
                } else {
                    self.output.extend_from_slice(row);
                }
            }
        }
    }
}

/// Lays one channel into the middle of its padded plane; the padding stays zero.
#[inline(always)]
fn lay(op: &Depthwise, plane: &Plane, input: &[f32], padded: &mut [f32]) {
    let half = op.kernel / 2;
    for (y, row) in (half..).zip(input.chunks_exact(op.width)) {
        if op.stride == 1 {
            let start = y * plane.pitch + half;
            padded[start..start + op.width].copy_from_slice(row);
        } else {
            let start = (y % 2 * 2) * plane.phase + y / 2 * plane.pitch;
            // Columns of the padded plane: half is the first; even ones go to the first phase of the row.
            let (first, second) = (start + half % 2 * plane.phase + half / 2, start + (half + 1) % 2 * plane.phase + half.div_ceil(2));
            let ones = padded[first..].iter_mut().zip(row.iter().step_by(2));
            ones.for_each(|(to, from)| *to = *from);
            let others = padded[second..].iter_mut().zip(row.iter().skip(1).step_by(2));
            others.for_each(|(to, from)| *to = *from);
        }
    }
}

/// Sums of all taps for one run of outputs, `SLACK` of them for nothing.
#[inline(always)]
fn convolve<S: Simd>(simd: S, plane: &Plane, padded: &[f32], kernel: &[f32], bias: f32, sums: &mut [f32]) {
    let step = SUMS * S::F32_LANES;
    let bias = simd.splat_f32s(bias);
    let wanted = sums.len() - SLACK;
    for (at, to) in (0..wanted).step_by(step).zip(sums.chunks_exact_mut(step)) {
        let mut acc = [bias; SUMS];
        for (&tap, &weight) in plane.taps.iter().zip(kernel) {
            let weight = simd.splat_f32s(weight);
            let (from, _) = S::as_simd_f32s(&padded[tap + at..tap + at + step]);
            for (acc, from) in acc.iter_mut().zip(from) {
                *acc = simd.mul_add_e_f32s(weight, *from, *acc);
            }
        }
        let (to, _) = S::as_mut_simd_f32s(to);
        to.copy_from_slice(&acc);
    }
}

impl Op for Depthwise {
    fn name(&self) -> StaticName {
        "Depthwise".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Depthwise {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let (input, kernels, biases) = args_3!(inputs);
        let of = |tensor: &TValue| -> TractResult<Vec<f32>> { Ok(tensor.try_as_plain_ram()?.as_slice::<f32>()?.to_vec()) };
        let (kernels, biases) = (of(&kernels)?, of(&biases)?);
        let (rows, columns) = self.output();
        let mut shape = TVec::from(input.shape());
        let rank = shape.len();
        shape[rank - 2..].copy_from_slice(&[rows, columns]);
        let output = self.run(input.try_as_plain_ram()?.as_slice::<f32>()?, &kernels, &biases);
        Ok(tvec!(Tensor::from_shape(&shape, &output)?.into()))
    }
}

impl TypedOp for Depthwise {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let (rows, columns) = self.output();
        let mut fact = inputs[0].without_value();
        let rank = fact.rank();
        fact.shape.set(rank - 2, rows.to_dim());
        fact.shape.set(rank - 1, columns.to_dim());
        Ok(tvec!(fact))
    }

    as_op!();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Number by number, as it is defined.
    fn plain(op: &Depthwise, input: &[f32], kernels: &[f32], biases: &[f32]) -> Vec<f32> {
        let (rows, columns) = op.output();
        let half = op.kernel / 2;
        let mut output = Vec::new();
        for (channel, bias) in biases.iter().enumerate() {
            for (y, x) in (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))) {
                let mut sum = f64::from(*bias);
                for (ky, kx) in (0..op.kernel).flat_map(|ky| (0..op.kernel).map(move |kx| (ky, kx))) {
                    let (from_y, from_x) = (y * op.stride + ky, x * op.stride + kx);
                    if (half..op.height + half).contains(&from_y) && (half..op.width + half).contains(&from_x) {
                        let value = input[(channel * op.height + from_y - half) * op.width + from_x - half];
                        sum += f64::from(value) * f64::from(kernels[(channel * op.kernel + ky) * op.kernel + kx]);
                    }
                }
                output.push(if op.relu6 { sum.clamp(0.0, 6.0) as f32 } else { sum as f32 });
            }
        }
        output
    }

    #[test]
    fn it_gives_what_the_definition_gives() {
        let mut random = fastrand::Rng::with_seed(3);
        for kernel in [1, 3, 5, 7] {
            for (stride, height, width) in
                [(1, 1, 1), (2, 1, 1), (1, 4, 4), (2, 8, 8), (1, 13, 7), (2, 13, 7), (2, 6, 9), (1, 64, 64), (2, 65, 33)]
            {
                let op = Depthwise { channels: 3, height, width, kernel, stride, relu6: kernel == 5 };
                let mut numbers = |count: usize| (0..count).map(|_| 3.0 * random.f32() - 1.5).collect::<Vec<f32>>();
                let (input, kernels, biases) = (numbers(3 * height * width), numbers(3 * kernel * kernel), numbers(3));
                let (ours, theirs) = (op.run(&input, &kernels, &biases), plain(&op, &input, &kernels, &biases));
                assert_eq!(ours.len(), theirs.len());
                for (ours, theirs) in ours.iter().zip(&theirs) {
                    assert!((ours - theirs).abs() < 1e-4, "{op:?}: {ours} is not {theirs}");
                }
            }
        }
    }
}

//! The inverted bottlenecks, which are nearly all of the backbone, as one operator for tract. Without it tract takes
//! three times as long.

use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::cast::Cast;
use tract_onnx::tract_core::ops::cnn::{Conv, KernelFormat, PaddingSpec};
use tract_onnx::tract_core::ops::nn::DataFormat;

use super::block::Block;
use super::depthwise::Depthwise;
use super::product::{Weights, whole_lanes};

/// Replaces the inverted bottlenecks that follow the network's input. [`successor`] ensures that nothing else reads
/// values inside a block, so only the last block's output has to be replaced.
///
/// # Errors
/// If tract does not accept the change.
pub fn replace(model: &mut TypedModel) -> TractResult<()> {
    let input = model.input_outlets()?[0];
    let (mut blocks, mut last) = (Vec::new(), input);
    for id in model.eval_order()? {
        if let Some((block, from, to)) = found(model, id)
            && from == last
            && (block.widening == (1, 1) || blocks.is_empty())
        {
            blocks.push(block);
            last = to.into();
        }
    }
    if !blocks.is_empty() {
        let mut patch = TypedModelPatch::default();
        let input = patch.tap_model(model, input)?;
        let output = patch.wire_node("bottlenecks", Bottlenecks(blocks.into()), &[input])?;
        patch.shunt_outside(model, last, output[0])?;
        patch.apply(model)?;
    }
    Ok(())
}

/// A chain of blocks. Inputs and outputs are `[pictures, channels, height, width]`.
#[derive(Clone, Debug)]
struct Bottlenecks(Arc<[Block]>);

impl PartialEq for Bottlenecks {
    fn eq(&self, other: &Bottlenecks) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Bottlenecks {}

impl Bottlenecks {
    /// Channels, height and width of the output.
    fn output(&self) -> [usize; 3] {
        self.0[self.0.len() - 1].output()
    }
}

impl Op for Bottlenecks {
    fn name(&self) -> StaticName {
        "Bottlenecks".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Bottlenecks {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let input = args_1!(inputs);
        let [channels, height, width] = self.output();
        let shape = [input.shape()[0], channels, height, width];
        let pictures = to_pixels(input.try_as_plain_ram()?.as_slice::<f32>()?, &self.0[0]);
        let pixels = self.0.iter().fold(pictures, |pictures, block| block.run(&pictures));
        Ok(tvec!(Tensor::from_shape(&shape, &to_planes(&pixels, channels, height * width))?.into()))
    }
}

/// Converts pictures from `[channels, height, width]` to `[height, width, pitch]`, the layout of a block.
fn to_pixels(pictures: &[f32], block: &Block) -> Vec<f32> {
    let [channels, height, width] = block.input;
    let (plane, pitch) = (height * width, block.pitch());
    let mut pixels = vec![0.0; pictures.len() / channels * pitch];
    for (picture, pixels) in pictures.chunks_exact(channels * plane).zip(pixels.chunks_exact_mut(plane * pitch)) {
        for (channel, numbers) in picture.chunks_exact(plane).enumerate() {
            pixels.iter_mut().skip(channel).step_by(pitch).zip(numbers).for_each(|(to, from)| *to = *from);
        }
    }
    pixels
}

/// Converts the output of a block to `[channels, height, width]`.
fn to_planes(pixels: &[f32], channels: usize, plane: usize) -> Vec<f32> {
    let pitch = whole_lanes(channels);
    let of = |picture: &'_ [f32], channel| picture.iter().skip(channel).step_by(pitch).copied().collect::<Vec<f32>>();
    pixels.chunks_exact(plane * pitch).flat_map(|picture| (0..channels).flat_map(move |channel| of(picture, channel))).collect()
}

impl TypedOp for Bottlenecks {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let mut fact = inputs[0].without_value();
        for (axis, size) in (1..).zip(self.output()) {
            fact.shape.set(axis, size.to_dim());
        }
        Ok(tvec!(fact))
    }

    as_op!();
}

/// The block around the depthwise convolution of a node, its input, and its last node.
fn found(model: &TypedModel, id: usize) -> Option<(Block, OutletId, usize)> {
    let depthwise = Convolution::of(model, id).filter(|c| c.group == c.channels.0 && c.group == c.channels.1)?;
    let widen = Convolution::of(model, unbounded(model, model.node(id).inputs[0].node)?)
        .filter(|c| c.group == 1 && (c.kernel > 1 || c.stride == 1))?;
    let after = bound(model, bound(model, id, "Max", 0.0)?, "Min", 6.0)?;
    let narrow = Convolution::of(model, successor(model, after)?).filter(|c| c.group == 1 && c.kernel == 1 && c.stride == 1)?;
    let is_added = |next: &usize| model.node(*next).op().name() == "Add" && model.node(*next).inputs.contains(&widen.input);
    let added = successor(model, narrow.id).filter(|next| widen.kernel == 1 && is_added(next));
    let plane = (widen.input_shape[1].div_ceil(widen.stride), widen.input_shape[2].div_ceil(widen.stride));
    let block = Block {
        input: widen.input_shape,
        widening: (widen.kernel, widen.stride),
        widen: Weights::new(&widen.by_place(), &widen.biases),
        depthwise: Depthwise::new(plane, depthwise.stride, &depthwise.weights, &depthwise.biases)?,
        narrow: Weights::new(&narrow.weights, &narrow.biases),
        shortcut: added.is_some(),
    };
    (!block.shortcut || block.output() == block.input).then(|| (block, widen.input, added.unwrap_or(narrow.id)))
}

/// A convolution with constant weights and a square odd kernel, padded by half of it.
struct Convolution {
    id: usize,
    input: OutletId,
    /// Channels, height and width.
    input_shape: [usize; 3],
    channels: (usize, usize),
    group: usize,
    kernel: usize,
    stride: usize,
    /// `[outputs, channels / group, kernel, kernel]`
    weights: Vec<f32>,
    biases: Vec<f32>,
}

impl Convolution {
    fn of(model: &TypedModel, id: usize) -> Option<Convolution> {
        let node = model.node(id);
        let conv = node.op_as::<Conv>()?;
        let spec = &conv.pool_spec;
        let [kernel, across] = spec.kernel_shape[..] else { return None };
        let strides = spec.strides();
        let half = kernel / 2;
        let input = model.outlet_fact(node.inputs[0]).ok()?;
        let axis = |axis: usize| input.shape.get(axis)?.to_usize().ok();
        let fits = conv.q_params.is_none()
            && conv.kernel_fmt == KernelFormat::OIHW
            && input.datum_type == f32::datum_type()
            && kernel == across
            && kernel % 2 == 1
            && strides[0] == strides[1]
            && spec.dilations().iter().all(|d| *d == 1)
            && spec.padding == PaddingSpec::Explicit(tvec!(half, half), tvec!(half, half))
            && spec.data_format == DataFormat::NCHW;
        let biases = constant(model, node.inputs[2])?;
        (fits && biases.len() == spec.output_channels).then_some(())?;
        Some(Convolution {
            id,
            input: node.inputs[0],
            input_shape: [axis(1)?, axis(2)?, axis(3)?],
            channels: (spec.input_channels, spec.output_channels),
            group: conv.group,
            kernel,
            stride: strides[0],
            weights: constant(model, node.inputs[1])?,
            biases,
        })
    }

    /// The weights with channels last: `[outputs, kernel, kernel, channels]`.
    fn by_place(&self) -> Vec<f32> {
        let (channels, places) = (self.channels.0, self.kernel * self.kernel);
        let of = |output: &'_ [f32], place| output.iter().skip(place).step_by(places).copied().collect::<Vec<f32>>();
        self.weights.chunks_exact(channels * places).flat_map(|output| (0..places).flat_map(move |place| of(output, place))).collect()
    }
}

/// The numbers of a constant, also behind a cast.
fn constant(model: &TypedModel, outlet: OutletId) -> Option<Vec<f32>> {
    let node = model.node(outlet.node);
    match &model.outlet_fact(outlet).ok()?.konst {
        Some(tensor) => Some(tensor.cast_to::<f32>().ok()?.try_as_plain_ram().ok()?.as_slice::<f32>().ok()?.to_vec()),
        None if node.op_is::<Cast>() => constant(model, node.inputs[0]),
        None => None,
    }
}

/// The only node that reads the output of another. `None` if several do.
fn successor(model: &TypedModel, id: usize) -> Option<usize> {
    let [successor] = model.node(id).outputs[0].successors[..] else { return None };
    Some(successor.node)
}

/// The only node that follows another, if it bounds each number by a constant.
fn bound(model: &TypedModel, id: usize, name: &str, by: f32) -> Option<usize> {
    let next = successor(model, id)?;
    let node = model.node(next);
    let other = node.inputs.iter().find(|input| input.node != id)?;
    (node.op().name() == name && constant(model, *other)? == [by]).then_some(next)
}

/// The node whose output is bounded by 0 and 6 and not read by anything else.
fn unbounded(model: &TypedModel, highest: usize) -> Option<usize> {
    let lowest = model.node(highest).inputs.first()?.node;
    let id = model.node(lowest).inputs.first()?.node;
    (bound(model, id, "Max", 0.0)? == lowest && bound(model, lowest, "Min", 6.0)? == highest && successor(model, highest).is_some())
        .then_some(id)
}

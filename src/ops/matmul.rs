//! Matrix products: how the kernels of linear, which 1x1 convolutions share, are dispatched, and which variant
//! of a product suits a device. No operator of its own.

use super::elementwise::Function;
use super::program::{Activation, Dispatch, Kernel, Program, TensorId, kernel, quads, weight_rows};
use super::reduce::{MAX_TERMS, Parts, splits, sum_pixels};
use super::weight::WeightShape;
use super::{Backward, Forward};
use crate::gpu::Capabilities;

/// How a product is tiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variant {
    /// Register tiles shared through a subgroup of this many lanes.
    Subgroup(usize),
    /// Tiles in workgroup memory.
    Tiled,
}

impl Variant {
    /// The variant for a device. A processor that stands in for a GPU emulates barriers and workgroup memory
    /// dearly, while a broadcast costs it nothing; a GPU is the other way round.
    pub fn choose(capabilities: &Capabilities) -> Self {
        match capabilities.subgroup_size {
            Some(lanes @ 8..) if capabilities.software => Self::Subgroup(lanes as usize),
            _ => Self::Tiled,
        }
    }

    /// The one of two kernels that is of this variant.
    pub fn kernel(self, subgroup: Kernel, tiled: Kernel) -> Kernel {
        match self {
            Self::Subgroup(_) => subgroup,
            Self::Tiled => tiled,
        }
    }

    /// A dispatch of that kernel, told how many lanes a subgroup has.
    pub fn dispatch(self, layer: &str, subgroup: Kernel, tiled: Kernel) -> Dispatch {
        let dispatch = Dispatch::new(layer, self.kernel(subgroup, tiled));
        match self {
            Self::Subgroup(lanes) => dispatch.size("LANES", lanes),
            Self::Tiled => dispatch,
        }
    }

    /// How many workgroups a forward product of `rows` by `columns` quads has.
    pub fn tiles(self, rows: usize, columns: usize) -> usize {
        match self {
            Self::Subgroup(lanes) => rows.div_ceil(16) * columns.div_ceil(lanes),
            Self::Tiled => rows.div_ceil(64) * columns.div_ceil(16),
        }
    }

    /// How many workgroups a gradient to a weight of `row_quads` by `columns` quads has.
    pub fn weight_tiles(self, row_quads: usize, columns: usize) -> usize {
        match self {
            Self::Subgroup(lanes) => row_quads.div_ceil(4) * columns.div_ceil(lanes),
            Self::Tiled => row_quads.div_ceil(16) * columns.div_ceil(16),
        }
    }

    /// How many workgroups keep a device busy: a few for each core of a processor; on a GPU of
    /// unknown width, about four for each of 128 units.
    pub fn workgroups_wanted(self) -> usize {
        match self {
            Self::Subgroup(_) => 16,
            Self::Tiled => 512,
        }
    }
}

/// The matrices of a layer: `rows` by `inputs` on one side, `rows` by `outputs` on the other.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    /// Samples, or pixels.
    rows: usize,
    /// Columns of the input's matrix.
    inputs: usize,
    /// Columns of the output's matrix.
    outputs: usize,
}

impl Sizes {
    fn flops(self) -> u64 {
        2 * (self.rows * self.inputs * self.outputs) as u64
    }
}

/// Appends `output = activation(input · weight + bias)`, for each pixel.
fn forward(
    program: &mut Program,
    capabilities: &Capabilities,
    layer: &str,
    [input, output]: [Activation; 2],
    weight: TensorId,
    bias: Option<TensorId>,
    activation: Option<&Function>,
) {
    let variant = Variant::choose(capabilities);
    let sizes = Sizes { rows: output.pixels(), inputs: input.shape.channels, outputs: output.shape.channels };
    let out_q = quads(sizes.outputs);
    let tiles = variant.tiles(sizes.rows, out_q);
    let terms = quads(sizes.inputs);
    // A part is whole steps of the tiled kernel, which takes four quads at a time.
    let span = terms.div_ceil(splits(terms, 32, tiles, variant.workgroups_wanted())).next_multiple_of(4);
    let splits = terms.div_ceil(span);
    let parts = Parts::of_activation(program, layer, output, splits, activation);
    let dispatch = variant
        .dispatch(layer, kernel!("linear/forward_subgroup"), kernel!("linear/forward_tiled"))
        .size("IN_C", sizes.inputs)
        .size("OUT_C", sizes.outputs)
        .size("BIAS", bias.is_some().into())
        .read(input.tensor)
        .read(weight)
        // Something must be bound; without a bias it is not read.
        .read(bias.unwrap_or(weight));
    let dispatch = parts
        .written_by(dispatch)
        .uniform(sizes.rows as u32)
        .uniform(span as u32)
        .groups(tiles)
        .layers(splits)
        .flops(sizes.flops());
    program.push(dispatch);
    parts.finish(program, layer);
}

/// Appends `grad_weight = inputᵀ · grad_output`.
fn backward_weight(
    program: &mut Program,
    capabilities: &Capabilities,
    layer: &str,
    sizes: Sizes,
    [input, grad_output]: [TensorId; 2],
    grad_weight: TensorId,
) {
    let variant = Variant::choose(capabilities);
    let (in_q, out_q) = (quads(sizes.inputs), quads(sizes.outputs));
    let tiles = variant.weight_tiles(in_q, out_q);
    let splits = splits(sizes.rows, 64, tiles, variant.workgroups_wanted());
    let span = sizes.rows.div_ceil(splits).next_multiple_of(2).min(MAX_TERMS);
    let splits = sizes.rows.div_ceil(span);
    let parts = Parts::new(program, layer, grad_weight, splits, weight_rows(sizes.inputs, 1) * out_q);
    let dispatch = variant
        .dispatch(layer, kernel!("linear/backward_weight_subgroup"), kernel!("linear/backward_weight_tiled"))
        .size("IN_C", sizes.inputs)
        .size("OUT_C", sizes.outputs)
        .read(input)
        .read(grad_output)
        .write(parts.tensor)
        .uniform(sizes.rows as u32)
        .uniform(span as u32)
        .groups(tiles)
        .layers(splits)
        .flops(sizes.flops());
    program.push(dispatch);
    parts.finish(program, layer);
}

/// The forward pass of a layer whose every pixel goes through one matrix: linear, or a 1x1 convolution.
pub(crate) fn layer_forward(pass: Forward<'_>) {
    let Forward { program, capabilities, layer, activation, .. } = pass;
    let (weight, bias) = (pass.parameters[0], pass.parameters.get(1).copied());
    forward(program, capabilities, layer, [pass.inputs[0], pass.output], weight, bias, activation);
}

/// The backward pass of such a layer.
pub(crate) fn layer_backward(pass: Backward<'_>) {
    let Backward { program, capabilities, layer, grad_output, .. } = pass;
    let input = pass.inputs[0];
    let (inputs, outputs) = (input.shape.channels, grad_output.shape.channels);
    if let Some(grad_input) = pass.grad_inputs[0] {
        let weight = WeightShape { inputs, outputs, groups: 1, taps: 1 };
        let transposed = weight.transposed(program, layer, pass.parameters[0]);
        forward(program, capabilities, layer, [grad_output, grad_input], transposed, None, None);
    }
    if let Some(grad_weight) = pass.grad_parameters[0] {
        let sizes = Sizes { rows: grad_output.pixels(), inputs, outputs };
        let operands = [input.tensor, grad_output.tensor];
        backward_weight(program, capabilities, layer, sizes, operands, grad_weight);
    }
    if let Some(Some(grad_bias)) = pass.grad_parameters.get(1) {
        sum_pixels(program, layer, grad_output, *grad_bias);
    }
}

//! The dispatches of a convolution of one group: an implicit matrix product.

use super::super::matmul::{Variant, transpose_weight};
use super::super::program::{Activation, Dispatch, Program, TensorId, kernel, quads, weight_rows};
use super::super::reduce::{ImageSplits, MAX_TERMS, Parts, splits, sum_pixels};
use super::super::{Backward, Forward};
use crate::shape::{Geometry, effective_kernel};

/// The window as the kernels take it: of the forward pass, or of the gradient to the input.
struct Slide {
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    /// Top and left; the gradient's may be negative.
    pad: [isize; 2],
    /// How far the input's pixels lie apart, with zeros between them.
    up: [usize; 2],
}

impl Slide {
    fn forward(geometry: &Geometry) -> Self {
        let [top, left, ..] = geometry.padding;
        Self {
            kernel: geometry.kernel,
            stride: geometry.stride,
            dilation: geometry.dilation,
            pad: [top as isize, left as isize],
            up: [1; 2],
        }
    }

    /// The gradient to the input is a convolution of the output's gradient, its pixels `stride` apart, with the
    /// weight turned round.
    fn backward(geometry: &Geometry) -> Self {
        let pad = |axis: usize| {
            let span = effective_kernel(geometry.kernel[axis], geometry.dilation[axis]) - 1;
            span as isize - geometry.padding[axis] as isize
        };
        Self {
            kernel: geometry.kernel,
            stride: [1; 2],
            dilation: geometry.dilation,
            pad: [pad(0), pad(1)],
            up: geometry.stride,
        }
    }

    fn constants(&self, dispatch: Dispatch, input: Activation, output: Activation) -> Dispatch {
        dispatch
            .size("IN_H", input.shape.height)
            .size("IN_W", input.shape.width)
            .size("IN_C", input.shape.channels)
            .size("OUT_H", output.shape.height)
            .size("OUT_W", output.shape.width)
            .size("OUT_Q", output.quads())
            .size("KERNEL_H", self.kernel[0])
            .size("KERNEL_W", self.kernel[1])
            .size("STRIDE_H", self.stride[0])
            .size("STRIDE_W", self.stride[1])
            .size("DILATION_H", self.dilation[0])
            .size("DILATION_W", self.dilation[1])
            .constant("PAD_TOP", self.pad[0] as f64)
            .constant("PAD_LEFT", self.pad[1] as f64)
    }
}

/// Appends the forward pass.
pub(super) fn forward(pass: Forward<'_>, geometry: &Geometry) {
    let bias = pass.parameters.get(1).copied();
    let operands = (pass.inputs[0], pass.parameters[0], bias, pass.output);
    let variant = Variant::choose(pass.capabilities);
    product(pass.program, pass.layer, variant, &Slide::forward(geometry), operands);
}

/// Appends the backward pass.
pub(super) fn backward(pass: Backward<'_>, geometry: &Geometry) {
    let variant = Variant::choose(pass.capabilities);
    let input = pass.inputs[0];
    if let Some(grad_input) = pass.grad_inputs[0] {
        let (inputs, outputs) = (input.shape.channels, pass.grad_output.shape.channels);
        let taps = geometry.taps();
        let weight = transpose_weight(pass.program, pass.layer, pass.parameters[0], inputs, outputs, taps);
        let operands = (pass.grad_output, weight, None, grad_input);
        product(pass.program, pass.layer, variant, &Slide::backward(geometry), operands);
    }
    if let Some(grad_weight) = pass.grad_parameters[0] {
        backward_weight(pass.program, pass.layer, variant, geometry, [input, pass.grad_output], grad_weight);
    }
    if let Some(Some(grad_bias)) = pass.grad_parameters.get(1) {
        sum_pixels(pass.program, pass.layer, pass.grad_output, *grad_bias);
    }
}

/// Appends the convolution of an input with a weight under a window: one dispatch, or where the sum is very long
/// several, of which each adds to what those before left.
fn product(
    program: &mut Program,
    layer: &str,
    variant: Variant,
    slide: &Slide,
    (input, weight, bias, output): (Activation, TensorId, Option<TensorId>, Activation),
) {
    // The pixels of one phase; all phases have as many workgroups as the largest.
    let phase = output.shape.height.div_ceil(slide.up[0]) * output.shape.width.div_ceil(slide.up[1]);
    let taps = slide.kernel[0] * slide.kernel[1];
    let phases = slide.up[0] * slide.up[1];
    // Where there are a quad of channels or more, a part is whole taps; elsewhere whole steps of the tiled kernel.
    let terms = weight_rows(input.shape.channels, taps) / 4;
    let unit = if input.shape.channels < 4 { 4 } else { input.quads() };
    let span = (MAX_TERMS / unit).max(1) * unit;
    for begin in (0..terms).step_by(span) {
        let end = (begin + span).min(terms);
        let multiply_adds = output.pixels() * output.shape.channels * input.shape.channels * taps / phases;
        let dispatch =
            variant.dispatch(layer, kernel!("conv2d/forward_subgroup"), kernel!("conv2d/forward_tiled"));
        let dispatch = slide
            .constants(dispatch, input, output)
            .size("UP_H", slide.up[0])
            .size("UP_W", slide.up[1])
            .size("BIAS", bias.is_some().into())
            .read(input.tensor)
            .read(weight)
            // Something must be bound; without a bias it is not read.
            .read(bias.unwrap_or(weight));
        let dispatch =
            if begin == 0 { dispatch.write(output.tensor) } else { dispatch.update(output.tensor) };
        program.push(
            dispatch
                .uniform(output.batch as u32)
                .uniform(begin as u32)
                .uniform(end as u32)
                .groups(variant.tiles(output.batch * phase, output.quads()))
                .layers(phases)
                .flops((2 * multiply_adds * (end - begin) / terms) as u64),
        );
    }
}

fn backward_weight(
    program: &mut Program,
    layer: &str,
    variant: Variant,
    geometry: &Geometry,
    [input, grad_output]: [Activation; 2],
    grad_weight: TensorId,
) {
    let rows = weight_rows(input.shape.channels, geometry.taps());
    let out_q = quads(grad_output.shape.channels);
    let tiles = variant.weight_tiles(rows / 4, out_q);
    let wanted = splits(grad_output.pixels(), 256, tiles, variant.workgroups_wanted());
    let lines = grad_output.batch * grad_output.shape.height;
    let splits = ImageSplits::new(lines, grad_output.shape.width, wanted);
    let parts = Parts::new(program, layer, grad_weight, splits.count, rows * out_q);
    let terms = grad_output.pixels() * input.shape.channels * geometry.taps();
    let kernels = [kernel!("conv2d/backward_weight_subgroup"), kernel!("conv2d/backward_weight_tiled")];
    let dispatch = variant.dispatch(layer, kernels[0], kernels[1]);
    let dispatch = Slide::forward(geometry)
        .constants(dispatch, input, grad_output)
        .read(input.tensor)
        .read(grad_output.tensor)
        .write(parts.tensor)
        .uniform(input.batch as u32)
        .uniform(splits.lines as u32)
        .uniform(splits.columns as u32)
        .groups(tiles)
        .layers(splits.count)
        .flops(2 * (terms * grad_output.shape.channels) as u64);
    program.push(dispatch);
    parts.finish(program, layer);
}

//! The dispatches of a convolution of several groups.

use super::super::program::{Activation, Dispatch, Kernel, kernel, quads, weight_rows};
use super::super::reduce::{ImageSplits, Parts, splits, sum_pixels};
use super::super::{Backward, Forward};
use crate::shape::Geometry;

/// The invocations of a workgroup of the grouped kernels.
const WORKGROUP: usize = 64;

/// Appends the forward pass.
pub(super) fn forward(pass: Forward<'_>, geometry: &Geometry, groups: usize) {
    let (input, output) = (pass.inputs[0], pass.output);
    let weight = pass.parameters[0];
    let bias = pass.parameters.get(1).copied();
    let kernel = kernel!("conv2d/forward_grouped");
    let dispatch = constants(pass.layer, kernel, geometry, groups, [input, output])
        .size("BIAS", bias.is_some().into())
        .read(input.tensor)
        .read(weight)
        // Something must be bound; without a bias it is not read.
        .read(bias.unwrap_or(weight))
        .write(output.tensor)
        .uniform(output.batch as u32)
        .invocations(output.total_quads(), WORKGROUP)
        .flops(flops(geometry, groups, [input, output]));
    pass.program.push(dispatch);
}

/// Appends the backward pass.
pub(super) fn backward(pass: Backward<'_>, geometry: &Geometry, groups: usize) {
    let Backward { program, layer, grad_output, .. } = pass;
    let input = pass.inputs[0];
    let images = [input, grad_output];
    if let Some(grad_input) = pass.grad_inputs[0] {
        let kernel = kernel!("conv2d/backward_input_grouped");
        let dispatch = constants(layer, kernel, geometry, groups, images)
            .read(grad_output.tensor)
            .read(pass.parameters[0])
            .write(grad_input.tensor)
            .uniform(grad_input.batch as u32)
            .invocations(grad_input.total_quads(), WORKGROUP)
            .flops(flops(geometry, groups, images));
        program.push(dispatch);
    }
    if let Some(grad_weight) = pass.grad_parameters[0] {
        let weight_quads =
            weight_rows(input.shape.channels / groups, geometry.taps()) * quads(grad_output.shape.channels);
        let workgroups = weight_quads.div_ceil(WORKGROUP);
        let wanted = splits(grad_output.pixels(), 64, workgroups, 512).min(256);
        let lines = grad_output.batch * grad_output.shape.height;
        let splits = ImageSplits::new(lines, grad_output.shape.width, wanted);
        let parts = Parts::new(program, layer, grad_weight, splits.count, weight_quads);
        let kernel = kernel!("conv2d/backward_weight_grouped");
        let dispatch = constants(layer, kernel, geometry, groups, images)
            .read(input.tensor)
            .read(grad_output.tensor)
            .write(parts.tensor)
            .uniform(input.batch as u32)
            .uniform(splits.lines as u32)
            .uniform(splits.columns as u32)
            .invocations(weight_quads, WORKGROUP)
            .layers(splits.count)
            .flops(flops(geometry, groups, images));
        program.push(dispatch);
        parts.finish(program, layer);
    }
    if let Some(Some(grad_bias)) = pass.grad_parameters.get(1) {
        sum_pixels(program, layer, grad_output, *grad_bias);
    }
}

fn constants(
    layer: &str,
    kernel: Kernel,
    geometry: &Geometry,
    groups: usize,
    [input, output]: [Activation; 2],
) -> Dispatch {
    Dispatch::new(layer, kernel)
        .size("IN_H", input.shape.height)
        .size("IN_W", input.shape.width)
        .size("IN_C", input.shape.channels)
        .size("OUT_H", output.shape.height)
        .size("OUT_W", output.shape.width)
        .size("OUT_C", output.shape.channels)
        .size("GROUPS", groups)
        .size("KERNEL_H", geometry.kernel[0])
        .size("KERNEL_W", geometry.kernel[1])
        .size("STRIDE_H", geometry.stride[0])
        .size("STRIDE_W", geometry.stride[1])
        .size("DILATION_H", geometry.dilation[0])
        .size("DILATION_W", geometry.dilation[1])
        .size("PAD_TOP", geometry.padding[0])
        .size("PAD_LEFT", geometry.padding[1])
}

fn flops(geometry: &Geometry, groups: usize, [input, output]: [Activation; 2]) -> u64 {
    let terms = input.shape.channels / groups * geometry.taps();
    2 * (output.pixels() * output.shape.channels * terms) as u64
}

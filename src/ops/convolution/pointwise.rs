//! The dispatches of a matrix product for each pixel, or each vector of features: a linear layer, or a 1x1 convolution.
//! The tiled kernels of convolution are plain products where there is no more than one pixel to a sample.

use super::super::program::{kernel, quads, weight_rows};
use super::super::reduce::{MAX_TERMS, Parts, splits};
use super::problem::{Image, Pass, Problem, WeightGradient};
use super::tiling::Tiling;
use super::variant::Place;

/// Appends `output = activation(input · weight + bias)`, for each pixel.
pub(super) fn image(place: &mut Place<'_>, problem: &Problem, tiling: Tiling, image: Image<'_>) {
    let Image { input, bias, activation, output, .. } = image;
    let weight = match problem.pass {
        Pass::BackwardInput => {
            let shape = problem.convolution.weight(problem.direction);
            shape.transposed(place.program, place.layer, image.weight)
        }
        Pass::Forward | Pass::BackwardWeight => image.weight,
    };
    let Place { program, layer, capabilities } = place;
    let (rows, out_q) = (output.pixels(), output.quads());
    let tiles = tiling.tiles(rows, out_q);
    let terms = input.quads();
    let splits = splits(terms, 32, tiles, tiling.workgroups_wanted(tiles, capabilities));
    let span = terms.div_ceil(splits).next_multiple_of(tiling.step());
    let parts = Parts::of_activation(program, layer, output, terms.div_ceil(span), activation);
    let dispatch = tiling
        .dispatch(layer, kernel!("linear/forward_subgroup"), kernel!("conv2d/forward_tiled"))
        .size("IN_C", input.shape.channels)
        .size("OUT_C", output.shape.channels)
        .size("BIAS", bias.is_some().into())
        .read(input.tensor)
        .read(weight)
        // Something must be bound; without a bias it is not read.
        .read(bias.unwrap_or(weight));
    let dispatch = parts
        .written_by(dispatch)
        .uniform(rows as u32)
        .uniform(span as u32)
        .groups(tiles)
        .layers(terms.div_ceil(span))
        .flops(output.batch as u64 * problem.convolution.flops());
    program.push(dispatch);
    parts.finish(program, layer);
}

/// Appends `grad_weight = inputᵀ · grad_output`.
pub(super) fn weight(place: &mut Place<'_>, problem: &Problem, tiling: Tiling, gradient: WeightGradient) {
    let Place { program, layer, capabilities } = place;
    let WeightGradient { input, grad_output, grad_weight } = gradient;
    let rows = grad_output.pixels();
    let (in_q, out_q) = (input.quads(), quads(grad_output.shape.channels));
    let tiles = tiling.tiles(4 * in_q, out_q);
    let splits = splits(rows, 64, tiles, tiling.workgroups_wanted(tiles, capabilities));
    let span = rows.div_ceil(splits).next_multiple_of(2).min(MAX_TERMS);
    let splits = rows.div_ceil(span);
    let parts = Parts::new(program, layer, grad_weight, splits, weight_rows(input.shape.channels, 1) * out_q);
    let dispatch = tiling
        .dispatch(layer, kernel!("linear/backward_weight_subgroup"), kernel!("conv2d/backward_weight_tiled"))
        .size("IN_C", input.shape.channels)
        .size("OUT_C", grad_output.shape.channels)
        .read(input.tensor)
        .read(grad_output.tensor)
        .write(parts.tensor)
        .uniform(rows as u32)
        .uniform(span as u32)
        .groups(tiles)
        .layers(splits)
        .flops(input.batch as u64 * problem.convolution.flops());
    program.push(dispatch);
    parts.finish(program, layer);
}

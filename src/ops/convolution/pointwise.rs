//! The dispatches of a matrix product for each pixel, or each vector of features: a linear layer, or a 1x1 convolution.
//! The kernels of convolution are plain products where there is no more than one pixel to a sample.

use super::super::program::{Dispatch, Program, TensorId, quads, weight_rows};
use super::super::reduce::{MAX_TERMS, Parts, cached_parts, splits};
use super::cut::Cut;
use super::problem::{Image, Problem, WeightGradient};
use super::slide::Slide;
use super::tiling::Tiling;
use super::variant::Place;
use crate::shape::Shape;

/// Appends `output = activation(input · weight + bias)`, for each pixel.
pub(super) fn image(place: &mut Place<'_>, problem: &Problem, tiling: Tiling, image: Image<'_>) {
    let Image { input, bias, activation, output, .. } = image;
    let turned = tiling.turns_weight(problem);
    let weight = if turned { image.weight } else { problem.own_weight(place, image.weight) };
    let [inputs, outputs] = [input, output].map(|image| image.shape.channels);
    let sizes = Matrices { rows: output.pixels(), inputs, outputs, turned };
    product(place, tiling, sizes, [input.tensor, weight], bias, |program, layer, parts| {
        Parts::of_activation(program, layer, output, parts, activation)
    });
}

/// The sizes of a product of matrices.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matrices {
    /// Pixels, or samples.
    pub rows: usize,
    /// The columns of the input.
    pub inputs: usize,
    /// The columns of the weight.
    pub outputs: usize,
    /// Whether the kernel is to turn the weight round: it is `[outputs][inputs]`. Not every tiling can.
    pub turned: bool,
}

/// Appends the product of an input, `[rows][inputs]` stored like an activation, and a weight, `[inputs][outputs]`. Its
/// sum may be split: what it is written to is said for each number of parts.
pub(super) fn product<'a>(
    place: &mut Place<'_>,
    tiling: Tiling,
    sizes: Matrices,
    [input, weight]: [TensorId; 2],
    bias: Option<TensorId>,
    parts: impl FnOnce(&mut Program, &str, usize) -> Parts<'a>,
) {
    let Place { program, layer, capabilities } = place;
    let Matrices { rows, inputs, outputs, turned } = sizes;
    let tiles = tiling.tiles(rows, quads(outputs));
    let terms = quads(inputs);
    let splits = splits(terms, 32, tiles, tiling.workgroups_wanted(tiles, capabilities));
    let span = terms.div_ceil(splits).next_multiple_of(tiling.step());
    let parts = parts(program, layer, terms.div_ceil(span));
    let dispatch = tiling
        .pass(layer, turned, inputs, 1)
        .size("BIAS", bias.is_some().into())
        .read(input)
        .read(weight)
        // Something must be bound; without a bias it is not read.
        .read(bias.unwrap_or(weight));
    let dispatch = parts.written_by(dispatch).uniform_sizes(&[rows, span]);
    let dispatch = pixelwise(tiling, dispatch, inputs, outputs)
        .groups(tiles)
        .layers(terms.div_ceil(span))
        .flops(2 * (rows * inputs * outputs) as u64);
    program.push(dispatch);
    parts.finish(program, layer);
}

/// Tells a dispatch of a tiling's kernel that every pixel is an image.
fn pixelwise(tiling: Tiling, dispatch: Dispatch, inputs: usize, outputs: usize) -> Dispatch {
    tiling.images(dispatch, &Slide::column(1), Shape::features(inputs), Shape::features(outputs))
}

/// Appends `grad_weight = inputᵀ · grad_output`.
pub(super) fn weight(place: &mut Place<'_>, problem: &Problem, tiling: Tiling, gradient: WeightGradient) {
    let Place { program, layer, capabilities } = place;
    let WeightGradient { input, grad_output, grad_weight } = gradient;
    let rows = grad_output.pixels();
    let (in_q, out_q) = (input.quads(), quads(grad_output.shape.channels));
    let tiles = tiling.tiles(4 * in_q, out_q);
    let result = weight_rows(input.shape.channels, 1) * out_q;
    let cached = cached_parts([input, grad_output], result, capabilities);
    let splits = splits(rows, 64, tiles, tiling.workgroups_wanted(tiles, capabilities).max(cached * tiles));
    let span = rows.div_ceil(splits).next_multiple_of(2).min(MAX_TERMS);
    let splits = rows.div_ceil(span);
    let parts = Parts::new(program, layer, grad_weight, splits, result);
    let dispatch = tiling
        .backward_weight(layer)
        .read(input.tensor)
        .read(grad_output.tensor)
        .write(parts.tensor)
        .uniform_sizes(&[rows, span]);
    let dispatch = pixelwise(tiling, dispatch, input.shape.channels, grad_output.shape.channels)
        .groups(tiles)
        .layers(splits)
        .flops(input.batch as u64 * problem.convolution.flops());
    program.push(dispatch);
    parts.finish(program, layer);
}

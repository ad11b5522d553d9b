//! What the twins of convolution and transposed convolution share: for each sample and group, products of the weight,
//! `[positions' channels][kh, kw of the channels under the window]`, and the matrix of what each tap sees,
//! `[channel, kh, kw][row, column]` over the positions.

use super::Real;
use super::matrix::{add_product, transposed};
use crate::Tensor;
use crate::ops::convolution::Convolution;
use crate::shape::Geometry;

/// Adds the convolution of `input` to `output`.
pub(super) fn forward<T: Real>(
    convolution: &Convolution,
    input: &Tensor<T>,
    weight: &Tensor<T>,
    output: &mut Tensor<T>,
) {
    let sizes = Sizes::new(convolution);
    let mut seen = sizes.seen();
    for (group, [images, outputs]) in sizes.groups(input.nchw()[0]) {
        see(&convolution.geometry, &input.data()[images], &mut seen);
        let weight = &weight.data()[sizes.weight(group)];
        add_product(&mut output.data_mut()[outputs], weight, &seen, sizes.terms, sizes.positions);
    }
}

/// Adds what a convolution sends back for a gradient that arrives at its output to the gradient to its input.
pub(super) fn backward_input<T: Real>(
    convolution: &Convolution,
    grad_output: &Tensor<T>,
    weight: &Tensor<T>,
    grad_input: &mut Tensor<T>,
) {
    let sizes = Sizes::new(convolution);
    let weights: Vec<_> = (0..convolution.groups)
        .map(|group| transposed(&weight.data()[sizes.weight(group)], sizes.terms))
        .collect();
    let mut grad_seen = sizes.seen();
    for (group, [images, outputs]) in sizes.groups(grad_output.nchw()[0]) {
        grad_seen.fill(T::default());
        let grad = &grad_output.data()[outputs];
        add_product(&mut grad_seen, &weights[group], grad, sizes.out_channels, sizes.positions);
        send_back(&convolution.geometry, &grad_seen, &mut grad_input.data_mut()[images]);
    }
}

/// Adds the gradient to the weight to `grad_weight`.
pub(super) fn backward_weight<T: Real>(
    convolution: &Convolution,
    input: &Tensor<T>,
    grad_output: &Tensor<T>,
    grad_weight: &mut Tensor<T>,
) {
    let sizes = Sizes::new(convolution);
    let mut seen = sizes.seen();
    for (group, [images, outputs]) in sizes.groups(input.nchw()[0]) {
        see(&convolution.geometry, &input.data()[images], &mut seen);
        let seen = transposed(&seen, sizes.positions);
        let grad_weight = &mut grad_weight.data_mut()[sizes.weight(group)];
        add_product(grad_weight, &grad_output.data()[outputs], &seen, sizes.positions, sizes.terms);
    }
}

/// An image of this NCHW shape that holds the bias of each channel, or zero.
pub(super) fn biased<T: Real>(shape: [usize; 4], bias: Option<&&Tensor<T>>) -> Tensor<T> {
    let mut output = Tensor::zeros(shape);
    if let Some(bias) = bias {
        let channels = output.data_mut().chunks_exact_mut((shape[2] * shape[3]).max(1));
        channels.zip(bias.data().iter().cycle()).for_each(|(channel, bias)| channel.fill(*bias));
    }
    output
}

/// The gradient to the bias.
pub(super) fn backward_bias<T: Real>(grad_output: &Tensor<T>) -> Tensor<T> {
    let [_, channels, height, width] = grad_output.nchw();
    let mut grad_bias = Tensor::zeros([channels]);
    for (at, channel) in grad_output.data().chunks_exact((height * width).max(1)).enumerate() {
        let sum = &mut grad_bias.data_mut()[at % channels];
        channel.iter().for_each(|grad| *sum += *grad);
    }
    grad_bias
}

/// The sizes of the matrices of one group of one sample.
struct Sizes {
    /// Groups in a sample.
    groups: usize,
    /// Output channels of a group.
    out_channels: usize,
    /// Elements of a group's input.
    inputs: usize,
    /// Terms of an output element's sum.
    terms: usize,
    /// Output positions.
    positions: usize,
}

impl Sizes {
    fn new(convolution: &Convolution) -> Self {
        let Convolution { geometry, groups, inputs, outputs } = *convolution;
        let in_channels = inputs / groups.max(1);
        Self {
            groups,
            out_channels: outputs / groups.max(1),
            inputs: in_channels * geometry.input[0] * geometry.input[1],
            terms: in_channels * geometry.taps(),
            positions: geometry.output[0] * geometry.output[1],
        }
    }

    /// An empty matrix of what each tap sees.
    fn seen<T: Real>(&self) -> Vec<T> {
        vec![T::default(); self.terms * self.positions]
    }

    /// A group's part of the weight.
    fn weight(&self, group: usize) -> std::ops::Range<usize> {
        let len = self.out_channels * self.terms;
        group * len..(group + 1) * len
    }

    /// The groups of every sample, with their parts of the input and of the output.
    fn groups(&self, batch: usize) -> impl Iterator<Item = (usize, [std::ops::Range<usize>; 2])> {
        let (groups, inputs, outputs) = (self.groups, self.inputs, self.out_channels * self.positions);
        (0..batch * groups)
            .map(move |at| (at % groups, [at * inputs..(at + 1) * inputs, at * outputs..(at + 1) * outputs]))
    }
}

/// Writes what every tap sees at every position: the row (channel, kh, kw) of `seen` holds a pixel of that
/// channel for each position, or zero where the tap lies in the padding.
fn see<T: Real>(geometry: &Geometry, images: &[T], seen: &mut [T]) {
    each_tap(geometry, seen.len(), |at, pixel| seen[at] = pixel.map_or(T::default(), |pixel| images[pixel]));
}

/// The transpose of [`see`]: adds the gradient of what every tap saw to the pixel it saw.
fn send_back<T: Real>(geometry: &Geometry, grad_seen: &[T], grad_images: &mut [T]) {
    each_tap(geometry, grad_seen.len(), |at, pixel| {
        if let Some(pixel) = pixel {
            grad_images[pixel] += grad_seen[at];
        }
    });
}

/// Calls `f` for each of the `len` elements of the matrix with its index and the pixel that it stands for.
fn each_tap(geometry: &Geometry, len: usize, mut f: impl FnMut(usize, Option<usize>)) {
    let ([height, width], [rows, columns]) = (geometry.input, geometry.output);
    for line in 0..len / columns.max(1) {
        let (row, tap) = (line % rows, line / rows);
        let (channel, tap) = (tap / geometry.taps(), tap % geometry.taps());
        let source = geometry.row(row, tap / geometry.kernel[1]);
        for column in 0..columns {
            let pixel = source.and_then(|y| {
                let x = geometry.column(column, tap % geometry.kernel[1])?;
                Some((channel * height + y) * width + x)
            });
            f(line * columns + column, pixel);
        }
    }
}

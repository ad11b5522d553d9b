//! The twin of convolution: for each sample and group, a product of the weight, `[out][in, kh, kw]` as OIHW has
//! it, and the matrix of what each tap sees, `[in, kh, kw][oy, ox]`, which gives the output as NCHW has it.

use super::matrix::{add_product, transposed};
use super::{Gradients, Pass, Real, Twin, window};
use crate::Tensor;
use crate::ops::Conv2d;
use crate::shape::Geometry;

impl<T: Real> Twin<T> for Conv2d {
    fn forward(&self, inputs: &[&Tensor<T>], parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let (input, weight) = (inputs[0], parameters[0]);
        let sizes = Sizes::new(self, input);
        let [rows, columns] = sizes.geometry.output;
        let mut output = Tensor::zeros([input.nchw()[0], self.out_channels, rows, columns]);
        if let Some(bias) = parameters.get(1) {
            let channels = output.data_mut().chunks_exact_mut(sizes.positions.max(1));
            channels.zip(bias.data().iter().cycle()).for_each(|(channel, bias)| channel.fill(*bias));
        }
        let mut seen = sizes.seen();
        for (group, [images, outputs]) in sizes.groups(input.nchw()[0]) {
            see(&sizes.geometry, &input.data()[images], &mut seen);
            let weight = &weight.data()[sizes.weight(group)];
            add_product(&mut output.data_mut()[outputs], weight, &seen, sizes.terms, sizes.positions);
        }
        output
    }

    fn backward(
        &self,
        inputs: &[&Tensor<T>],
        parameters: &[&Tensor<T>],
        _output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        let (input, weight) = (inputs[0], parameters[0]);
        let sizes = Sizes::new(self, input);
        let mut grad_input = Tensor::zeros(input.shape());
        let mut grad_weight = Tensor::zeros(weight.shape());
        let weights: Vec<_> = (0..self.groups)
            .map(|group| transposed(&weight.data()[sizes.weight(group)], sizes.terms))
            .collect();
        let (mut seen, mut grad_seen) = (sizes.seen(), sizes.seen());
        for (group, [images, outputs]) in sizes.groups(input.nchw()[0]) {
            let grad = &grad_output.data()[outputs];

            see(&sizes.geometry, &input.data()[images.clone()], &mut seen);
            let seen = transposed(&seen, sizes.positions);
            let grad_weight = &mut grad_weight.data_mut()[sizes.weight(group)];
            add_product(grad_weight, grad, &seen, sizes.positions, sizes.terms);

            grad_seen.fill(T::default());
            add_product(&mut grad_seen, &weights[group], grad, sizes.out_channels, sizes.positions);
            send_back(&sizes.geometry, &grad_seen, &mut grad_input.data_mut()[images]);
        }
        let mut gradients = Gradients { inputs: vec![grad_input], parameters: vec![grad_weight] };
        if let Some(bias) = parameters.get(1) {
            let mut grad_bias = Tensor::zeros(bias.shape());
            let channels = grad_output.data().chunks_exact(sizes.positions.max(1));
            for (at, channel) in channels.enumerate() {
                let sum = &mut grad_bias.data_mut()[at % self.out_channels];
                channel.iter().for_each(|grad| *sum += *grad);
            }
            gradients.parameters.push(grad_bias);
        }
        gradients
    }
}

/// The sizes of the matrices of one group of one sample.
struct Sizes {
    geometry: Geometry,
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
    fn new<T: Real>(operator: &Conv2d, input: &Tensor<T>) -> Self {
        let geometry = window::geometry(operator, input);
        let [_, channels, height, width] = input.nchw();
        let in_channels = channels / operator.groups;
        Self {
            geometry,
            groups: operator.groups,
            out_channels: operator.out_channels / operator.groups,
            inputs: in_channels * height * width,
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

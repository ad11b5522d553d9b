//! The CPU twin of bilinear interpolation.

use super::{Gradients, Pass, Real, Twin, gather};
use crate::Tensor;
use crate::ops::UpsampleBilinear2d;
use crate::shape::Shape;

impl<T: Real> Twin<T> for UpsampleBilinear2d {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let shape = gather::output_shape(self, inputs);
        let mut output = Tensor::zeros(shape.nchw(inputs[0].nchw()[0]));
        for_each(self.align_corners, inputs[0], shape, |from, to, weight| {
            output.data_mut()[to] += weight * inputs[0].data()[from];
        });
        output
    }

    fn backward(
        &self,
        inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        _output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        let shape = gather::output_shape(self, inputs);
        let mut grad = Tensor::zeros(inputs[0].shape());
        for_each(self.align_corners, inputs[0], shape, |from, to, weight| {
            grad.data_mut()[from] += weight * grad_output.data()[to];
        });
        Gradients { inputs: vec![grad], parameters: vec![] }
    }
}

/// Calls `f` with the places of an element of the input and of one of the output of `shape`, and the weight of the one
/// in the other.
fn for_each<T: Real>(
    align_corners: bool,
    input: &Tensor<T>,
    shape: Shape,
    mut f: impl FnMut(usize, usize, T),
) {
    let [batch, channels, height, width] = input.nchw();
    for image in 0..batch * channels {
        for oy in 0..shape.height {
            for ox in 0..shape.width {
                for (y, weight_y) in sources::<T>(align_corners, oy, height, shape.height) {
                    for (x, weight_x) in sources::<T>(align_corners, ox, width, shape.width) {
                        let from = (image * height + y) * width + x;
                        let to = (image * shape.height + oy) * shape.width + ox;
                        f(from, to, weight_y * weight_x);
                    }
                }
            }
        }
    }
}

/// The two places of an axis of the input between which place `at` of the output lies, and their weights.
fn sources<T: Real>(align_corners: bool, at: usize, size: usize, out_size: usize) -> [(usize, T); 2] {
    let last = (size - 1) as f64;
    let place = match align_corners {
        true => at as f64 * last / (out_size - 1).max(1) as f64,
        false => (at as f64 + 0.5) * size as f64 / out_size as f64 - 0.5,
    };
    let place = place.clamp(0.0, last);
    let first = place.floor();
    let weight = place - first;
    [(first as usize, T::of(1.0 - weight)), ((first + 1.0).min(last) as usize, T::of(weight))]
}

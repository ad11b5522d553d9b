//! The CPU twin of resampling by the nearest pixel.

use super::{Gradients, Pass, Real, Twin, gather};
use crate::Tensor;
use crate::ops::UpsampleNearest2d;
use crate::shape::Shape;

impl<T: Real> Twin<T> for UpsampleNearest2d {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let shape = gather::output_shape(self, inputs);
        gather::forward(inputs[0], shape, T::default(), source(self, inputs[0], shape))
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
        gather::backward(inputs[0], grad_output, source(self, inputs[0], shape))
    }
}

/// Where an element of an output of `shape` comes from.
fn source<T: Real>(
    upsample: &UpsampleNearest2d,
    input: &Tensor<T>,
    shape: Shape,
) -> impl Fn([usize; 3]) -> Option<[usize; 3]> {
    let [.., height, width] = input.nchw();
    let (rows, columns) = (upsample.steps(height, shape.height), upsample.steps(width, shape.width));
    move |[c, y, x]| Some([c, rows.source(y), columns.source(x)])
}

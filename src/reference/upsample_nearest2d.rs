//! The CPU twin of resampling by the nearest pixel.

use super::{Gradients, Pass, Real, Twin, gather};
use crate::Tensor;
use crate::ops::UpsampleNearest2d;
use crate::shape::Shape;

impl<T: Real> Twin<T> for UpsampleNearest2d {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let shape = gather::output_shape(self, inputs);
        gather::forward(inputs[0], shape, T::default(), source(inputs[0], shape))
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
        gather::backward(inputs[0], grad_output, source(inputs[0], shape))
    }
}

/// Where an element of an output of `shape` comes from.
fn source<T: Real>(input: &Tensor<T>, shape: Shape) -> impl Fn([usize; 3]) -> Option<[usize; 3]> {
    let [.., height, width] = input.nchw();
    move |[c, y, x]| Some([c, y * height / shape.height, x * width / shape.width])
}

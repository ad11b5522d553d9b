//! The CPU twin of the sigmoid.

use super::{Gradients, Pass, Real, Twin, elementwise};
use crate::Tensor;
use crate::ops::Sigmoid;

impl<T: Real> Twin<T> for Sigmoid {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        inputs[0].map(elementwise::sigmoid)
    }

    fn backward(
        &self,
        _inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        elementwise::backward(output, grad_output, |y, grad| grad * y * (T::of(1.0) - y))
    }
}

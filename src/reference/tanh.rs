//! The CPU twin of the hyperbolic tangent.

use super::{Gradients, Pass, Real, Twin, elementwise};
use crate::Tensor;
use crate::ops::Tanh;

impl<T: Real> Twin<T> for Tanh {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        inputs[0].map(T::tanh)
    }

    fn backward(
        &self,
        _inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        elementwise::backward(output, grad_output, |y, grad| grad * (T::of(1.0) - y * y))
    }
}

//! The CPU twin of flatten, a reshape.

use super::{Gradients, Pass, Real, Twin, reshape};
use crate::Tensor;
use crate::ops::Flatten;

impl<T: Real> Twin<T> for Flatten {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        reshape::forward(self, inputs)
    }

    fn backward(
        &self,
        inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        _output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        reshape::backward(inputs[0], grad_output)
    }
}

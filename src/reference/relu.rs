//! The CPU twin of ReLU.

use super::{Gradients, Pass, Real, Twin, elementwise};
use crate::Tensor;
use crate::ops::Relu;

impl<T: Real> Twin<T> for Relu {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        inputs[0].map(|x| if x <= T::default() { T::default() } else { x })
    }

    fn backward(
        &self,
        _inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        elementwise::backward(
            output,
            grad_output,
            |y, grad| if y <= T::default() { T::default() } else { grad },
        )
    }
}

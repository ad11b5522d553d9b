//! The CPU twin of SiLU.

use super::elementwise::{self, sigmoid};
use super::{Gradients, Pass, Real, Twin};
use crate::Tensor;
use crate::ops::Silu;

impl<T: Real> Twin<T> for Silu {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        inputs[0].map(|x| x * sigmoid(x))
    }

    fn backward(
        &self,
        inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        _output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        // The derivative of x s(x) is s + x s (1 − s), and 1 − s(x) is s(−x).
        elementwise::backward(inputs[0], grad_output, |x, grad| {
            grad * (sigmoid(x) + x * sigmoid(x) * sigmoid(-x))
        })
    }
}

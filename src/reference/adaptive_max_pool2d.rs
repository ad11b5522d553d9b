//! The twin of adaptive max pooling.

use super::{Gradients, Pass, Real, Twin, adaptive};
use crate::Tensor;
use crate::ops::AdaptiveMaxPool2d;

impl<T: Real> Twin<T> for AdaptiveMaxPool2d {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let windows = adaptive::windows(|shapes| self.windows(shapes), inputs[0]);
        adaptive::max(&windows, inputs[0])
    }

    fn backward(
        &self,
        inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        let windows = adaptive::windows(|shapes| self.windows(shapes), inputs[0]);
        adaptive::max_backward(&windows, inputs[0], output, grad_output)
    }
}

//! The twin of adaptive average pooling.

use super::{Gradients, Pass, Real, Twin, adaptive};
use crate::Tensor;
use crate::ops::AdaptiveAvgPool2d;

impl<T: Real> Twin<T> for AdaptiveAvgPool2d {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let windows = adaptive::windows(|shapes| self.windows(shapes), inputs[0]);
        adaptive::mean(&windows, inputs[0])
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
        adaptive::mean_backward(&windows, inputs[0], output, grad_output)
    }
}

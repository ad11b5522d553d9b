//! The twin of global max pooling.

use super::{Gradients, Pass, Real, Twin, adaptive};
use crate::Tensor;
use crate::ops::GlobalMaxPool2d;
use crate::ops::adaptive::Windows;

impl<T: Real> Twin<T> for GlobalMaxPool2d {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let windows = adaptive::windows(Windows::global, inputs[0]);
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
        let windows = adaptive::windows(Windows::global, inputs[0]);
        adaptive::max_backward(&windows, inputs[0], output, grad_output)
    }
}

//! The CPU twin of cropping.

use super::{Gradients, Pass, Real, Twin, gather};
use crate::Tensor;
use crate::ops::Crop;

impl<T: Real> Twin<T> for Crop {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let shape = gather::output_shape(self, inputs);
        gather::forward(inputs[0], shape, T::default(), |at| gather::beyond(self.place(), at))
    }

    fn backward(
        &self,
        inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        _output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        gather::backward(inputs[0], grad_output, |at| gather::beyond(self.place(), at))
    }
}

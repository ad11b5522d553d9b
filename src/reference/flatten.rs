//! The CPU twin of flatten. Tensors are NCHW here, so only the shape changes.

use super::{Gradients, Pass, Real, Twin};
use crate::Tensor;
use crate::ops::Flatten;
use crate::shape::Shape;

impl<T: Real> Twin<T> for Flatten {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let [batch, channels, height, width] = inputs[0].nchw();
        let features = Shape::features(channels * height * width);
        Tensor::from_fn(features.nchw(batch), |i| inputs[0].data()[i])
    }

    fn backward(
        &self,
        inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        _output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        let grad = Tensor::from_fn(inputs[0].shape(), |i| grad_output.data()[i]);
        Gradients { inputs: vec![grad], parameters: vec![] }
    }
}

//! The CPU twin of reshaping. Tensors are NCHW here, so only the shape changes.

use super::{Gradients, Pass, Real, Twin, gather};
use crate::Tensor;
use crate::ops::{Operator, Reshape};

impl<T: Real> Twin<T> for Reshape {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        forward(self, inputs)
    }

    fn backward(
        &self,
        inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        _output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        backward(inputs[0], grad_output)
    }
}

/// The forward pass of an operator that changes nothing but the shape.
pub(super) fn forward<T: Real>(operator: &dyn Operator, inputs: &[&Tensor<T>]) -> Tensor<T> {
    let shape = gather::output_shape(operator, inputs);
    Tensor::from_fn(shape.nchw(inputs[0].nchw()[0]), |i| inputs[0].data()[i])
}

/// Its backward pass.
pub(super) fn backward<T: Real>(input: &Tensor<T>, grad_output: &Tensor<T>) -> Gradients<T> {
    Gradients { inputs: vec![Tensor::from_fn(input.shape(), |i| grad_output.data()[i])], parameters: vec![] }
}

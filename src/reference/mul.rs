//! The CPU twin of multiplication.

use super::{Gradients, Pass, Real, Twin, broadcast};
use crate::Tensor;
use crate::ops::Mul;

impl<T: Real> Twin<T> for Mul {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let shape = broadcast::shape(inputs[0], inputs[1]);
        let [left, right] = [0, 1].map(|i| broadcast::places(&shape, inputs[i]));
        Tensor::from_fn(shape, |i| inputs[0].data()[left[i]] * inputs[1].data()[right[i]])
    }

    fn backward(
        &self,
        inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        let shape = output.nchw();
        let gradient = |to: &Tensor<T>, other: &Tensor<T>| {
            let places = broadcast::places(&shape, other);
            broadcast::gradient(&shape, to, |i| grad_output.data()[i] * other.data()[places[i]])
        };
        let inputs = vec![gradient(inputs[0], inputs[1]), gradient(inputs[1], inputs[0])];
        Gradients { inputs, parameters: vec![] }
    }
}

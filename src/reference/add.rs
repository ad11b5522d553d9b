//! The CPU twin of addition.

use super::{Gradients, Pass, Real, Twin, broadcast};
use crate::Tensor;
use crate::ops::Add;

impl<T: Real> Twin<T> for Add {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let mut sum = Tensor::zeros(broadcast::shape(inputs[0], inputs[1]));
        for input in inputs {
            let places = broadcast::places(sum.shape(), input);
            for (sum, place) in sum.data_mut().iter_mut().zip(places) {
                *sum += input.data()[place];
            }
        }
        sum
    }

    fn backward(
        &self,
        inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        let gradient =
            |input: &&Tensor<T>| broadcast::gradient(&output.nchw(), input, |i| grad_output.data()[i]);
        Gradients { inputs: inputs.iter().map(gradient).collect(), parameters: vec![] }
    }
}

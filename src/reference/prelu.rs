//! The CPU twin of PReLU.

use super::{Gradients, Pass, Real, Twin};
use crate::Tensor;
use crate::ops::Prelu;

impl<T: Real> Twin<T> for Prelu {
    fn forward(&self, inputs: &[&Tensor<T>], parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let (input, weight) = (inputs[0], parameters[0]);
        Tensor::from_fn(input.shape(), |i| {
            let x = input.data()[i];
            if x <= T::default() { weight.data()[slope(input, weight, i)] * x } else { x }
        })
    }

    fn backward(
        &self,
        inputs: &[&Tensor<T>],
        parameters: &[&Tensor<T>],
        _output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        let (input, weight) = (inputs[0], parameters[0]);
        let mut grad_weight = Tensor::zeros(weight.shape());
        let grad_input = Tensor::from_fn(input.shape(), |i| {
            let (x, grad) = (input.data()[i], grad_output.data()[i]);
            if x > T::default() {
                return grad;
            }
            let slope = slope(input, weight, i);
            grad_weight.data_mut()[slope] += x * grad;
            weight.data()[slope] * grad
        });
        Gradients { inputs: vec![grad_input], parameters: vec![grad_weight] }
    }
}

/// Which of the slopes belongs to the element at flat index `i`.
fn slope<T: Real>(input: &Tensor<T>, weight: &Tensor<T>, i: usize) -> usize {
    let [_, channels, height, width] = input.nchw();
    if weight.len() == 1 { 0 } else { i / (height * width) % channels }
}

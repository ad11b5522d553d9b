//! The CPU twin of addition.

use super::{Gradients, Pass, Real, Twin};
use crate::Tensor;
use crate::ops::Add;

impl<T: Real> Twin<T> for Add {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let mut sum = inputs[0].clone();
        for input in &inputs[1..] {
            for (sum, x) in sum.data_mut().iter_mut().zip(input.data()) {
                *sum += *x;
            }
        }
        sum
    }

    fn backward(
        &self,
        inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        _output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        Gradients { inputs: vec![grad_output.clone(); inputs.len()], parameters: vec![] }
    }
}

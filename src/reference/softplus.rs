//! The CPU twin of softplus.

use super::elementwise::{self, sigmoid};
use super::{Gradients, Pass, Real, Twin};
use crate::Tensor;
use crate::ops::Softplus;

impl<T: Real> Twin<T> for Softplus {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let [beta, threshold]: [T; 2] = settings(self);
        inputs[0].map(|x| {
            let b = beta * x;
            let positive = if b > T::default() { b } else { T::default() };
            if b > threshold { x } else { (positive + (-b.abs()).exp().ln_1p()) / beta }
        })
    }

    fn backward(
        &self,
        inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        _output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        let [beta, threshold]: [T; 2] = settings(self);
        elementwise::backward(inputs[0], grad_output, |x, grad| {
            if beta * x > threshold { grad } else { grad * sigmoid(beta * x) }
        })
    }
}

fn settings<T: Real>(softplus: &Softplus) -> [T; 2] {
    let (beta, threshold) = softplus.settings();
    [T::of(beta.into()), T::of(threshold.into())]
}

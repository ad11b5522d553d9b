//! The CPU twin of the sigmoid.

use super::{Gradients, Pass, Real, Twin, elementwise};
use crate::Tensor;
use crate::ops::Sigmoid;

impl<T: Real> Twin<T> for Sigmoid {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let one = T::of(1.0);
        // Only exponents up to zero: the others overflow.
        inputs[0].map(|x| {
            let t = (-x.abs()).exp();
            if x >= T::default() { one / (one + t) } else { t / (one + t) }
        })
    }

    fn backward(
        &self,
        _inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        elementwise::backward(output, grad_output, |y, grad| grad * y * (T::of(1.0) - y))
    }
}

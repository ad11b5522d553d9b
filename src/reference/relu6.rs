//! The CPU twin of ReLU6.

use super::{Gradients, Pass, Real, Twin, elementwise};
use crate::Tensor;
use crate::ops::Relu6;

impl<T: Real> Twin<T> for Relu6 {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let six = T::of(6.0);
        inputs[0].map(|x| {
            if x <= T::default() {
                T::default()
            } else if x >= six {
                six
            } else {
                x
            }
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
        let inside = |y: T| y > T::default() && y < T::of(6.0);
        elementwise::backward(output, grad_output, |y, grad| if inside(y) { grad } else { T::default() })
    }
}

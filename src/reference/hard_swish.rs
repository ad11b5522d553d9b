//! The CPU twin of hard swish.

use super::{Gradients, Pass, Real, Twin, elementwise};
use crate::Tensor;
use crate::ops::HardSwish;

impl<T: Real> Twin<T> for HardSwish {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let share = |x: T| {
            if x <= T::of(-3.0) {
                T::default()
            } else if x >= T::of(3.0) {
                T::of(1.0)
            } else {
                x / T::of(6.0) + T::of(0.5)
            }
        };
        inputs[0].map(|x| x * share(x))
    }

    fn backward(
        &self,
        inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        _output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        let slope = |x: T| {
            if x <= T::of(-3.0) {
                T::default()
            } else if x >= T::of(3.0) {
                T::of(1.0)
            } else {
                x / T::of(3.0) + T::of(0.5)
            }
        };
        elementwise::backward(inputs[0], grad_output, |x, grad| grad * slope(x))
    }
}

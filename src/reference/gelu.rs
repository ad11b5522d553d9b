//! The CPU twin of GELU.

use super::{Gradients, Pass, Real, Twin, elementwise};
use crate::Tensor;
use crate::ops::Gelu;

impl<T: Real> Twin<T> for Gelu {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        inputs[0].map(|x| x * distribution(x))
    }

    fn backward(
        &self,
        inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        _output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        let density = |x: T| (-(x * x) / T::of(2.0)).exp() / T::of(std::f64::consts::TAU.sqrt());
        elementwise::backward(inputs[0], grad_output, |x, grad| grad * (distribution(x) + x * density(x)))
    }
}

/// The standard normal distribution function.
fn distribution<T: Real>(x: T) -> T {
    (-x * T::of(std::f64::consts::FRAC_1_SQRT_2)).erfc() / T::of(2.0)
}

//! The CPU twin of ELU.

use super::{Gradients, Pass, Real, Twin, elementwise};
use crate::Tensor;
use crate::ops::Elu;

impl<T: Real> Twin<T> for Elu {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let alpha = T::of(self.alpha().into());
        inputs[0].map(|x| if x <= T::default() { alpha * x.exp_m1() } else { x })
    }

    fn backward(
        &self,
        _inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        let alpha = T::of(self.alpha().into());
        elementwise::backward(
            output,
            grad_output,
            |y, grad| {
                if y <= T::default() { grad * (y + alpha) } else { grad }
            },
        )
    }
}

//! The CPU twin of leaky ReLU.

use super::{Gradients, Pass, Real, Twin, elementwise};
use crate::Tensor;
use crate::ops::LeakyRelu;

impl<T: Real> Twin<T> for LeakyRelu {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let slope = T::of(self.negative_slope().into());
        inputs[0].map(|x| if x <= T::default() { slope * x } else { x })
    }

    fn backward(
        &self,
        inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        _output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        let slope = T::of(self.negative_slope().into());
        elementwise::backward(
            inputs[0],
            grad_output,
            |x, grad| if x <= T::default() { slope * grad } else { grad },
        )
    }
}

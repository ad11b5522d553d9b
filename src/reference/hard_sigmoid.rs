//! The CPU twin of the hard sigmoid.

use super::{Gradients, Pass, Real, Twin, elementwise};
use crate::Tensor;
use crate::ops::HardSigmoid;

impl<T: Real> Twin<T> for HardSigmoid {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let (alpha, beta) = self.settings();
        inputs[0].map(|x| {
            let y = T::of(alpha.into()) * x + T::of(beta.into());
            if y <= T::default() {
                T::default()
            } else if y >= T::of(1.0) {
                T::of(1.0)
            } else {
                y
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
        let alpha = T::of(self.settings().0.into());
        let inside = |y: T| y > T::default() && y < T::of(1.0);
        elementwise::backward(
            output,
            grad_output,
            |y, grad| if inside(y) { alpha * grad } else { T::default() },
        )
    }
}

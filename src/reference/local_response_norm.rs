//! The CPU twin of local response normalisation.

use super::{Gradients, Pass, Real, Twin};
use crate::Tensor;
use crate::ops::LocalResponseNorm;

impl<T: Real> Twin<T> for LocalResponseNorm {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let x = inputs[0];
        let y = |at: usize| x.data()[at] * inverse_power(self, divisor(self, x, at));
        Tensor::from_fn(x.shape(), y)
    }

    fn backward(
        &self,
        inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        _output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        let x = inputs[0];
        let factor = T::of(-2.0 * f64::from(self.beta) * self.scale());
        let mut grad_input = Tensor::zeros(x.shape());
        for at in 0..x.len() {
            let (divisor, grad) = (divisor(self, x, at), grad_output.data()[at]);
            if divisor == T::default() {
                continue;
            }
            let power = inverse_power(self, divisor);
            grad_input.data_mut()[at] += grad * power;
            for near in window(self, x, at) {
                let slope = factor * x.data()[near] * (x.data()[at] * power / divisor);
                grad_input.data_mut()[near] += grad * slope;
            }
        }
        Gradients { inputs: vec![grad_input], parameters: vec![] }
    }
}

/// The elements in the window of the element at `at`: those of the near channels, at the same pixel.
fn window<T: Real>(operator: &LocalResponseNorm, x: &Tensor<T>, at: usize) -> impl Iterator<Item = usize> {
    let [_, channels, height, width] = x.nchw();
    let pixels = height * width;
    let (channel, first) =
        (at / pixels % channels, at / (channels * pixels) * channels * pixels + at % pixels);
    operator.window(channel, channels).map(move |channel| first + channel * pixels)
}

/// k + alpha / size · Σ x² over the window of the element at `at`.
fn divisor<T: Real>(operator: &LocalResponseNorm, x: &Tensor<T>, at: usize) -> T {
    let mut squares = T::default();
    for near in window(operator, x, at) {
        squares += x.data()[near] * x.data()[near];
    }
    T::of(operator.k.into()) + T::of(operator.scale()) * squares
}

/// The divisor to the power −beta; 0 for a divisor of 0.
fn inverse_power<T: Real>(operator: &LocalResponseNorm, divisor: T) -> T {
    if divisor == T::default() { divisor } else { divisor.powf(T::of(-f64::from(operator.beta))) }
}

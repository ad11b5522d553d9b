//! The twin of Lp pooling.

use super::{Gradients, Pass, Real, Twin, pool, window};
use crate::Tensor;
use crate::ops::LpPool2d;

impl<T: Real> Twin<T> for LpPool2d {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let geometry = window::geometry(self, inputs[0]);
        let (zero, one, p) = (T::default(), T::of(1.0), T::of(self.p.into()));
        pool::forward(&geometry, inputs[0], |image, at| {
            let magnitudes = || window::pixels(&geometry, at).map(|pixel| image[pixel].abs());
            let largest = magnitudes().fold(zero, |largest, x| if x > largest { x } else { largest });
            let scale = if largest == zero { one } else { largest };
            let mut sum = zero;
            for magnitude in magnitudes() {
                sum += (magnitude / scale).powf(p);
            }
            scale * sum.powf(one / p)
        })
    }

    fn backward(
        &self,
        inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        let geometry = window::geometry(self, inputs[0]);
        let (zero, exponent) = (T::default(), T::of(f64::from(self.p) - 1.0));
        pool::backward(&geometry, inputs[0], output, grad_output, |position, grad_image| {
            if position.output == zero {
                return;
            }
            for pixel in window::pixels(&geometry, position.at) {
                let value = position.image[pixel];
                let slope = (value.abs() / position.output).powf(exponent) * position.grad_output;
                if value > zero {
                    grad_image[pixel] += slope;
                } else if value < zero {
                    grad_image[pixel] += -slope;
                }
            }
        })
    }
}

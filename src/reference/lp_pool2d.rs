//! The twin of Lp pooling.

use super::{Gradients, Pass, Real, Twin, pool, window};
use crate::Tensor;
use crate::ops::LpPool2d;

impl<T: Real> Twin<T> for LpPool2d {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let geometry = window::geometry(self, inputs[0]);
        let (zero, one, p) = (T::default(), T::of(1.0), T::of(self.p.into()));
        pool::forward(geometry.output, inputs[0], |image, at| {
            let magnitudes = || window::pixels(&geometry, at).map(|pixel| image[pixel].abs());
            let largest = magnitudes().fold(zero, |largest, x| if x > largest { x } else { largest });
            // Neither 0 nor infinity can scale anything.
            let scale = if largest > zero && largest.f64().is_finite() { largest } else { one };
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
        let (zero, one, exponent) = (T::default(), T::of(1.0), T::of(f64::from(self.p) - 1.0));
        pool::backward(inputs[0], output, grad_output, |position, grad_image| {
            if position.output == zero {
                return;
            }
            for pixel in window::pixels(&geometry, position.at) {
                let value = position.image[pixel];
                // Where the two are equal they may both be infinite.
                let ratio = if value.abs() == position.output { one } else { value.abs() / position.output };
                let slope = ratio.powf(exponent) * position.grad_output;
                if value > zero {
                    grad_image[pixel] += slope;
                } else if value < zero {
                    grad_image[pixel] += -slope;
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(p: f32, pixels: &[f32]) -> (f32, Vec<f32>) {
        let input = Tensor::new([1, 1, 1, pixels.len()], pixels.to_vec()).unwrap();
        let operator = LpPool2d::new(p, [1, pixels.len()]);
        let pass = Pass::default();
        let output = operator.forward(&[&input], &[], &pass);
        let one = Tensor::full(output.shape(), 1.0);
        let gradients = operator.backward(&[&input], &[], &output, &one, &pass);
        (output.data()[0], gradients.inputs[0].data().to_vec())
    }

    #[test]
    fn the_norm_of_nothing_is_flat() {
        for p in [1.0, 1.5, 2.0, 3.0] {
            assert_eq!(pool(p, &[0.0, -0.0]), (0.0, vec![0.0, 0.0]), "p = {p}");
        }
    }

    #[test]
    fn infinity_is_no_nan() {
        for p in [1.0, 1.5, 2.0, 3.0] {
            let (norm, gradient) = pool(p, &[2.0, -f32::INFINITY]);
            assert_eq!(norm, f32::INFINITY, "p = {p}");
            assert_eq!(gradient, [if p == 1.0 { 1.0 } else { 0.0 }, -1.0], "p = {p}");
        }
    }

    #[test]
    fn no_power_overflows_or_vanishes() {
        for scale in [1e-30, 1e15, 1e37] {
            let (norm, gradient) = pool(2.0, &[3.0 * scale, -4.0 * scale]);
            assert!((norm / scale - 5.0).abs() < 1e-5, "{norm}");
            assert!((gradient[0] - 0.6).abs() < 1e-6 && (gradient[1] + 0.8).abs() < 1e-6, "{gradient:?}");
            let (norm, _) = pool(3.0, &[scale, scale]);
            assert!((norm / scale - 2.0f32.cbrt()).abs() < 1e-6, "{norm}");
        }
    }
}

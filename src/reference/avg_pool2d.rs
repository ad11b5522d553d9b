//! The twin of average pooling.

use super::{Gradients, Pass, Real, Twin, pool, window};
use crate::Tensor;
use crate::ops::AvgPool2d;
use crate::shape::Geometry;

impl<T: Real> Twin<T> for AvgPool2d {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let geometry = window::geometry(self, inputs[0]);
        pool::forward(geometry.output, inputs[0], |image, at| {
            let mut sum = T::default();
            for pixel in window::pixels(&geometry, at) {
                sum += image[pixel];
            }
            sum / divisor(self, &geometry, at)
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
        pool::backward(inputs[0], output, grad_output, |position, grad_image| {
            let share = position.grad_output / divisor(self, &geometry, position.at);
            for pixel in window::pixels(&geometry, position.at) {
                grad_image[pixel] += share;
            }
        })
    }
}

/// How many pixels of the window at `position` count, those of the padding among them or not.
fn divisor<T: Real>(operator: &AvgPool2d, geometry: &Geometry, position: [usize; 2]) -> T {
    let along = |axis: usize| {
        let [first, end] = operator.counted(geometry, axis);
        let start = position[axis] * geometry.stride[axis];
        (start..start + geometry.kernel[axis]).filter(|at| (first..end).contains(at)).count()
    };
    T::of((along(0) * along(1)) as f64)
}

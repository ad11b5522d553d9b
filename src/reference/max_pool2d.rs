//! The twin of max pooling.

use super::{Gradients, Pass, Real, Twin, pool, window};
use crate::Tensor;
use crate::ops::MaxPool2d;
use crate::shape::Geometry;

impl<T: Real> Twin<T> for MaxPool2d {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let geometry = window::geometry(self, inputs[0]);
        pool::forward(&geometry, inputs[0], |image, at| {
            winner(&geometry, image, at).map_or(T::default(), |pixel| image[pixel])
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
        pool::backward(&geometry, inputs[0], output, grad_output, |position, grad_image| {
            if let Some(pixel) = winner(&geometry, position.image, position.at) {
                grad_image[pixel] += position.grad_output;
            }
        })
    }
}

/// The pixel that is the maximum of the window at `position`: the first of equal ones, but the last NaN.
fn winner<T: Real>(geometry: &Geometry, image: &[T], position: [usize; 2]) -> Option<usize> {
    let is_nan = |value: T| value.partial_cmp(&value).is_none();
    window::pixels(geometry, position)
        .reduce(|best, pixel| if image[pixel] > image[best] || is_nan(image[pixel]) { pixel } else { best })
}

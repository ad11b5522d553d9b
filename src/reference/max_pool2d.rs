//! The twin of max pooling.

use super::{Gradients, Pass, Real, Twin, pool, window};
use crate::Tensor;
use crate::ops::MaxPool2d;

impl<T: Real> Twin<T> for MaxPool2d {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let geometry = window::geometry(self, inputs[0]);
        pool::forward(geometry.output, inputs[0], |image, at| {
            pool::winner(image, window::pixels(&geometry, at)).map_or(T::default(), |pixel| image[pixel])
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
            if let Some(pixel) = pool::winner(position.image, window::pixels(&geometry, position.at)) {
                grad_image[pixel] += position.grad_output;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The output and the gradient to a row of pixels under one window over all of it.
    fn pool(pixels: &[f32]) -> (f32, Vec<f32>) {
        let input = Tensor::new([1, 1, 1, pixels.len()], pixels.to_vec()).unwrap();
        let operator = MaxPool2d::new([1, pixels.len()]);
        let pass = Pass::default();
        let output = operator.forward(&[&input], &[], &pass);
        let one = Tensor::full(output.shape(), 1.0);
        let gradients = operator.backward(&[&input], &[], &output, &one, &pass);
        (output.data()[0], gradients.inputs[0].data().to_vec())
    }

    #[test]
    fn the_first_of_equal_maxima_wins() {
        assert_eq!(pool(&[1.0, 2.0, 2.0]), (2.0, vec![0.0, 1.0, 0.0]));
        assert_eq!(pool(&[-0.0, 0.0]), (0.0, vec![1.0, 0.0]));
        assert_eq!(pool(&[f32::NEG_INFINITY; 2]), (f32::NEG_INFINITY, vec![1.0, 0.0]));
    }

    #[test]
    fn nan_wins() {
        let (output, gradient) = pool(&[1.0, f32::NAN, f32::INFINITY]);
        assert!(output.is_nan());
        assert_eq!(gradient, [0.0, 1.0, 0.0]);
    }
}

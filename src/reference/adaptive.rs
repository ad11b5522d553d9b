//! What the twins of adaptive and global pools share.

use super::{Gradients, Real, pool};
use crate::Tensor;
use crate::ops::Refusal;
use crate::ops::adaptive::Windows;
use crate::shape::Shape;

/// The windows of an operator on `input`. Where they do not fit, which the operator's shape rule refuses, there are
/// none.
pub(super) fn windows<T: Copy + Default>(
    rule: impl Fn(&[Shape]) -> Result<Windows, Refusal>,
    input: &Tensor<T>,
) -> Windows {
    let [_, channels, height, width] = input.nchw();
    rule(&[Shape::new(channels, height, width)]).unwrap_or_default()
}

/// The pixels of the window at `position` (row and column), as indices into an image, in row-major order.
fn pixels(windows: &Windows, position: [usize; 2]) -> impl Iterator<Item = usize> {
    let (columns, width) = (windows.range(1, position[1]), windows.input[1]);
    windows.range(0, position[0]).flat_map(move |row| columns.clone().map(move |column| row * width + column))
}

/// The mean of each window.
pub(super) fn mean<T: Real>(windows: &Windows, input: &Tensor<T>) -> Tensor<T> {
    pool::forward(windows.output, input, |image, at| {
        let mut sum = T::default();
        for pixel in pixels(windows, at) {
            sum += image[pixel];
        }
        sum / count(windows, at)
    })
}

/// The gradient of [`mean`] to the input.
pub(super) fn mean_backward<T: Real>(
    windows: &Windows,
    input: &Tensor<T>,
    output: &Tensor<T>,
    grad_output: &Tensor<T>,
) -> Gradients<T> {
    pool::backward(input, output, grad_output, |position, grad_image| {
        let share = position.grad_output / count(windows, position.at);
        for pixel in pixels(windows, position.at) {
            grad_image[pixel] += share;
        }
    })
}

/// The maximum of each window.
pub(super) fn max<T: Real>(windows: &Windows, input: &Tensor<T>) -> Tensor<T> {
    pool::forward(windows.output, input, |image, at| {
        pool::winner(image, pixels(windows, at)).map_or(T::default(), |pixel| image[pixel])
    })
}

/// The gradient of [`max`] to the input.
pub(super) fn max_backward<T: Real>(
    windows: &Windows,
    input: &Tensor<T>,
    output: &Tensor<T>,
    grad_output: &Tensor<T>,
) -> Gradients<T> {
    pool::backward(input, output, grad_output, |position, grad_image| {
        if let Some(pixel) = pool::winner(position.image, pixels(windows, position.at)) {
            grad_image[pixel] += position.grad_output;
        }
    })
}

/// The number of pixels of the window at `position`.
fn count<T: Real>(windows: &Windows, position: [usize; 2]) -> T {
    T::of(pixels(windows, position).count() as f64)
}

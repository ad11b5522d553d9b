//! What the pools' twins share: the loops over all images (one channel of one sample) and positions, and which pixel
//! of a window is its maximum.

use super::{Gradients, Real};
use crate::Tensor;

/// The output of `rows` and `columns` whose element at each position of each image is `f(image, position)`.
pub(super) fn forward<T: Real>(
    [rows, columns]: [usize; 2],
    input: &Tensor<T>,
    f: impl Fn(&[T], [usize; 2]) -> T,
) -> Tensor<T> {
    let [batch, channels, height, width] = input.nchw();
    let mut output = Tensor::zeros([batch, channels, rows, columns]);
    let images = input.data().chunks((height * width).max(1));
    for (image, outputs) in images.zip(output.data_mut().chunks_mut((rows * columns).max(1))) {
        for (at, output) in outputs.iter_mut().enumerate() {
            *output = f(image, [at / columns, at % columns]);
        }
    }
    output
}

/// One position of one image, with what belongs to it.
pub(super) struct Position<'a, T> {
    /// The image's pixels.
    pub image: &'a [T],
    /// The row and the column of the position.
    pub at: [usize; 2],
    /// What the forward pass put out there.
    pub output: T,
    /// The gradient that arrives there.
    pub grad_output: T,
}

/// The gradient to the input, to which `f` adds what each position sends back to its image.
pub(super) fn backward<T: Real>(
    input: &Tensor<T>,
    output: &Tensor<T>,
    grad_output: &Tensor<T>,
    f: impl Fn(Position<'_, T>, &mut [T]),
) -> Gradients<T> {
    let [.., height, width] = input.nchw();
    let [.., rows, columns] = output.nchw();
    let (pixels, positions) = ((height * width).max(1), (rows * columns).max(1));
    let mut grad_input = Tensor::zeros(input.shape());
    let images = input.data().chunks(pixels).zip(grad_input.data_mut().chunks_mut(pixels));
    let outputs = output.data().chunks(positions).zip(grad_output.data().chunks(positions));
    for ((image, grad_image), (outputs, grad_outputs)) in images.zip(outputs) {
        for (at, (&output, &grad_output)) in outputs.iter().zip(grad_outputs).enumerate() {
            f(Position { image, at: [at / columns, at % columns], output, grad_output }, grad_image);
        }
    }
    Gradients { inputs: vec![grad_input], parameters: vec![] }
}

/// The pixel that is the maximum of a window: the first of equal ones, but the last NaN.
pub(super) fn winner<T: Real>(image: &[T], pixels: impl Iterator<Item = usize>) -> Option<usize> {
    let is_nan = |value: T| value.partial_cmp(&value).is_none();
    pixels.reduce(|best, pixel| if image[pixel] > image[best] || is_nan(image[pixel]) { pixel } else { best })
}

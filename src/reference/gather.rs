//! What the twins share whose output elements are each one element of the input, or a constant.

use super::{Gradients, Real};
use crate::Tensor;
use crate::ops::Operator;
use crate::shape::Shape;

/// The output of `shape` whose element at (channel, row, column) is that of the input at `source`; `value` where there
/// is none.
pub(super) fn forward<T: Real>(
    input: &Tensor<T>,
    shape: Shape,
    value: T,
    source: impl Fn([usize; 3]) -> Option<[usize; 3]>,
) -> Tensor<T> {
    let mut output = Tensor::full(shape.nchw(input.nchw()[0]), value);
    for_each(input, shape, source, |from, to| output.data_mut()[to] = input.data()[from]);
    output
}

/// The gradient to the input: each element is the sum over those of the output that it became.
pub(super) fn backward<T: Real>(
    input: &Tensor<T>,
    grad_output: &Tensor<T>,
    source: impl Fn([usize; 3]) -> Option<[usize; 3]>,
) -> Gradients<T> {
    let mut grad = Tensor::zeros(input.shape());
    let [_, channels, height, width] = grad_output.nchw();
    for_each(input, Shape::new(channels, height, width), source, |from, to| {
        grad.data_mut()[from] += grad_output.data()[to];
    });
    Gradients { inputs: vec![grad], parameters: vec![] }
}

/// Calls `f` with the places of an element in the input and in the output.
fn for_each<T: Real>(
    input: &Tensor<T>,
    shape: Shape,
    source: impl Fn([usize; 3]) -> Option<[usize; 3]>,
    mut f: impl FnMut(usize, usize),
) {
    let [batch, channels, height, width] = input.nchw();
    let mut to = 0;
    for sample in 0..batch {
        for c in 0..shape.channels {
            for y in 0..shape.height {
                for x in 0..shape.width {
                    if let Some([c, y, x]) = source([c, y, x]) {
                        f(((sample * channels + c) * height + y) * width + x, to);
                    }
                    to += 1;
                }
            }
        }
    }
}

/// The place of an element of a part that begins at `place`, in the whole.
pub(super) fn beyond(place: [usize; 3], at: [usize; 3]) -> Option<[usize; 3]> {
    Some([at[0] + place[0], at[1] + place[1], at[2] + place[2]])
}

/// The shape of the operator's output. Of inputs that it refuses, which no network has, it is that of the first.
pub(super) fn output_shape<T: Real>(operator: &dyn Operator, inputs: &[&Tensor<T>]) -> Shape {
    let shapes: Vec<Shape> = inputs
        .iter()
        .map(|input| {
            let [_, channels, height, width] = input.nchw();
            Shape::new(channels, height, width)
        })
        .collect();
    operator.output_shape(&shapes).unwrap_or(shapes[0])
}

//! What the twins of functions of one variable have in common.

use super::{Gradients, Real};
use crate::Tensor;

/// The gradient to the input where the derivative follows from the output: `f(output, grad_output)`,
/// element by element.
pub(super) fn backward<T: Real>(
    output: &Tensor<T>,
    grad_output: &Tensor<T>,
    f: impl Fn(T, T) -> T,
) -> Gradients<T> {
    let grad = |i: usize| f(output.data()[i], grad_output.data()[i]);
    Gradients { inputs: vec![Tensor::from_fn(output.shape(), grad)], parameters: vec![] }
}

//! What the twins of functions of one variable have in common.

use super::{Gradients, Real};
use crate::Tensor;

/// The gradient to the input, element by element: `f(value, grad_output)`, the value being the output or the input,
/// whichever the derivative follows from.
pub(super) fn backward<T: Real>(
    value: &Tensor<T>,
    grad_output: &Tensor<T>,
    f: impl Fn(T, T) -> T,
) -> Gradients<T> {
    let grad = |i: usize| f(value.data()[i], grad_output.data()[i]);
    Gradients { inputs: vec![Tensor::from_fn(value.shape(), grad)], parameters: vec![] }
}

/// 1 / (1 + e^(−x)), without exponents above zero: they overflow.
pub(super) fn sigmoid<T: Real>(x: T) -> T {
    let t = (-x.abs()).exp();
    let numerator = if x >= T::default() { T::of(1.0) } else { t };
    numerator / (T::of(1.0) + t)
}

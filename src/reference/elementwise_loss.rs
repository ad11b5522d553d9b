//! What the twins of losses have in common that compare each element, or each box, with its target by itself.

use super::{Measured, Real};
use crate::Tensor;
use crate::ops::{Reduction, Target};

/// The loss over all elements that count, of which `of_element` tells the loss and its derivative, by channel,
/// prediction and target.
pub(super) fn measure<T: Real>(
    reduction: Reduction,
    prediction: &Tensor<T>,
    target: Target<'_, T>,
    samples: usize,
    of_element: impl Fn(usize, T, T) -> (T, T),
) -> Measured<T> {
    let [_, channels, height, width] = prediction.nchw();
    let pixels = height * width;
    let mut grad = Tensor::zeros(prediction.shape());
    let mut loss = T::default();
    let pairs = prediction.data().iter().zip(target.values()).take(samples * channels * pixels);
    let count = pairs.len();
    for (i, (x, t)) in pairs.enumerate() {
        let (element_loss, derivative) = of_element(i / pixels % channels, *x, *t);
        loss += element_loss;
        grad.data_mut()[i] = derivative;
    }
    finish(reduction, loss, count, grad)
}

/// What was measured of `count` predictions that weigh one each, from the sum of their losses and its gradient.
pub(super) fn finish<T: Real>(reduction: Reduction, loss: T, count: usize, grad: Tensor<T>) -> Measured<T> {
    let weight = T::of(count as f64);
    let (loss, grad) = match reduction {
        Reduction::Sum => (loss, grad),
        Reduction::Mean if count == 0 => (loss / weight, grad),
        Reduction::Mean => (loss / weight, grad.map(|grad| grad / weight)),
    };
    Measured { loss, weight, correct: 0, count, grad }
}

/// A logit's softplus and sigmoid, each for itself and for its negative: `[log(1 + e^x), log(1 + e^(−x))]` and
/// `[1 / (1 + e^(−x)), 1 / (1 + e^x)]`, with exponents up to zero only: the others overflow.
pub(super) fn softplus_and_sigmoid<T: Real>(x: T) -> ([T; 2], [T; 2]) {
    let (zero, one) = (T::default(), T::of(1.0));
    let small = (-x.abs()).exp();
    let rest = small.ln_1p();
    let (near, far) = (one / (one + small), small / (one + small));
    if x < zero { ([rest, rest - x], [far, near]) } else { ([x + rest, rest], [near, far]) }
}

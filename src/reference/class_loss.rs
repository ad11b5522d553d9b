//! What the twins of losses of class labels have in common.

use super::{Measured, Real};
use crate::Tensor;
use crate::ops::{ClassLoss, Reduction, Target};

/// The loss over all rows that count, of which `of_row` tells the loss and the gradient to each score, by its
/// scores and its class.
pub(super) fn measure<T: Real>(
    settings: &ClassLoss,
    prediction: &Tensor<T>,
    target: Target<'_, T>,
    samples: usize,
    of_row: impl Fn(&[T], usize) -> (T, Vec<T>),
) -> Measured<T> {
    let [_, classes, height, width] = prediction.nchw();
    let pixels = height * width;
    let weights = settings.weights(classes);
    let mut grad = Tensor::zeros(prediction.shape());
    let (mut loss, mut weight) = (T::default(), T::default());
    let (mut correct, mut count) = (0, 0);
    for (row, label) in target.labels().iter().enumerate().take(samples * pixels) {
        let Some(class) = settings.class(*label, classes) else { continue };
        let first = row / pixels * classes * pixels + row % pixels;
        let scores: Vec<T> = (0..classes).map(|c| prediction.data()[first + c * pixels]).collect();
        let (row_loss, row_grad) = of_row(&scores, class);
        loss += row_loss;
        for (c, row_grad) in row_grad.into_iter().enumerate() {
            grad.data_mut()[first + c * pixels] = row_grad;
        }
        weight += T::of(weights[class].into());
        correct += usize::from(first_maximum(&scores) == class);
        count += 1;
    }
    if settings.reduction == Reduction::Mean {
        loss = loss / weight;
        if count > 0 {
            grad = grad.map(|g| g / weight);
        }
    }
    Measured { loss, weight, correct, count, grad }
}

/// The class with the largest score, the first of them where there are several.
pub(super) fn first_maximum<T: Real>(scores: &[T]) -> usize {
    (1..scores.len()).fold(0, |best, class| if scores[class] > scores[best] { class } else { best })
}

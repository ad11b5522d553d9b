//! The CPU twin of the binary cross-entropy of logits.

use super::elementwise_loss::{measure, softplus_and_sigmoid};
use super::{LossTwin, Measured, Real};
use crate::Tensor;
use crate::ops::{BceWithLogits, Loss, Target};

impl<T: Real> LossTwin<T> for BceWithLogits {
    fn measure(&self, prediction: &Tensor<T>, target: Target<'_, T>, samples: usize) -> Measured<T> {
        let weights = self.weights(prediction.nchw()[1]);
        measure(self.reduction(), prediction, target, samples, |channel, x, t| {
            let ([softplus, of_minus], [sigmoid, complement]) = softplus_and_sigmoid(x);
            let positive = T::of(weights[channel].into()) * t;
            let negative = T::of(1.0) - t;
            (negative * softplus + positive * of_minus, negative * sigmoid - positive * complement)
        })
    }
}

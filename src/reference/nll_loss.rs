//! The CPU twin of the negative log-likelihood.

use super::class_loss::measure;
use super::{LossTwin, Measured, Real};
use crate::Tensor;
use crate::ops::{NllLoss, Target};

impl<T: Real> LossTwin<T> for NllLoss {
    fn measure(&self, prediction: &Tensor<T>, target: Target<'_, T>, samples: usize) -> Measured<T> {
        let classes = prediction.nchw()[1];
        let weights = self.settings.weights(classes);
        measure(&self.settings, prediction, target, samples, |scores, label| {
            let weight = T::of(weights[label].into());
            let mut grad = vec![T::default(); classes];
            grad[label] = -weight;
            (-(weight * scores[label]), grad)
        })
    }
}

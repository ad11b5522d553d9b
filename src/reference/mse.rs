//! The CPU twin of the mean squared error.

use super::elementwise_loss::measure;
use super::{LossTwin, Measured, Real};
use crate::Tensor;
use crate::ops::{Loss, Mse, Target};

impl<T: Real> LossTwin<T> for Mse {
    fn measure(&self, prediction: &Tensor<T>, target: Target<'_, T>, samples: usize) -> Measured<T> {
        measure(self.reduction(), prediction, target, samples, |_, x, t| {
            let difference = x - t;
            (difference * difference, T::of(2.0) * difference)
        })
    }
}

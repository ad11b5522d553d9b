//! The CPU twin of the mean absolute error.

use super::elementwise_loss::measure;
use super::smooth_l1::sign;
use super::{LossTwin, Measured, Real};
use crate::Tensor;
use crate::ops::{L1, Loss, Target};

impl<T: Real> LossTwin<T> for L1 {
    fn measure(&self, prediction: &Tensor<T>, target: Target<'_, T>, samples: usize) -> Measured<T> {
        measure(self.reduction(), prediction, target, samples, |_, x, t| ((x - t).abs(), sign(x - t)))
    }
}

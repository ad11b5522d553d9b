//! The CPU twin of smooth L1.

use super::elementwise_loss::measure;
use super::{LossTwin, Measured, Real};
use crate::Tensor;
use crate::ops::{SmoothL1, Target};

impl<T: Real> LossTwin<T> for SmoothL1 {
    fn measure(&self, prediction: &Tensor<T>, target: Target<'_, T>, samples: usize) -> Measured<T> {
        let (beta, half) = (T::of(self.beta.into()), T::of(0.5));
        measure(self.reduction, prediction, target, samples, |_, x, t| {
            let difference = x - t;
            let distance = difference.abs();
            if distance < beta {
                (half * distance * (distance / beta), difference / beta)
            } else {
                (distance - half * beta, sign(difference))
            }
        })
    }
}

/// −1, 0 or 1.
pub(super) fn sign<T: Real>(x: T) -> T {
    let zero = T::default();
    T::of(f64::from(i8::from(x > zero) - i8::from(x < zero)))
}

//! The CPU twin of the sigmoid focal loss.

use super::elementwise_loss::{measure, softplus_and_sigmoid};
use super::{LossTwin, Measured, Real};
use crate::Tensor;
use crate::ops::{SigmoidFocal, Target};

impl<T: Real> LossTwin<T> for SigmoidFocal {
    fn measure(&self, prediction: &Tensor<T>, target: Target<'_, T>, samples: usize) -> Measured<T> {
        let (zero, one) = (T::default(), T::of(1.0));
        let (alpha, gamma) = (T::of(self.alpha.into()), T::of(self.gamma.into()));
        measure(self.reduction, prediction, target, samples, |_, x, t| {
            let ([softplus, of_minus], [sigmoid, complement]) = softplus_and_sigmoid(x);
            let negative = one - t;
            let cross_entropy = negative * softplus + t * of_minus;
            let own = negative * sigmoid - t * complement;
            // 1 − p_t, and how it changes with x relative to itself: it need not be raised to γ − 1 then.
            let miss = negative * sigmoid + t * complement;
            let slope = if miss == zero { zero } else { (negative - t) * sigmoid * complement / miss };
            let share = if alpha < zero { one } else { alpha * t + (one - alpha) * negative };
            let factor = share * miss.powf(gamma);
            (factor * cross_entropy, factor * (own + gamma * cross_entropy * slope))
        })
    }
}

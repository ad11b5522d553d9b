//! The CPU twin of RMSprop.

use super::{OptimizerTwin, Real};
use crate::ops::{RmsProp, StepState, UpdateControl};

impl<T: Real> OptimizerTwin<T> for RmsProp {
    /// The state is the mean square, then where it is centered the mean, then with momentum the direction.
    fn apply(
        &self,
        parameter: &mut [T],
        gradient: &[T],
        state: &mut [Vec<T>],
        step: &StepState,
        control: &UpdateControl,
    ) {
        if control.skip != 0 {
            return;
        }
        let (settings, centered) = self.settings();
        let [alpha, eps, weight_decay, momentum] = settings.map(|x| T::of(x.into()));
        let [learning_rate, scale, one, half] =
            [step.learning_rate, control.gradient_scale, 1.0, 0.5].map(|x| T::of(x.into()));
        for (i, (p, g)) in parameter.iter_mut().zip(gradient).enumerate() {
            let g = scale * *g + weight_decay * *p;
            state[0][i] = alpha * state[0][i] + (one - alpha) * g * g;
            let mut variance = state[0][i];
            if centered {
                let mean = alpha * state[1][i] + (one - alpha) * g;
                state[1][i] = mean;
                variance = variance - mean * mean;
            }
            let mut direction = g / (variance.powf(half) + eps);
            if momentum > T::default() {
                let kept = &mut state[1 + usize::from(centered)][i];
                *kept = momentum * *kept + direction;
                direction = *kept;
            }
            *p = *p - learning_rate * direction;
        }
    }
}

//! The CPU twin of stochastic gradient descent.

use super::{OptimizerTwin, Real};
use crate::ops::{Sgd, StepState, UpdateControl};

impl<T: Real> OptimizerTwin<T> for Sgd {
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
        let (momentum, dampening, weight_decay, nesterov) = self.settings();
        let [momentum, dampening, weight_decay, learning_rate, scale] =
            [momentum, dampening, weight_decay, step.learning_rate, control.gradient_scale]
                .map(|x| T::of(x.into()));
        let is_first = step.step == control.skipped;
        for (i, (p, g)) in parameter.iter_mut().zip(gradient).enumerate() {
            let g = scale * *g + weight_decay * *p;
            let direction = match state.first_mut() {
                None => g,
                Some(velocity) => {
                    let v = &mut velocity[i];
                    *v = if is_first { g } else { momentum * *v + (T::of(1.0) - dampening) * g };
                    if nesterov { g + momentum * *v } else { *v }
                }
            };
            *p = *p - learning_rate * direction;
        }
    }
}

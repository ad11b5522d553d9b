//! What the CPU twins of Adam and AdamW have in common.

use super::Real;
use crate::ops::moments::Moments;
use crate::ops::{StepState, UpdateControl};

/// One step of Adam. Its weight decay is part of the gradient, or `decoupled` from it.
pub(super) fn apply<T: Real>(
    moments: &Moments,
    decoupled: bool,
    parameter: &mut [T],
    gradient: &[T],
    state: &mut [Vec<T>],
    step: &StepState,
    control: &UpdateControl,
) {
    if control.skip != 0 {
        return;
    }
    let Moments { betas, eps, weight_decay, amsgrad, .. } = *moments;
    let of = |x: f32| T::of(x.into());
    let [beta1, beta2] = betas.map(of);
    let steps = f64::from(step.step.wrapping_sub(control.skipped)) + 1.0;
    let [correction1, correction2] = betas.map(|beta| T::of(1.0 - f64::from(beta).powf(steps)));
    let (one, learning_rate, weight_decay) = (of(1.0), of(step.learning_rate), of(weight_decay));
    for (i, (p, g)) in parameter.iter_mut().zip(gradient).enumerate() {
        let mut g = of(control.gradient_scale) * *g;
        if decoupled {
            *p = *p - learning_rate * weight_decay * *p;
        } else {
            g += weight_decay * *p;
        }
        state[0][i] = beta1 * state[0][i] + (one - beta1) * g;
        state[1][i] = beta2 * state[1][i] + (one - beta2) * g * g;
        let (mean, mut square) = (state[0][i], state[1][i]);
        if amsgrad {
            if state[2][i] > square {
                square = state[2][i];
            }
            state[2][i] = square;
        }
        let root = (square / correction2).powf(of(0.5)) + of(eps);
        *p = *p - learning_rate * (mean / correction1) / root;
    }
}

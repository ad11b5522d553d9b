//! The CPU twin of what is decided before an update.

use super::Real;
use crate::ops::{UpdateControl, UpdateOptions};

/// What the updates of a step with these gradients are told, after the step with `control`. What an f32 does not hold
/// is an overflow here too, so that in f64 the same steps are skipped as on a GPU.
pub(super) fn decide<'a, T: Real>(
    options: &UpdateOptions,
    control: UpdateControl,
    gradients: impl Iterator<Item = &'a [T]>,
) -> UpdateControl {
    let mut sum = 0.0;
    let mut overflow = false;
    for gradient in gradients.flatten() {
        let gradient = gradient.f64();
        overflow |= !(gradient as f32).is_finite();
        sum += gradient * gradient;
    }
    let mut next = options.loss_scaling.map_or(control, |scaling| scaling.next(control, overflow));
    next.skip = overflow.into();
    if overflow {
        next.skipped += 1;
        return next;
    }
    let scale = f64::from(control.loss_scale);
    let norm = sum.sqrt() / scale;
    let clip = options.clip_grad_norm.map_or(1.0, |most| (f64::from(most) / (norm + 1e-6)).min(1.0));
    UpdateControl { gradient_scale: (clip / scale) as f32, gradient_norm: norm as f32, ..next }
}

//! The CPU twin of AdamW.

use super::{OptimizerTwin, Real, moments};
use crate::ops::{AdamW, StepState, UpdateControl};

impl<T: Real> OptimizerTwin<T> for AdamW {
    fn apply(
        &self,
        parameter: &mut [T],
        gradient: &[T],
        state: &mut [Vec<T>],
        step: &StepState,
        control: &UpdateControl,
    ) {
        moments::apply(self.moments(), true, parameter, gradient, state, step, control);
    }
}

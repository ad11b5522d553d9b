//! The CPU twin of Adam.

use super::{OptimizerTwin, Real, moments};
use crate::ops::{Adam, StepState, UpdateControl};

impl<T: Real> OptimizerTwin<T> for Adam {
    fn apply(
        &self,
        parameter: &mut [T],
        gradient: &[T],
        state: &mut [Vec<T>],
        step: &StepState,
        control: &UpdateControl,
    ) {
        moments::apply(self.moments(), false, parameter, gradient, state, step, control);
    }
}

//! Adam.

use super::moments::Moments;
use super::program::kernel;
use super::registry::{Attributes, FromAttributes};
use super::{Optimizer, Refusal, UpdatePass};
use crate::Result;

/// Adam (Kingma and Ba 2015, arXiv:1412.6980) by PyTorch's rule. With gradient g, parameter p, betas β₁ and β₂, and
/// n the number of steps taken with this one:
///
/// ```text
/// g ← g + weight_decay · p
/// m ← β₁ · m + (1 − β₁) · g
/// v ← β₂ · v + (1 − β₂) · g²
/// p ← p − learning_rate · m / (1 − β₁ⁿ) / (√(v / (1 − β₂ⁿ)) + eps)
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adam(Moments);

impl Adam {
    /// Adam with this learning rate, 0.001 being usual.
    pub fn new(learning_rate: f32) -> Self {
        Self(Moments::new(learning_rate, 0.0))
    }

    /// How much of the mean and of the mean square of the gradients is kept from step to step: each at least 0 and
    /// less than 1; 0.9 and 0.999 unless said otherwise.
    pub fn betas(mut self, first: f32, second: f32) -> Self {
        self.0.betas = [first, second];
        self
    }

    /// What is added to the root before it divides: more than 0, and 10⁻⁸ unless said otherwise.
    pub fn eps(mut self, eps: f32) -> Self {
        self.0.eps = eps;
        self
    }

    /// How much of the parameter is added to its gradient, 0 or more. [`AdamW`](super::AdamW) decays parameters
    /// whatever their gradients.
    pub fn weight_decay(mut self, weight_decay: f32) -> Self {
        self.0.weight_decay = weight_decay;
        self
    }

    /// Whether to divide by the largest mean square so far instead (Reddi, Kale and Kumar 2018, arXiv:1904.09237).
    pub fn amsgrad(mut self, amsgrad: bool) -> Self {
        self.0.amsgrad = amsgrad;
        self
    }

    /// The settings, for the CPU twin.
    pub(crate) fn moments(&self) -> &Moments {
        &self.0
    }
}

impl FromAttributes for Adam {
    const NAME: &'static str = "adam";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        Self::new(1e-3).0.with_attributes(attributes).map(Self)
    }
}

impl Optimizer for Adam {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn check(&self) -> Result<()> {
        self.0.check()
    }

    fn state_tensors(&self) -> usize {
        self.0.state_tensors()
    }

    fn learning_rate(&self) -> f32 {
        self.0.learning_rate
    }

    fn update(&self, pass: UpdatePass<'_>) {
        self.0.update(Self::NAME, [kernel!("adam/update"), kernel!("adam/update_amsgrad")], pass);
    }
}

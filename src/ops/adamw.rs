//! Adam with decoupled weight decay.

use super::moments::Moments;
use super::program::kernel;
use super::registry::{Attributes, FromAttributes};
use super::{Optimizer, Refusal, UpdatePass};
use crate::Result;

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101) by PyTorch's rule. With gradient
/// g, parameter p, betas β₁ and β₂, and n the number of steps taken with this one:
///
/// ```text
/// p ← p − learning_rate · weight_decay · p
/// m ← β₁ · m + (1 − β₁) · g
/// v ← β₂ · v + (1 − β₂) · g²
/// p ← p − learning_rate · m / (1 − β₁ⁿ) / (√(v / (1 − β₂ⁿ)) + eps)
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamW(Moments);

impl AdamW {
    /// AdamW with this learning rate, 0.001 being usual.
    pub fn new(learning_rate: f32) -> Self {
        Self(Moments::new(learning_rate, 0.01))
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

    /// The part of a parameter, times the learning rate, that it loses in a step: 0 or more, and 0.01 unless said
    /// otherwise.
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

impl FromAttributes for AdamW {
    const NAME: &'static str = "adamw";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        Self::new(1e-3).0.with_attributes(attributes).map(Self)
    }
}

impl Optimizer for AdamW {
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
        self.0.update(Self::NAME, [kernel!("adamw/update"), kernel!("adamw/update_amsgrad")], pass);
    }
}

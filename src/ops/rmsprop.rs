//! RMSprop.

use super::program::kernel;
use super::registry::{Attributes, FromAttributes};
use super::{Optimizer, Refusal, UpdatePass, elementwise, setting};
use crate::Result;

/// RMSprop (Tieleman and Hinton 2012) by PyTorch's rule. With gradient g and parameter p:
///
/// ```text
/// g ← g + weight_decay · p
/// v ← alpha · v + (1 − alpha) · g²
/// m ← alpha · m + (1 − alpha) · g              (centered; 0 otherwise)
/// b ← momentum · b + g / (√(v − m²) + eps)
/// p ← p − learning_rate · b
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RmsProp {
    learning_rate: f32,
    alpha: f32,
    eps: f32,
    weight_decay: f32,
    momentum: f32,
    centered: bool,
}

impl RmsProp {
    /// RMSprop with this learning rate, 0.01 being usual.
    pub fn new(learning_rate: f32) -> Self {
        Self { learning_rate, alpha: 0.99, eps: 1e-8, weight_decay: 0.0, momentum: 0.0, centered: false }
    }

    /// How much of the mean square of the gradients is kept from step to step: at least 0 and less than 1, and 0.99
    /// unless said otherwise.
    pub fn alpha(mut self, alpha: f32) -> Self {
        self.alpha = alpha;
        self
    }

    /// What is added to the root before it divides: more than 0, and 10⁻⁸ unless said otherwise.
    pub fn eps(mut self, eps: f32) -> Self {
        self.eps = eps;
        self
    }

    /// How much of the parameter is added to its gradient, 0 or more.
    pub fn weight_decay(mut self, weight_decay: f32) -> Self {
        self.weight_decay = weight_decay;
        self
    }

    /// How much of the direction is kept from step to step: at least 0 and less than 1.
    pub fn momentum(mut self, momentum: f32) -> Self {
        self.momentum = momentum;
        self
    }

    /// Whether to divide by the gradients' standard deviation instead (Graves 2013, arXiv:1308.0850).
    pub fn centered(mut self, centered: bool) -> Self {
        self.centered = centered;
        self
    }

    /// Alpha, eps, weight decay and momentum, and whether it is centered; for the CPU twin.
    pub(crate) fn settings(&self) -> ([f32; 4], bool) {
        ([self.alpha, self.eps, self.weight_decay, self.momentum], self.centered)
    }
}

impl FromAttributes for RmsProp {
    const NAME: &'static str = "rmsprop";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self {
            learning_rate: attributes.f64("lr", 1e-2)? as f32,
            alpha: attributes.f64("alpha", 0.99)? as f32,
            eps: attributes.f64("eps", 1e-8)? as f32,
            weight_decay: attributes.f64("weight_decay", 0.0)? as f32,
            momentum: attributes.f64("momentum", 0.0)? as f32,
            centered: attributes.bool("centered", false)?,
        })
    }
}

impl Optimizer for RmsProp {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn check(&self) -> Result<()> {
        setting::check_learning_rate(self.learning_rate)?;
        setting::fraction("alpha", self.alpha)?;
        setting::above_zero("eps", self.eps)?;
        setting::from_zero("the weight decay", self.weight_decay)?;
        setting::fraction("the momentum", self.momentum)
    }

    /// The mean square, or centered the variance and the mean, and with momentum the direction.
    fn state_tensors(&self) -> usize {
        1 + usize::from(self.centered) + usize::from(self.momentum != 0.0)
    }

    fn learning_rate(&self) -> f32 {
        self.learning_rate
    }

    fn update(&self, pass: UpdatePass<'_>) {
        let moves = self.momentum != 0.0;
        let kernel = match (self.centered, moves) {
            (false, false) => kernel!("rmsprop/update"),
            (false, true) => kernel!("rmsprop/update_momentum"),
            (true, false) => kernel!("rmsprop/update_centered"),
            (true, true) => kernel!("rmsprop/update_centered_momentum"),
        };
        let mut dispatch = elementwise::over_quads(Self::NAME, kernel, pass.quads)
            .constant("ALPHA", self.alpha)
            .constant("EPS", self.eps)
            .constant("WEIGHT_DECAY", self.weight_decay)
            .update(pass.parameters)
            .read(pass.gradients)
            .flops(48 * pass.quads as u64);
        if moves {
            dispatch = dispatch.constant("MOMENTUM", self.momentum);
        }
        for state in pass.state {
            dispatch = dispatch.update(*state);
        }
        pass.program.push(dispatch.read_uniform(pass.step).read_uniform(pass.control));
    }
}

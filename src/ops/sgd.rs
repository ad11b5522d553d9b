//! Stochastic gradient descent, with or without momentum.

use super::program::kernel;
use super::registry::{Attributes, FromAttributes};
use super::{Optimizer, Refusal, UpdatePass, elementwise, setting};
use crate::Result;

/// Stochastic gradient descent by PyTorch's rule. With gradient g, parameter p and velocity v:
///
/// ```text
/// g ← g + weight_decay · p
/// v ← g in the first step, momentum · v + (1 − dampening) · g later      (with momentum)
/// p ← p − learning_rate · v                                             (g without momentum,
///                                                                        g + momentum · v with Nesterov's)
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sgd {
    learning_rate: f32,
    momentum: f32,
    dampening: f32,
    weight_decay: f32,
    nesterov: bool,
}

impl Sgd {
    /// Plain descent with this learning rate.
    pub fn new(learning_rate: f32) -> Self {
        Self { learning_rate, momentum: 0.0, dampening: 0.0, weight_decay: 0.0, nesterov: false }
    }

    /// How much of the velocity is kept from step to step: at least 0 and less than 1.
    pub fn momentum(mut self, momentum: f32) -> Self {
        self.momentum = momentum;
        self
    }

    /// How much of the gradient does not enter the velocity, from 0 to 1.
    pub fn dampening(mut self, dampening: f32) -> Self {
        self.dampening = dampening;
        self
    }

    /// How much of the parameter is added to its gradient, 0 or more.
    pub fn weight_decay(mut self, weight_decay: f32) -> Self {
        self.weight_decay = weight_decay;
        self
    }

    /// Whether to look ahead along the velocity (Nesterov). Needs momentum and no dampening.
    pub fn nesterov(mut self, nesterov: bool) -> Self {
        self.nesterov = nesterov;
        self
    }

    /// Momentum, dampening and weight decay, and whether it is Nesterov's; for the CPU twin.
    pub(crate) fn settings(&self) -> (f32, f32, f32, bool) {
        (self.momentum, self.dampening, self.weight_decay, self.nesterov)
    }
}

impl FromAttributes for Sgd {
    const NAME: &'static str = "sgd";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self {
            learning_rate: attributes.f64("lr", 1e-3)? as f32,
            momentum: attributes.f64("momentum", 0.0)? as f32,
            dampening: attributes.f64("dampening", 0.0)? as f32,
            weight_decay: attributes.f64("weight_decay", 0.0)? as f32,
            nesterov: attributes.bool("nesterov", false)?,
        })
    }
}

impl Optimizer for Sgd {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn check(&self) -> Result<()> {
        let Self { learning_rate, momentum, dampening, weight_decay, nesterov } = *self;
        setting::check_learning_rate(learning_rate)?;
        setting::fraction("the momentum", momentum)?;
        setting::require((0.0..=1.0).contains(&dampening), "the dampening", dampening, "from 0 to 1")?;
        setting::from_zero("the weight decay", weight_decay)?;
        let moves = !nesterov || momentum > 0.0;
        setting::require(moves, "the momentum", momentum, "more than 0 with Nesterov's")?;
        let undamped = !nesterov || dampening == 0.0;
        setting::require(undamped, "the dampening", dampening, "0 with Nesterov's momentum")
    }

    fn state_tensors(&self) -> usize {
        usize::from(self.momentum != 0.0)
    }

    fn learning_rate(&self) -> f32 {
        self.learning_rate
    }

    fn update(&self, pass: UpdatePass<'_>) {
        let dispatch = match pass.state {
            [] => elementwise::over_quads(Self::NAME, kernel!("sgd/update"), pass.quads)
                .update(pass.parameters)
                .read(pass.gradients)
                .flops(16 * pass.quads as u64),
            [velocities, ..] => {
                elementwise::over_quads(Self::NAME, kernel!("sgd/update_momentum"), pass.quads)
                    .constant("MOMENTUM", self.momentum)
                    .constant("DAMPENING", self.dampening)
                    .constant("NESTEROV", self.nesterov)
                    .update(pass.parameters)
                    .read(pass.gradients)
                    .update(*velocities)
                    .flops(28 * pass.quads as u64)
            }
        };
        let dispatch = dispatch.constant("WEIGHT_DECAY", self.weight_decay);
        pass.program.push(dispatch.read_uniform(pass.step).read_uniform(pass.control));
    }
}

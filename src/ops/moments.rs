//! What Adam and AdamW have in common: estimates of the gradients' mean and mean square. No operator of its own.

use super::program::Kernel;
use super::registry::Attributes;
use super::{Refusal, UpdatePass, elementwise, setting};
use crate::Result;

/// The settings of an optimizer of the Adam family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Moments {
    pub learning_rate: f32,
    pub betas: [f32; 2],
    pub eps: f32,
    pub weight_decay: f32,
    pub amsgrad: bool,
}

impl Moments {
    /// PyTorch's defaults.
    pub fn new(learning_rate: f32, weight_decay: f32) -> Self {
        Self { learning_rate, betas: [0.9, 0.999], eps: 1e-8, weight_decay, amsgrad: false }
    }

    /// These settings, but for what is among the attributes.
    pub fn with_attributes(self, attributes: &Attributes) -> Result<Self, Refusal> {
        let betas = match attributes.numbers("betas")?.as_deref() {
            None => self.betas,
            Some([first, second]) => [*first as f32, *second as f32],
            Some(other) => return Err(format!("attribute betas is {other:?}; it must be two numbers")),
        };
        Ok(Self {
            learning_rate: attributes.f64("lr", self.learning_rate.into())? as f32,
            betas,
            eps: attributes.f64("eps", self.eps.into())? as f32,
            weight_decay: attributes.f64("weight_decay", self.weight_decay.into())? as f32,
            amsgrad: attributes.bool("amsgrad", self.amsgrad)?,
        })
    }

    pub fn check(&self) -> Result<()> {
        setting::check_learning_rate(self.learning_rate)?;
        setting::fraction("the first beta", self.betas[0])?;
        setting::fraction("the second beta", self.betas[1])?;
        setting::above_zero("eps", self.eps)?;
        setting::from_zero("the weight decay", self.weight_decay)
    }

    /// The mean, the mean square, and for AMSGrad the largest mean square so far.
    pub fn state_tensors(&self) -> usize {
        if self.amsgrad { 3 } else { 2 }
    }

    /// Appends the one dispatch of an update, by the second of the kernels for AMSGrad.
    pub fn update(&self, name: &str, kernels: [Kernel; 2], pass: UpdatePass<'_>) {
        let [beta1, beta2] = self.betas;
        let mut dispatch = elementwise::over_quads(name, kernels[usize::from(self.amsgrad)], pass.quads)
            .constant("BETA1", beta1)
            .constant("BETA2", beta2)
            .constant("LOG_BETA1", logarithm(beta1))
            .constant("LOG_BETA2", logarithm(beta2))
            .constant("EPS", self.eps)
            .constant("WEIGHT_DECAY", self.weight_decay)
            .update(pass.parameters)
            .read(pass.gradients)
            .flops(64 * pass.quads as u64);
        for state in pass.state {
            dispatch = dispatch.update(*state);
        }
        pass.program.push(dispatch.read_uniform(pass.step).read_uniform(pass.control));
    }
}

/// The logarithm of a beta; of zero one that is finite, and so low that f32 has no power of it.
fn logarithm(beta: f32) -> f64 {
    f64::from(beta).ln().max(-1000.0)
}

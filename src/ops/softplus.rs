//! Softplus: ln(1 + e^(βx)) / β.

use super::Refusal;
use super::elementwise::{self, Derivative, Function, Pointwise};
use super::program::kernel;
use super::registry::{Attributes, FromAttributes};

/// Softplus: ln(1 + e^(βx)) / β, and x itself where βx is above a threshold, as in PyTorch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Softplus {
    beta: f32,
    threshold: f32,
}

impl Softplus {
    /// With this β, above 0.
    pub fn new(beta: f32) -> Self {
        Self { beta, threshold: 20.0 }
    }

    /// Above which βx the function is x; 20 unless said otherwise.
    pub fn threshold(mut self, threshold: f32) -> Self {
        self.threshold = threshold;
        self
    }

    /// β and the threshold.
    pub(crate) fn settings(&self) -> (f32, f32) {
        (self.beta, self.threshold)
    }

    fn check(&self) -> Result<(), Refusal> {
        if !(self.beta.is_finite() && self.beta > 0.0) {
            return Err(format!("beta is {}; it must be a number above 0", self.beta));
        }
        if !self.threshold.is_finite() {
            return Err(format!("the threshold is {}; it must be a finite number", self.threshold));
        }
        Ok(())
    }

    fn pointwise(&self) -> Pointwise {
        let constants = [("BETA", self.beta), ("THRESHOLD", self.threshold)];
        Pointwise {
            forward: Function::new(kernel!("softplus/forward"), &constants),
            backward: Function::new(kernel!("softplus/backward_input"), &constants),
            derivative: Derivative::Input,
        }
    }
}

impl Default for Softplus {
    /// With a β of 1.
    fn default() -> Self {
        Self::new(1.0)
    }
}

impl FromAttributes for Softplus {
    const NAME: &'static str = "softplus";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        let [beta, threshold] = [attributes.f64("beta", 1.0)?, attributes.f64("threshold", 20.0)?];
        Ok(Self { beta: beta as f32, threshold: threshold as f32 })
    }
}

elementwise::operator!(Softplus, Softplus::check);

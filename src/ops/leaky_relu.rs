//! Leaky ReLU: x where x > 0, otherwise a fraction of x.

use super::Refusal;
use super::elementwise::{self, Derivative, Function, Pointwise};
use super::program::kernel;
use super::registry::{Attributes, FromAttributes};

/// Leaky ReLU: x where x > 0, otherwise `negative_slope` · x (Maas, Hannun and Ng 2013).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeakyRelu {
    negative_slope: f32,
}

impl LeakyRelu {
    /// With this slope for negative inputs.
    pub fn new(negative_slope: f32) -> Self {
        Self { negative_slope }
    }

    /// The slope for negative inputs.
    pub(crate) fn negative_slope(&self) -> f32 {
        self.negative_slope
    }

    fn check(&self) -> Result<(), Refusal> {
        if self.negative_slope.is_finite() {
            return Ok(());
        }
        Err(format!("the negative slope is {}; it must be a finite number", self.negative_slope))
    }

    fn pointwise(&self) -> Pointwise {
        let constants = [("NEGATIVE_SLOPE", self.negative_slope)];
        Pointwise {
            forward: Function::new(kernel!("leaky_relu/forward"), &constants),
            backward: Function::new(kernel!("leaky_relu/backward_input"), &constants),
            // The output has the sign of the input unless the slope turns it round.
            derivative: if self.negative_slope >= 0.0 { Derivative::Output } else { Derivative::Input },
        }
    }
}

impl Default for LeakyRelu {
    /// With PyTorch's slope of 0.01.
    fn default() -> Self {
        Self::new(0.01)
    }
}

impl FromAttributes for LeakyRelu {
    const NAME: &'static str = "leaky_relu";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self::new(attributes.f64("negative_slope", 0.01)? as f32))
    }
}

elementwise::operator!(LeakyRelu, LeakyRelu::check);

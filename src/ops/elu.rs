//! ELU: x where x > 0, otherwise α (e^x − 1).

use super::Refusal;
use super::elementwise::{self, Derivative, Function, Pointwise};
use super::program::kernel;
use super::registry::{Attributes, FromAttributes};

/// ELU: x where x > 0, otherwise `alpha` · (e^x − 1) (Clevert, Unterthiner and Hochreiter 2015, arXiv:1511.07289).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Elu {
    alpha: f32,
}

impl Elu {
    /// With this α, at least 0.
    pub fn new(alpha: f32) -> Self {
        Self { alpha }
    }

    /// α.
    pub(crate) fn alpha(&self) -> f32 {
        self.alpha
    }

    fn check(&self) -> Result<(), Refusal> {
        if self.alpha.is_finite() && self.alpha >= 0.0 {
            return Ok(());
        }
        Err(format!("alpha is {}; it must be a number from 0", self.alpha))
    }

    fn pointwise(&self) -> Pointwise {
        let constants = [("ALPHA", self.alpha)];
        Pointwise {
            forward: Function::new(kernel!("elu/forward"), &constants),
            backward: Function::new(kernel!("elu/backward_input"), &constants),
            derivative: Derivative::Output,
        }
    }
}

impl Default for Elu {
    /// With an α of 1.
    fn default() -> Self {
        Self::new(1.0)
    }
}

impl FromAttributes for Elu {
    const NAME: &'static str = "elu";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self::new(attributes.f64("alpha", 1.0)? as f32))
    }
}

elementwise::operator!(Elu, Elu::check);

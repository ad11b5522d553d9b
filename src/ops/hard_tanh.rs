//! Hard tanh: the identity between two bounds.

use super::Refusal;
use super::elementwise::{self, Derivative, Function, Pointwise};
use super::program::kernel;
use super::registry::{Attributes, FromAttributes};

/// Hard tanh: min(max(x, lowest), highest), between −1 and 1 unless said otherwise. ONNX calls it Clip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HardTanh {
    lowest: f32,
    highest: f32,
}

impl HardTanh {
    /// Between these bounds, the first less than the second.
    pub fn new(lowest: f32, highest: f32) -> Self {
        Self { lowest, highest }
    }

    /// The bounds.
    pub(crate) fn bounds(&self) -> (f32, f32) {
        (self.lowest, self.highest)
    }

    fn check(&self) -> Result<(), Refusal> {
        let Self { lowest, highest } = *self;
        if lowest.is_finite() && highest.is_finite() && lowest < highest {
            return Ok(());
        }
        Err(format!(
            "the bounds are {lowest} and {highest}; they must be finite, the first less than the second"
        ))
    }

    fn pointwise(&self) -> Pointwise {
        let bounds = [("LOWEST", self.lowest), ("HIGHEST", self.highest)];
        Pointwise {
            forward: Function::new(kernel!("hard_tanh/forward"), &bounds),
            backward: Function::new(kernel!("hard_tanh/backward_input"), &bounds),
            derivative: Derivative::Output,
        }
    }
}

impl Default for HardTanh {
    fn default() -> Self {
        Self::new(-1.0, 1.0)
    }
}

impl FromAttributes for HardTanh {
    const NAME: &'static str = "hard_tanh";

    /// `min_val` and `max_val`.
    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self::new(attributes.f64("min_val", -1.0)? as f32, attributes.f64("max_val", 1.0)? as f32))
    }
}

elementwise::operator!(HardTanh, HardTanh::check);

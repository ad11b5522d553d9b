//! Hard sigmoid: a line between 0 and 1.

use super::Refusal;
use super::elementwise::{self, Derivative, Function, Pointwise};
use super::program::kernel;
use super::registry::{Attributes, FromAttributes};

/// Hard sigmoid: min(max(α x + β, 0), 1), with PyTorch's α of 1/6 and β of 1/2 unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HardSigmoid {
    alpha: f32,
    beta: f32,
}

impl HardSigmoid {
    /// The line of this slope α that has the value β at 0. ONNX's has 0.2 and 0.5.
    pub fn new(alpha: f32, beta: f32) -> Self {
        Self { alpha, beta }
    }

    /// α and β.
    pub(crate) fn settings(&self) -> (f32, f32) {
        (self.alpha, self.beta)
    }

    fn check(&self) -> Result<(), Refusal> {
        for (name, value) in [("alpha", self.alpha), ("beta", self.beta)] {
            if !value.is_finite() {
                return Err(format!("{name} is {value}; it must be a finite number"));
            }
        }
        Ok(())
    }

    fn pointwise(&self) -> Pointwise {
        let (alpha, beta) = (("ALPHA", self.alpha), ("BETA", self.beta));
        Pointwise {
            forward: Function::new(kernel!("hard_sigmoid/forward"), &[alpha, beta]),
            backward: Function::new(kernel!("hard_sigmoid/backward_input"), &[alpha]),
            derivative: Derivative::Output,
        }
    }
}

impl Default for HardSigmoid {
    fn default() -> Self {
        Self::new(1.0 / 6.0, 0.5)
    }
}

impl FromAttributes for HardSigmoid {
    const NAME: &'static str = "hard_sigmoid";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        let [alpha, beta] = [attributes.f64("alpha", 1.0 / 6.0)?, attributes.f64("beta", 0.5)?];
        Ok(Self::new(alpha as f32, beta as f32))
    }
}

elementwise::operator!(HardSigmoid, HardSigmoid::check);

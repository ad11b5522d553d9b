//! Hyperbolic tangent.

use super::Refusal;
use super::elementwise::{self, Derivative, Function, Pointwise};
use super::program::kernel;
use super::registry::{Attributes, FromAttributes};

/// Hyperbolic tangent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tanh;

impl FromAttributes for Tanh {
    const NAME: &'static str = "tanh";

    fn from_attributes(_attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self)
    }
}

impl Tanh {
    fn pointwise(&self) -> Pointwise {
        Pointwise {
            forward: Function::new(kernel!("tanh/forward"), &[]),
            backward: Function::new(kernel!("tanh/backward_input"), &[]),
            derivative: Derivative::Output,
        }
    }
}

elementwise::operator!(Tanh);

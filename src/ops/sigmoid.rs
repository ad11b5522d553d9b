//! Sigmoid: 1 /.

use super::Refusal;
use super::elementwise::{self, Derivative, Function, Pointwise};
use super::program::kernel;
use super::registry::{Attributes, FromAttributes};

/// Sigmoid: 1 / (1 + e^(−x)).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sigmoid;

impl FromAttributes for Sigmoid {
    const NAME: &'static str = "sigmoid";

    fn from_attributes(_attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self)
    }
}

impl Sigmoid {
    fn pointwise(&self) -> Pointwise {
        Pointwise {
            forward: Function::new(kernel!("sigmoid/forward"), &[]),
            backward: Function::new(kernel!("sigmoid/backward_input"), &[]),
            derivative: Derivative::Output,
        }
    }
}

elementwise::operator!(Sigmoid);

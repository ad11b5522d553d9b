//! ReLU: max(x, 0).

use super::Refusal;
use super::elementwise::{self, Derivative, Function, Pointwise};
use super::program::kernel;
use super::registry::{Attributes, FromAttributes};

/// ReLU: max(x, 0).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Relu;

impl FromAttributes for Relu {
    const NAME: &'static str = "relu";

    fn from_attributes(_attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self)
    }
}

impl Relu {
    fn pointwise(&self) -> Pointwise {
        Pointwise {
            forward: Function::new(kernel!("relu/forward"), &[]),
            backward: Function::new(kernel!("relu/backward_input"), &[]),
            derivative: Derivative::Output,
        }
    }
}

elementwise::operator!(Relu);

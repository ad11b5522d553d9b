//! ReLU6: min(max(x, 0), 6).

use super::Refusal;
use super::elementwise::{self, Derivative, Function, Pointwise};
use super::program::kernel;
use super::registry::{Attributes, FromAttributes};

/// ReLU6: min(max(x, 0), 6) (Krizhevsky 2010).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Relu6;

impl FromAttributes for Relu6 {
    const NAME: &'static str = "relu6";

    fn from_attributes(_attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self)
    }
}

impl Relu6 {
    fn pointwise(&self) -> Pointwise {
        Pointwise {
            forward: Function::new(kernel!("relu6/forward"), &[]),
            backward: Function::new(kernel!("relu6/backward_input"), &[]),
            derivative: Derivative::Output,
        }
    }
}

elementwise::operator!(Relu6);

//! SiLU, or swish: x · sigmoid(x).

use super::Refusal;
use super::elementwise::{self, Derivative, Function, Pointwise};
use super::program::kernel;
use super::registry::{Attributes, FromAttributes};

/// SiLU, or swish: x · sigmoid(x) (Elfwing, Uchibe and Doya 2018, arXiv:1702.03118).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Silu;

impl FromAttributes for Silu {
    const NAME: &'static str = "silu";

    fn from_attributes(_attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self)
    }
}

impl Silu {
    fn pointwise(&self) -> Pointwise {
        Pointwise {
            forward: Function::new(kernel!("silu/forward"), &[]),
            backward: Function::new(kernel!("silu/backward_input"), &[]),
            derivative: Derivative::Input,
        }
    }
}

elementwise::operator!(Silu);

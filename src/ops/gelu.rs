//! GELU: x · Φ(x), Φ being the standard normal distribution function.

use super::Refusal;
use super::elementwise::{self, Derivative, Function, Pointwise};
use super::program::kernel;
use super::registry::{Attributes, FromAttributes};

/// GELU: x · Φ(x), Φ being the standard normal distribution function (Hendrycks and Gimpel 2016,
/// arXiv:1606.08415).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gelu;

impl FromAttributes for Gelu {
    const NAME: &'static str = "gelu";

    fn from_attributes(_attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self)
    }
}

impl Gelu {
    fn pointwise(&self) -> Pointwise {
        Pointwise {
            forward: Function::new(kernel!("gelu/forward"), &[]),
            backward: Function::new(kernel!("gelu/backward_input"), &[]),
            derivative: Derivative::Input,
        }
    }
}

elementwise::operator!(Gelu);

//! Hard swish: x · min(max(x + 3, 0), 6) / 6.

use super::Refusal;
use super::elementwise::{self, Derivative, Function, Pointwise};
use super::program::kernel;
use super::registry::{Attributes, FromAttributes};

/// Hard swish: x · min(max(x + 3, 0), 6) / 6 (Howard et al. 2019, arXiv:1905.02244).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HardSwish;

impl FromAttributes for HardSwish {
    const NAME: &'static str = "hard_swish";

    fn from_attributes(_attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self)
    }
}

impl HardSwish {
    fn pointwise(&self) -> Pointwise {
        Pointwise {
            forward: Function::new(kernel!("hard_swish/forward"), &[]),
            backward: Function::new(kernel!("hard_swish/backward_input"), &[]),
            derivative: Derivative::Input,
        }
    }
}

elementwise::operator!(HardSwish);

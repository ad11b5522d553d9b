//! Mean squared error, the loss of regression.

use super::elementwise_loss::{ElementwiseLoss, loss};
use super::program::kernel;
use super::registry::{Attributes, FromAttributes};
use super::{Reduction, Refusal};
use crate::shape::Shape;

/// Squared error: `(x − t)²` for each element x of the prediction and t of the target, which has its shape.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mse {
    reduction: Reduction,
}

impl Mse {
    /// The mean over the elements.
    pub fn mean() -> Self {
        Self { reduction: Reduction::Mean }
    }

    /// The sum over the elements.
    pub fn sum() -> Self {
        Self { reduction: Reduction::Sum }
    }

    fn check(&self, _prediction: Shape) -> Result<(), Refusal> {
        Ok(())
    }

    fn kernels(&self, _prediction: Shape) -> ElementwiseLoss {
        ElementwiseLoss {
            name: Self::NAME,
            forward: kernel!("mse/forward"),
            backward: kernel!("mse/backward_input"),
            reduction: self.reduction,
            range: None,
            predictions: Shape::len,
            constants: vec![],
            weights: None,
            flops: 3,
        }
    }
}

impl FromAttributes for Mse {
    const NAME: &'static str = "mse";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self { reduction: attributes.reduction()? })
    }
}

loss!(Mse);

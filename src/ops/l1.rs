//! Mean absolute error, the loss of a regression that outliers should not rule.

use super::elementwise_loss::{ElementwiseLoss, loss};
use super::program::kernel;
use super::registry::{Attributes, FromAttributes};
use super::{Reduction, Refusal};
use crate::shape::Shape;

/// Absolute error: `|x − t|` for each element x of the prediction and t of the target, which has its shape.
/// Its gradient is 0 where they are equal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct L1 {
    reduction: Reduction,
}

impl L1 {
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
            forward: kernel!("l1/forward"),
            backward: kernel!("l1/backward_input"),
            reduction: self.reduction,
            range: None,
            predictions: Shape::len,
            constants: vec![],
            weights: None,
            flops: 3,
        }
    }
}

impl FromAttributes for L1 {
    const NAME: &'static str = "l1";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self { reduction: attributes.reduction()? })
    }
}

loss!(L1);

//! Generalised intersection over union, a loss of boxes that also draws those together which do not overlap.

use super::elementwise_loss::{ElementwiseLoss, loss};
use super::program::kernel;
use super::registry::{Attributes, FromAttributes};
use super::{Reduction, Refusal};
use crate::shape::Shape;

/// Generalised intersection over union (Rezatofighi et al. 2019, arXiv:1902.09630), with torchvision's semantics:
/// `1 − I / (U + ε) + (C − U) / (C + ε)` for each predicted box and its target, I being the area in which they
/// overlap, U that of both together and C that of the smallest box around both.
///
/// Boxes are four channels, x1, y1, x2 and y2 with x1 < x2 and y1 < y2: one box for each pixel of a sample. Boxes
/// without an area are taken as they are; their losses and gradients are finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Giou {
    pub(crate) reduction: Reduction,
    pub(crate) eps: f32,
}

impl Giou {
    /// The mean over the boxes.
    pub fn mean() -> Self {
        Self { reduction: Reduction::Mean, eps: 1e-7 }
    }

    /// The sum over the boxes.
    pub fn sum() -> Self {
        Self { reduction: Reduction::Sum, eps: 1e-7 }
    }

    /// What is added to an area before dividing by it, more than 0; 10⁻⁷ unless said otherwise.
    pub fn eps(mut self, eps: f32) -> Self {
        self.eps = eps;
        self
    }

    fn check(&self, prediction: Shape) -> Result<(), Refusal> {
        if prediction.channels != 4 {
            return Err(format!(
                "the network has {} outputs; a box takes 4: x1, y1, x2 and y2",
                prediction.channels
            ));
        }
        if self.eps.is_normal() && self.eps > 0.0 {
            return Ok(());
        }
        Err(format!("eps is {}; it must be a number above 0", self.eps))
    }

    fn kernels(&self, _prediction: Shape) -> ElementwiseLoss {
        ElementwiseLoss {
            name: Self::NAME,
            forward: kernel!("giou/forward"),
            backward: kernel!("giou/backward_input"),
            reduction: self.reduction,
            range: None,
            predictions: Shape::pixels,
            constants: vec![("EPS", self.eps.into())],
            weights: None,
            flops: 10,
        }
    }
}

impl FromAttributes for Giou {
    const NAME: &'static str = "giou";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self { reduction: attributes.reduction()?, eps: attributes.f64("eps", 1e-7)? as f32 })
    }
}

loss!(Giou);

//! Smooth L1, the absolute error with a round bottom: the loss of box regression.

use super::elementwise_loss::{ElementwiseLoss, loss};
use super::program::kernel;
use super::registry::{Attributes, FromAttributes};
use super::{Reduction, Refusal};
use crate::shape::Shape;

/// Smooth L1 (Girshick 2015, arXiv:1504.08083), with PyTorch's semantics: with the difference d = x − t of an
/// element of the prediction and of the target, `d² / (2 β)` where |d| < β, and `|d| − β / 2` elsewhere. With a
/// β of 0 it is the absolute error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SmoothL1 {
    pub(crate) reduction: Reduction,
    pub(crate) beta: f32,
}

impl SmoothL1 {
    /// The mean over the elements.
    pub fn mean() -> Self {
        Self { reduction: Reduction::Mean, beta: 1.0 }
    }

    /// The sum over the elements.
    pub fn sum() -> Self {
        Self { reduction: Reduction::Sum, beta: 1.0 }
    }

    /// The difference from which on the loss is straight, 0 or more; 1 unless said otherwise.
    pub fn beta(mut self, beta: f32) -> Self {
        self.beta = beta;
        self
    }

    fn check(&self, _prediction: Shape) -> Result<(), Refusal> {
        if self.beta.is_finite() && self.beta >= 0.0 {
            return Ok(());
        }
        Err(format!("beta is {}; it must be a number from 0", self.beta))
    }

    fn kernels(&self, _prediction: Shape) -> ElementwiseLoss {
        ElementwiseLoss {
            name: Self::NAME,
            forward: kernel!("smooth_l1/forward"),
            backward: kernel!("smooth_l1/backward_input"),
            reduction: self.reduction,
            range: None,
            predictions: Shape::len,
            constants: vec![("BETA", self.beta.into())],
            weights: None,
            flops: 6,
        }
    }
}

impl FromAttributes for SmoothL1 {
    const NAME: &'static str = "smooth_l1";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self { reduction: attributes.reduction()?, beta: attributes.f64("beta", 1.0)? as f32 })
    }
}

loss!(SmoothL1);

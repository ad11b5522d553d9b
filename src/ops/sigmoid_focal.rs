//! Sigmoid focal loss: binary cross-entropy that leaves alone what is right already, the loss of dense
//! detectors.

use super::elementwise_loss::{ElementwiseLoss, loss};
use super::program::kernel;
use super::registry::{Attributes, FromAttributes};
use super::{Reduction, Refusal};
use crate::shape::Shape;

/// Focal loss (Lin et al. 2017, arXiv:1708.02002) between logits x and targets t from 0 to 1, with torchvision's
/// semantics: for each element `α_t (1 − p_t)^γ` times the binary cross-entropy, with p the sigmoid of x,
/// `p_t = p t + (1 − p)(1 − t)` and `α_t = α t + (1 − α)(1 − t)`. The mean divides by the number of elements.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SigmoidFocal {
    pub(crate) reduction: Reduction,
    pub(crate) alpha: f32,
    pub(crate) gamma: f32,
}

impl SigmoidFocal {
    /// The mean over the elements.
    pub fn mean() -> Self {
        Self { reduction: Reduction::Mean, alpha: 0.25, gamma: 2.0 }
    }

    /// The sum over the elements.
    pub fn sum() -> Self {
        Self { reduction: Reduction::Sum, ..Self::mean() }
    }

    /// How much of the weight positive targets have, from 0 to 1; 0.25 unless said otherwise. A negative number
    /// leaves weights out.
    pub fn alpha(mut self, alpha: f32) -> Self {
        self.alpha = alpha;
        self
    }

    /// How little counts what is right already, 0 or more; 2 unless said otherwise. With 0 all count alike.
    pub fn gamma(mut self, gamma: f32) -> Self {
        self.gamma = gamma;
        self
    }

    fn check(&self, _prediction: Shape) -> Result<(), Refusal> {
        if !(self.alpha.is_finite() && self.alpha <= 1.0) {
            return Err(format!("alpha is {}; it must be from 0 to 1, or negative for none", self.alpha));
        }
        if !(self.gamma.is_finite() && self.gamma >= 0.0) {
            return Err(format!("gamma is {}; it must be a number from 0", self.gamma));
        }
        Ok(())
    }

    fn kernels(&self, prediction: Shape) -> ElementwiseLoss {
        ElementwiseLoss {
            name: Self::NAME,
            forward: kernel!("sigmoid_focal/forward"),
            backward: kernel!("sigmoid_focal/backward_input"),
            reduction: self.reduction,
            range: Some([0.0, 1.0]),
            predictions: Shape::len,
            constants: vec![
                ("CHANNELS", prediction.channels as f64),
                ("GAMMA", self.gamma.into()),
                ("ALPHA", self.alpha.into()),
            ],
            weights: None,
            flops: 30,
        }
    }
}

impl FromAttributes for SigmoidFocal {
    const NAME: &'static str = "sigmoid_focal";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self {
            reduction: attributes.reduction()?,
            alpha: attributes.f64("alpha", 0.25)? as f32,
            gamma: attributes.f64("gamma", 2.0)? as f32,
        })
    }
}

loss!(SigmoidFocal);

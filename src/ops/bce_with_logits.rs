//! Binary cross-entropy of logits: the loss of classes that do not exclude each other, and of masks.

use super::class_loss::check_weights;
use super::elementwise_loss::{ElementwiseLoss, loss};
use super::program::kernel;
use super::registry::{Attributes, FromAttributes};
use super::{Reduction, Refusal};
use crate::shape::Shape;

/// Binary cross-entropy between logits x and targets t from 0 to 1, with PyTorch's semantics: for each element
/// `−(p t log σ(x) + (1 − t) log (1 − σ(x)))`, σ being the sigmoid and p what a positive target of the channel
/// weighs. The mean divides by the number of elements, whatever they weigh.
#[derive(Debug, Clone, PartialEq)]
pub struct BceWithLogits {
    reduction: Reduction,
    pos_weight: Option<Vec<f32>>,
}

impl BceWithLogits {
    /// The mean over the elements.
    pub fn mean() -> Self {
        Self { reduction: Reduction::Mean, pos_weight: None }
    }

    /// The sum over the elements.
    pub fn sum() -> Self {
        Self { reduction: Reduction::Sum, pos_weight: None }
    }

    /// What a positive target weighs, 0 or more for each channel; 1 unless said otherwise.
    pub fn pos_weight(mut self, pos_weight: Vec<f32>) -> Self {
        self.pos_weight = Some(pos_weight);
        self
    }

    /// What a positive target weighs in each of `channels` channels.
    pub(crate) fn weights(&self, channels: usize) -> Vec<f32> {
        self.pos_weight.clone().unwrap_or_else(|| vec![1.0; channels])
    }

    fn check(&self, prediction: Shape) -> Result<(), Refusal> {
        check_weights(&self.weights(prediction.channels), prediction.channels, "channel")
            .map_err(|refusal| format!("pos_weight: {refusal}"))
    }

    fn kernels(&self, prediction: Shape) -> ElementwiseLoss {
        ElementwiseLoss {
            name: Self::NAME,
            forward: kernel!("bce_with_logits/forward"),
            backward: kernel!("bce_with_logits/backward_input"),
            reduction: self.reduction,
            range: Some([0.0, 1.0]),
            predictions: Shape::len,
            constants: vec![("CHANNELS", prediction.channels as f64)],
            weights: Some(self.weights(prediction.channels)),
            flops: 10,
        }
    }
}

impl FromAttributes for BceWithLogits {
    const NAME: &'static str = "bce_with_logits";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        let pos_weight = attributes.numbers("pos_weight")?;
        Ok(Self {
            reduction: attributes.reduction()?,
            pos_weight: pos_weight.map(|weights| weights.into_iter().map(|w| w as f32).collect()),
        })
    }
}

loss!(BceWithLogits);

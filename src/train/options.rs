//! What a trainer is told besides network, loss and optimizer.

use crate::ops::{LossScaling, UpdateOptions};
use crate::schedule::Tuning;

/// What a trainer is told besides network, loss and optimizer. Where that is only the number of images a step, the
/// number will do:
///
/// ```
/// use wgcnn::prelude::*;
/// use wgcnn::reference;
///
/// # fn main() -> wgcnn::Result<()> {
/// let network = Network::builder([1, 8, 8]).flatten().linear("fc", 10).build()?;
/// let (loss, optimizer) = (CrossEntropy::mean(), Adam::new(1e-3));
/// let plain: reference::Trainer<f32> =
///     reference::Trainer::new(network.clone(), loss.clone(), optimizer, 64)?;
///
/// let options = TrainerOptions::batch(64).clip_grad_norm(1.0).loss_scaling(LossScaling::default());
/// let careful: reference::Trainer<f32> = reference::Trainer::new(network, loss, optimizer, options)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainerOptions {
    /// The most images a step.
    pub(crate) batch: usize,
    /// Whether activations are stored in half precision.
    pub(crate) half: bool,
    /// What is done with gradients before an update.
    pub(crate) update: UpdateOptions,
    /// How much is measured before kernels are chosen.
    pub(crate) tuning: Tuning,
}

impl TrainerOptions {
    /// Takes up to `batch` images a step.
    pub fn batch(batch: usize) -> Self {
        Self { batch, half: false, update: UpdateOptions::default(), tuning: Tuning::Off }
    }

    /// Scales the gradients of a step down, all by one factor, where the root of the sum of their squares is larger
    /// than `max_norm`: more than 0. As PyTorch's `clip_grad_norm_`, but that a step with a gradient that is not
    /// finite is skipped.
    pub fn clip_grad_norm(mut self, max_norm: f32) -> Self {
        self.update.clip_grad_norm = Some(max_norm);
        self
    }

    /// Scales the gradient of the loss so that small gradients keep their digits in half precision: see
    /// [`LossScaling`].
    pub fn loss_scaling(mut self, loss_scaling: LossScaling) -> Self {
        self.update.loss_scaling = Some(loss_scaling);
        self
    }

    /// Stores activations and the gradients to them in half precision, which halves the memory that they take and the
    /// traffic: mixed-precision training (Micikevicius et al. 2018, arXiv:1710.03740). Sums are in f32, and so are
    /// parameters and optimizer. The loss is scaled by [`LossScaling::default`] unless another is asked for. It works
    /// on every adapter; one with the feature `shader-f16` converts by itself. The CPU reference keeps its own precision.
    pub fn half(mut self) -> Self {
        self.half = true;
        self.update.loss_scaling.get_or_insert_default();
        self
    }

    /// Measures which kernels are the fastest on the device before the first step, and remembers it: see [`Tuning`].
    /// Without it the best by estimate are taken. On the CPU reference there is nothing to choose.
    pub fn tuning(mut self, tuning: Tuning) -> Self {
        self.tuning = tuning;
        self
    }
}

impl From<usize> for TrainerOptions {
    fn from(batch: usize) -> Self {
        Self::batch(batch)
    }
}

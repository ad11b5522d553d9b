//! What a loss is: prediction and target to one number, and its gradient.

use std::fmt::Debug;

use super::program::{Activation, Program, TensorId};
use super::{Refusal, TargetSpec};
use crate::gpu::Capabilities;
use crate::reference::LossTwin;
use crate::shape::Shape;

/// Where a loss puts what it measured: `array<f32, 4>` in device memory.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct LossOutput {
    /// The reduced loss.
    pub loss: f32,
    /// The sum of the weights of the predictions that counted, by which a mean was divided.
    pub weight: f32,
    /// How many predictions were right; 0 where the targets are no classes.
    pub correct: f32,
    /// How many predictions counted.
    pub count: f32,
}

/// How the losses of single predictions become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// Their sum, divided by the sum of their weights.
    Mean,
    /// Their sum.
    Sum,
}

/// What a loss is given to record its forward pass or its gradient.
pub struct LossPass<'a> {
    /// Where the dispatches go.
    pub program: &'a mut Program,
    /// What the device can do.
    pub capabilities: &'a Capabilities,
    /// What the network puts out.
    pub prediction: Activation,
    /// The target, as [`Loss::target`] describes it: one `i32` class a pixel, or values that lie like an
    /// activation in `f32`.
    pub target: TensorId,
    /// The step's state: see [`StepState`](super::StepState).
    pub step: TensorId,
    /// Where the result goes: see [`LossOutput`].
    pub result: TensorId,
}

/// A loss: prediction and target to one number.
pub trait Loss: Debug + Send + Sync + LossTwin<f32> + LossTwin<f64> {
    /// Its name in the registry.
    fn name(&self) -> &'static str;

    /// How it joins the predictions of a batch.
    fn reduction(&self) -> Reduction;

    /// Checks that a network with this output can be trained with it.
    ///
    /// # Errors
    /// Says what output would fit.
    fn check(&self, prediction: Shape) -> Result<(), Refusal>;

    /// What a prediction that [`check`](Self::check) accepted is compared with.
    fn target(&self, prediction: Shape) -> TargetSpec;

    /// Appends the dispatches that compute the loss, and returns what the gradient needs besides
    /// the prediction and the target.
    fn forward(&self, pass: LossPass<'_>) -> Vec<TensorId>;

    /// Appends the dispatches that compute the gradient of the loss to the prediction, which lies like an activation
    /// in `f32`: it may be scaled before it is stored in less.
    fn backward(&self, pass: LossPass<'_>, saved: &[TensorId], grad_prediction: Activation);
}

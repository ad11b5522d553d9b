//! What an optimizer is: gradients to new parameters.

use std::fmt::Debug;

use super::program::{Program, TensorId};
use crate::reference::OptimizerTwin;

/// Records updates of parameters.
pub struct UpdatePass<'a> {
    /// Where the dispatches go.
    pub program: &'a mut Program,
    /// The parameters: a run of floats, whole quads.
    pub parameters: TensorId,
    /// Their gradients, laid out alike.
    pub gradients: TensorId,
    /// As many tensors of the same size as [`Optimizer::state_tensors`] says, zero before the first step.
    pub state: &'a [TensorId],
    /// The number of vec4.
    pub quads: usize,
    /// The step's state: see [`StepState`](super::StepState).
    pub step: TensorId,
    /// What gradients are multiplied by, and whether the step is skipped: see [`UpdateControl`].
    pub control: TensorId,
}

/// An optimizer: gradients to new parameters.
pub trait Optimizer: Debug + Send + Sync + OptimizerTwin<f32> + OptimizerTwin<f64> {
    /// Its name in the registry.
    fn name(&self) -> &'static str;

    /// Checks its settings.
    ///
    /// # Errors
    /// [`Error::Option`](crate::Error::Option) names the setting.
    fn check(&self) -> crate::Result<()>;

    /// How many floats it remembers for each parameter.
    fn state_tensors(&self) -> usize;

    /// The learning rate it starts with.
    fn learning_rate(&self) -> f32;

    /// Appends the dispatches of one update. Those of a step that is skipped leave everything as it is.
    fn update(&self, pass: UpdatePass<'_>);
}

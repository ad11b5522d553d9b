//! Negative log-likelihood: the loss of classification after a log-softmax.

use super::class_loss::ClassLoss;
use super::program::{Activation, Dispatch, TensorId, kernel};
use super::registry::{Attributes, FromAttributes};
use super::{Loss, LossPass, Reduction, Refusal, TargetSpec, elementwise, reduce};
use crate::shape::Shape;

/// Negative log-likelihood of class labels, with PyTorch's semantics: channels are classes, and each pixel of each
/// sample is a row with a label of its own.
///
/// With log-probabilities x, label y and class weights w a row's loss is `−w_y x_y`. The mean divides the sum of
/// the losses by the sum of the rows' `w_y`. Rows with the label to ignore do not count; a mean over no row is
/// NaN. After a log-softmax it is [`CrossEntropy`](super::CrossEntropy).
#[derive(Debug, Clone, PartialEq)]
pub struct NllLoss {
    pub(crate) settings: ClassLoss,
}

impl NllLoss {
    /// The mean over the rows.
    pub fn mean() -> Self {
        Self { settings: ClassLoss::new(Reduction::Mean) }
    }

    /// The sum over the rows.
    pub fn sum() -> Self {
        Self { settings: ClassLoss::new(Reduction::Sum) }
    }

    /// The label of rows that do not count; -100 unless said otherwise.
    pub fn ignore_index(mut self, ignore_index: i32) -> Self {
        self.settings.ignore_index = ignore_index;
        self
    }

    /// A weight for each class, 0 or more.
    pub fn class_weights(mut self, class_weights: Vec<f32>) -> Self {
        self.settings.class_weights = Some(class_weights);
        self
    }
}

impl FromAttributes for NllLoss {
    const NAME: &'static str = "nll_loss";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self { settings: ClassLoss::from_attributes(attributes)? })
    }
}

impl Loss for NllLoss {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn reduction(&self) -> Reduction {
        self.settings.reduction
    }

    fn check(&self, prediction: Shape) -> Result<(), Refusal> {
        self.settings.check(prediction)
    }

    fn target(&self, prediction: Shape) -> TargetSpec {
        self.settings.target(prediction)
    }

    /// Returns the class weights.
    fn forward(&self, pass: LossPass<'_>) -> Vec<TensorId> {
        let LossPass { prediction, target, step, .. } = pass;
        let (groups, weights) =
            (ClassLoss::groups(prediction), self.settings.weights(prediction.shape.channels));
        let weights = pass.program.constant_tensor(format!("{}.class_weights", Self::NAME), weights);
        let partials = pass.program.tensor(format!("{}.partials", Self::NAME), groups * 16);
        let dispatch = Dispatch::new(Self::NAME, kernel!("nll_loss/forward"));
        pass.program.push(
            ClassLoss::measuring(self.settings.over_rows(dispatch, prediction), prediction)
                .constant("IGNORE_INDEX", self.settings.ignore_index)
                .read(prediction.tensor)
                .read(target)
                .read(weights)
                .write(partials)
                .read_uniform(step)
                .flops(elementwise::elements(prediction)),
        );
        reduce::finish_loss(pass, Self::NAME, self.settings.reduction, partials, 0..groups);
        vec![weights]
    }

    fn backward(&self, pass: LossPass<'_>, saved: &[TensorId], grad_prediction: Activation) {
        pass.program.push(
            self.settings
                .over_rows(Dispatch::new(Self::NAME, kernel!("nll_loss/backward_input")), grad_prediction)
                .constant("IGNORE_INDEX", self.settings.ignore_index)
                .constant("MEAN", self.settings.reduction == Reduction::Mean)
                .read(pass.target)
                .read(saved[0])
                .write(grad_prediction.tensor)
                .read_uniform(pass.step)
                .read_uniform(pass.result)
                .in_turn(grad_prediction.total_quads(), 1)
                .flops(elementwise::elements(grad_prediction)),
        );
    }
}

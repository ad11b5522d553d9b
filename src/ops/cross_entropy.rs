//! Softmax cross-entropy, the loss of classification: one class a sample, or one a pixel.

use super::class_loss::ClassLoss;
use super::program::{Activation, Dispatch, Kernel, TensorId, kernel};
use super::registry::{Attributes, FromAttributes};
use super::{Loss, LossPass, Reduction, Refusal, TargetSpec, elementwise, reduce};
use crate::shape::Shape;

/// Softmax cross-entropy between logits and class labels, with PyTorch's semantics: channels are classes,
/// and each pixel of each sample is a row with a label of its own.
///
/// With logits x, label y, class weights w, label smoothing ε and C classes a row's loss is
/// `(1 − ε) · w_y · (−log p_y) + ε / C · Σ w_c · (−log p_c)`, p being the softmax of x. The mean divides
/// the sum of the losses by the sum of the rows' `w_y`. Rows with the label to ignore do not count; a
/// mean over no row is NaN.
#[derive(Debug, Clone, PartialEq)]
pub struct CrossEntropy {
    pub(crate) settings: ClassLoss,
    pub(crate) label_smoothing: f32,
}

impl CrossEntropy {
    /// The mean over the rows.
    pub fn mean() -> Self {
        Self { settings: ClassLoss::new(Reduction::Mean), label_smoothing: 0.0 }
    }

    /// The sum over the rows.
    pub fn sum() -> Self {
        Self { settings: ClassLoss::new(Reduction::Sum), label_smoothing: 0.0 }
    }

    /// Takes `label_smoothing`, from 0 to 1, of the target away from the label and spreads it over all
    /// classes.
    pub fn label_smoothing(mut self, label_smoothing: f32) -> Self {
        self.label_smoothing = label_smoothing;
        self
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

    /// A dispatch with what the forward and the backward kernel have in common.
    fn over_rows(&self, kernel: Kernel, prediction: Activation) -> Dispatch {
        let weights = self.settings.weights(prediction.shape.channels);
        self.settings
            .over_rows(Dispatch::new(Self::NAME, kernel), prediction)
            .constant("LABEL_SMOOTHING", self.label_smoothing)
            .constant("CLASS_WEIGHT_SUM", weights.into_iter().map(f64::from).sum::<f64>())
    }
}

impl FromAttributes for CrossEntropy {
    const NAME: &'static str = "cross_entropy";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self {
            settings: ClassLoss::from_attributes(attributes)?,
            label_smoothing: attributes.f64("label_smoothing", 0.0)? as f32,
        })
    }
}

impl Loss for CrossEntropy {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn reduction(&self) -> Reduction {
        self.settings.reduction
    }

    fn check(&self, prediction: Shape) -> Result<(), Refusal> {
        if !(0.0..=1.0).contains(&self.label_smoothing) {
            return Err(format!("the label smoothing is {}; it must be from 0 to 1", self.label_smoothing));
        }
        self.settings.check(prediction)
    }

    fn target(&self, prediction: Shape) -> TargetSpec {
        self.settings.target(prediction)
    }

    /// Returns what the forward kernel measured of each row, and the class weights.
    fn forward(&self, pass: LossPass<'_>) -> Vec<TensorId> {
        let LossPass { prediction, target, step, .. } = pass;
        let (rows, groups) = (prediction.pixels(), ClassLoss::groups(prediction));
        let weights = self.settings.weights(prediction.shape.channels);
        let weights = pass.program.constant_tensor(format!("{}.class_weights", Self::NAME), weights);
        // The partial sums lie behind the rows: a device may bind no more than four tensors.
        let measured = pass.program.tensor(format!("{}.rows", Self::NAME), (rows + groups) * 16);
        pass.program.push(
            ClassLoss::measuring(self.over_rows(kernel!("cross_entropy/forward"), prediction), prediction)
                .constant("IGNORE_INDEX", self.settings.ignore_index)
                .read(prediction.tensor)
                .read(target)
                .read(weights)
                .write(measured)
                .read_uniform(step)
                .flops(8 * elementwise::elements(prediction)),
        );
        reduce::finish_loss(pass, Self::NAME, self.settings.reduction, measured, rows..rows + groups);
        vec![measured, weights]
    }

    fn backward(&self, pass: LossPass<'_>, saved: &[TensorId], grad_prediction: Activation) {
        let prediction = pass.prediction;
        pass.program.push(
            self.over_rows(kernel!("cross_entropy/backward_input"), prediction)
                .constant("MEAN", self.settings.reduction == Reduction::Mean)
                .read(prediction.tensor)
                .read(saved[1])
                .read(saved[0])
                .write(grad_prediction.tensor)
                .read_uniform(pass.result)
                .in_turn(prediction.total_quads(), 1)
                .flops(8 * elementwise::elements(prediction)),
        );
    }
}

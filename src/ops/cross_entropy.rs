//! Softmax cross-entropy, the loss of classification: one class a sample, or one a pixel.

use super::program::{Activation, Dispatch, Kernel, TensorId, kernel};
use super::registry::{Attributes, FromAttributes};
use super::{Loss, LossPass, Reduction, Refusal, elementwise};
use crate::shape::Shape;

/// The rows that a workgroup of the forward kernel owns.
const ROWS: usize = 64;
/// An invocation goes through a row's quads twice, and must end before 65,535 iterations.
const MAX_CLASSES: usize = 65_535 / 2 * 4;

/// Softmax cross-entropy between logits and class labels, with PyTorch's semantics: channels are classes,
/// and each pixel of each sample is a row with a label of its own.
///
/// With logits x, label y, class weights w, label smoothing ε and C classes a row's loss is
/// `(1 − ε) · w_y · (−log p_y) + ε / C · Σ w_c · (−log p_c)`, p being the softmax of x. The mean divides
/// the sum of the losses by the sum of the rows' `w_y`. Rows with the label to ignore do not count; a
/// mean over no row is NaN.
#[derive(Debug, Clone, PartialEq)]
pub struct CrossEntropy {
    reduction: Reduction,
    label_smoothing: f32,
    ignore_index: i32,
    class_weights: Option<Vec<f32>>,
}

impl CrossEntropy {
    /// The mean over the rows.
    pub fn mean() -> Self {
        Self::new(Reduction::Mean)
    }

    /// The sum over the rows.
    pub fn sum() -> Self {
        Self::new(Reduction::Sum)
    }

    fn new(reduction: Reduction) -> Self {
        Self { reduction, label_smoothing: 0.0, ignore_index: -100, class_weights: None }
    }

    /// Takes `label_smoothing`, from 0 to 1, of the target away from the label and spreads it over all
    /// classes.
    pub fn label_smoothing(mut self, label_smoothing: f32) -> Self {
        self.label_smoothing = label_smoothing;
        self
    }

    /// The label of rows that do not count; -100 unless said otherwise.
    pub fn ignore_index(mut self, ignore_index: i32) -> Self {
        self.ignore_index = ignore_index;
        self
    }

    /// A weight for each class, 0 or more.
    pub fn class_weights(mut self, class_weights: Vec<f32>) -> Self {
        self.class_weights = Some(class_weights);
        self
    }

    /// ε.
    pub(crate) fn smoothing(&self) -> f32 {
        self.label_smoothing
    }

    /// The weight of each of `classes` classes: ones where none were given.
    pub(crate) fn weights(&self, classes: usize) -> Vec<f32> {
        self.class_weights.clone().unwrap_or_else(|| vec![1.0; classes])
    }

    /// The class of a row with this label, unless the row does not count.
    pub(crate) fn class(&self, label: i32, classes: usize) -> Option<usize> {
        usize::try_from(label).ok().filter(|class| *class < classes && label != self.ignore_index)
    }

    /// A dispatch with what the forward and the backward kernel have in common.
    fn over_rows(&self, kernel: Kernel, prediction: Activation) -> Dispatch {
        let classes = prediction.shape.channels;
        Dispatch::new(Self::NAME, kernel)
            .size("CLASSES", classes)
            .size("PIXELS", prediction.shape.pixels())
            .constant("LABEL_SMOOTHING", self.label_smoothing)
            .constant("CLASS_WEIGHT_SUM", self.weights(classes).into_iter().map(f64::from).sum::<f64>())
            .uniform(prediction.batch as u32)
    }
}

impl FromAttributes for CrossEntropy {
    const NAME: &'static str = "cross_entropy";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        let reduction = match attributes.string("reduction", "mean")? {
            "mean" => Reduction::Mean,
            "sum" => Reduction::Sum,
            other => return Err(format!("attribute reduction is {other:?}; it must be \"mean\" or \"sum\"")),
        };
        let ignore_index = attributes.i64("ignore_index")?.unwrap_or(-100);
        let ignore_index = i32::try_from(ignore_index)
            .map_err(|_| format!("attribute ignore_index is {ignore_index}; it must fit in 32 bits"))?;
        let class_weights = attributes.numbers("class_weight")?;
        Ok(Self {
            reduction,
            label_smoothing: attributes.f64("label_smoothing", 0.0)? as f32,
            ignore_index,
            class_weights: class_weights.map(|weights| weights.into_iter().map(|w| w as f32).collect()),
        })
    }
}

impl Loss for CrossEntropy {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn reduction(&self) -> Reduction {
        self.reduction
    }

    fn check(&self, prediction: Shape) -> Result<(), Refusal> {
        let classes = prediction.channels;
        if !(1..=MAX_CLASSES).contains(&classes) {
            return Err(format!(
                "the network has {classes} outputs; there must be 1 to {MAX_CLASSES} classes"
            ));
        }
        if !(0.0..=1.0).contains(&self.label_smoothing) {
            return Err(format!("the label smoothing is {}; it must be from 0 to 1", self.label_smoothing));
        }
        let weights = self.weights(classes);
        if weights.len() != classes {
            return Err(format!(
                "there are {} class weights for a network of {classes} outputs; there must be one for each",
                weights.len()
            ));
        }
        match weights.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0)) {
            Some(class) => {
                Err(format!("the weight of class {class} is {}; it must be 0 or more", weights[class]))
            }
            None => Ok(()),
        }
    }

    fn classes(&self, prediction: Shape) -> (usize, Option<i32>) {
        (prediction.channels, Some(self.ignore_index))
    }

    /// Returns what the forward kernel measured of each row, and the class weights.
    fn forward(&self, pass: LossPass<'_>) -> Vec<TensorId> {
        let LossPass { program, prediction, target, step, result, .. } = pass;
        let (rows, groups) = (prediction.pixels(), prediction.pixels().div_ceil(ROWS));
        let weights = self.weights(prediction.shape.channels);
        let weights = program.constant_tensor(format!("{}.class_weights", Self::NAME), weights);
        let measured = program.tensor(format!("{}.rows", Self::NAME), rows * 16);
        let partials = program.tensor(format!("{}.partials", Self::NAME), groups * 16);
        program.push(
            self.over_rows(kernel!("cross_entropy/forward"), prediction)
                .constant("IGNORE_INDEX", self.ignore_index)
                .read(prediction.tensor)
                .read(target)
                .read(weights)
                .read(step)
                .write(measured)
                .write(partials)
                .groups(groups)
                .flops(8 * elementwise::elements(prediction)),
        );
        program.push(
            Dispatch::new(Self::NAME, kernel!("cross_entropy/reduce"))
                .constant("MEAN", self.reduction == Reduction::Mean)
                .read(partials)
                .write(result)
                .uniform(groups as u32)
                .flops(4 * groups as u64),
        );
        vec![measured, weights]
    }

    fn backward(&self, pass: LossPass<'_>, saved: &[TensorId], grad_prediction: Activation) {
        let prediction = pass.prediction;
        pass.program.push(
            self.over_rows(kernel!("cross_entropy/backward_input"), prediction)
                .constant("MEAN", self.reduction == Reduction::Mean)
                .read(prediction.tensor)
                .read(pass.target)
                .read(saved[1])
                .read(saved[0])
                .read(pass.result)
                .write(grad_prediction.tensor)
                .invocations(prediction.total_quads(), elementwise::WORKGROUP)
                .flops(8 * elementwise::elements(prediction)),
        );
    }
}

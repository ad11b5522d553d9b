//! What losses of class labels have in common. No operator of its own.

use super::lines::lanes;
use super::program::{Activation, Dispatch};
use super::registry::Attributes;
use super::{Reduction, Refusal, TargetSpec};
use crate::shape::Shape;

/// The invocations of a workgroup of the forward kernels.
const WORKGROUP: usize = 64;

/// An invocation could go through all of a row's quads twice and end before 65,535 iterations. A kernel may also keep a
/// class as a float, which is exact for so few.
const MAX_CLASSES: usize = 65_535 / 2 * 4;

/// The settings of a loss of class labels: channels are classes, and each pixel of each sample is a row with
/// a label of its own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ClassLoss {
    pub reduction: Reduction,
    pub ignore_index: i32,
    pub class_weights: Option<Vec<f32>>,
}

impl ClassLoss {
    pub fn new(reduction: Reduction) -> Self {
        Self { reduction, ignore_index: -100, class_weights: None }
    }

    /// Reads `reduction`, `ignore_index` and `class_weight`.
    pub fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        let ignore_index = attributes.i64("ignore_index")?.unwrap_or(-100);
        let ignore_index = i32::try_from(ignore_index)
            .map_err(|_| format!("attribute ignore_index is {ignore_index}; it must fit in 32 bits"))?;
        let class_weights = attributes.numbers("class_weight")?;
        Ok(Self {
            reduction: attributes.reduction()?,
            ignore_index,
            class_weights: class_weights.map(|weights| weights.into_iter().map(|w| w as f32).collect()),
        })
    }

    /// The weight of each of `classes` classes: ones where none were given.
    pub fn weights(&self, classes: usize) -> Vec<f32> {
        self.class_weights.clone().unwrap_or_else(|| vec![1.0; classes])
    }

    /// The class of a row with this label, unless the row does not count.
    pub fn class(&self, label: i32, classes: usize) -> Option<usize> {
        usize::try_from(label).ok().filter(|class| *class < classes && label != self.ignore_index)
    }

    pub fn check(&self, prediction: Shape) -> Result<(), Refusal> {
        let classes = prediction.channels;
        if !(1..=MAX_CLASSES).contains(&classes) {
            return Err(format!(
                "the network has {classes} outputs; there must be 1 to {MAX_CLASSES} classes"
            ));
        }
        check_weights(&self.weights(classes), classes, "class")
    }

    pub fn target(&self, prediction: Shape) -> TargetSpec {
        TargetSpec::Classes {
            pixels: prediction.pixels(),
            classes: prediction.channels,
            ignore_index: Some(self.ignore_index),
        }
    }

    /// Adds to a dispatch over the rows of `prediction` what every kernel is told of them.
    pub fn over_rows(&self, dispatch: Dispatch, prediction: Activation) -> Dispatch {
        dispatch
            .size("CLASSES", prediction.shape.channels)
            .size("PIXELS", prediction.shape.pixels())
            .uniform(prediction.batch as u32)
    }

    /// The number of workgroups of a forward kernel.
    pub fn groups(prediction: Activation) -> usize {
        prediction.pixels().div_ceil(WORKGROUP / lanes(prediction.quads()))
    }

    /// The workgroups of a forward kernel.
    pub fn measuring(dispatch: Dispatch, prediction: Activation) -> Dispatch {
        dispatch.uniform_sizes(&[lanes(prediction.quads())]).groups(Self::groups(prediction))
    }
}

/// Checks that there is a weight of 0 or more for each of `outputs` outputs, which are `what`s.
pub(crate) fn check_weights(weights: &[f32], outputs: usize, what: &str) -> Result<(), Refusal> {
    if weights.len() != outputs {
        return Err(format!(
            "there are {} {what} weights for a network of {outputs} outputs; there must be one for each",
            weights.len()
        ));
    }
    match weights.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0)) {
        Some(at) => Err(format!("the weight of {what} {at} is {}; it must be 0 or more", weights[at])),
        None => Ok(()),
    }
}

//! What a training step or an evaluation measured.

use std::fmt;

use crate::ops::{LossOutput, Reduction};

/// What a training step or an evaluation measured.
///
/// The metrics of an epoch's steps collect into those of the epoch; each step's loss weighs as much as it has
/// predictions:
///
/// ```
/// use wgcnn::train::Metrics;
///
/// let part = |loss, correct, count| Metrics { loss, correct: Some(correct), count };
/// let whole: Metrics = [part(1.0, 1, 3), part(5.0, 1, 1)].into_iter().collect();
/// assert_eq!(whole, part(2.0, 2, 4));
/// assert_eq!(whole.to_string(), "loss 2.0000, accuracy 50.00 %");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Metrics {
    /// The loss, reduced as the loss function says.
    pub loss: f32,
    /// How many predictions were right, where the targets are classes.
    pub correct: Option<usize>,
    /// How many predictions there were: classes, values or boxes.
    pub count: usize,
}

impl Metrics {
    /// What a loss measured, whose targets may be classes.
    pub(crate) fn new(output: LossOutput, has_classes: bool) -> Self {
        let correct = has_classes.then_some(output.correct as usize);
        Self { loss: output.loss, correct, count: output.count as usize }
    }

    /// The fraction of the predictions that were right, 0 where there were none. `None` where the targets are no
    /// classes.
    pub fn accuracy(&self) -> Option<f32> {
        let fraction = |correct| (correct as f64 / self.count.max(1) as f64) as f32;
        self.correct.map(fraction)
    }

    /// The metrics of a data set from those of its batches, as if they had been one batch.
    pub(crate) fn of_batches(batches: &[LossOutput], reduction: Reduction, has_classes: bool) -> Self {
        let sum = |of: fn(&LossOutput) -> f64| batches.iter().filter(|b| b.count > 0.0).map(of).sum::<f64>();
        let loss = match reduction {
            Reduction::Mean => sum(|b| f64::from(b.loss) * f64::from(b.weight)) / sum(|b| b.weight.into()),
            Reduction::Sum => sum(|b| b.loss.into()),
        };
        Self {
            loss: loss as f32,
            correct: has_classes.then(|| sum(|b| b.correct.into()) as usize),
            count: sum(|b| b.count.into()) as usize,
        }
    }
}

impl FromIterator<Metrics> for Metrics {
    fn from_iter<I: IntoIterator<Item = Metrics>>(parts: I) -> Self {
        let (mut loss, mut correct, mut count) = (0.0, None, 0);
        // A part without predictions has no say; its mean loss may be 0 / 0.
        for part in parts.into_iter().filter(|part| part.count > 0) {
            loss += f64::from(part.loss) * part.count as f64;
            if let Some(right) = part.correct {
                *correct.get_or_insert(0) += right;
            }
            count += part.count;
        }
        Self { loss: (loss / count.max(1) as f64) as f32, correct, count }
    }
}

impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "loss {:.4}", self.loss)?;
        match self.accuracy() {
            Some(accuracy) => write!(f, ", accuracy {:.2} %", 100.0 * accuracy),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_join_as_their_loss_reduces() {
        let batch = |loss, weight, count| LossOutput { loss, weight, correct: 1.0, count };
        let batches = [batch(1.0, 3.0, 2.0), batch(5.0, 1.0, 2.0), batch(f32::NAN, 0.0, 0.0)];
        let mean = Metrics::of_batches(&batches, Reduction::Mean, true);
        assert_eq!(mean, Metrics { loss: 2.0, correct: Some(2), count: 4 });
        assert_eq!(Metrics::of_batches(&batches, Reduction::Sum, true).loss, 6.0);
        assert_eq!(Metrics::of_batches(&batches, Reduction::Mean, false).to_string(), "loss 2.0000");
    }

    #[test]
    fn parts_without_predictions_do_not_count() {
        let part = |loss, correct, count| Metrics { loss, correct: Some(correct), count };
        let parts = [part(f32::NAN, 0, 0), part(0.5, 3, 4)];
        let whole: Metrics = parts.into_iter().collect();
        assert_eq!(whole, parts[1]);
        assert_eq!(whole.to_string(), "loss 0.5000, accuracy 75.00 %");
        assert_eq!([].into_iter().collect::<Metrics>(), Metrics::default());
    }
}

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
/// let parts = [Metrics { loss: 1.0, correct: 1, count: 3 }, Metrics { loss: 5.0, correct: 1, count: 1 }];
/// let whole: Metrics = parts.into_iter().collect();
/// assert_eq!(whole, Metrics { loss: 2.0, correct: 2, count: 4 });
/// assert_eq!(whole.to_string(), "loss 2.0000, accuracy 50.00 %");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Metrics {
    /// The loss, reduced as the loss function says.
    pub loss: f32,
    /// How many predictions were right.
    pub correct: usize,
    /// How many predictions there were.
    pub count: usize,
}

impl Metrics {
    /// The fraction of the predictions that were right; 0 where there were none.
    pub fn accuracy(&self) -> f32 {
        if self.count == 0 { 0.0 } else { (self.correct as f64 / self.count as f64) as f32 }
    }
}

impl Metrics {
    /// The metrics of a data set from those of its batches, as if they had been one batch.
    pub(crate) fn of_batches(batches: &[LossOutput], reduction: Reduction) -> Self {
        let sum = |of: fn(&LossOutput) -> f64| batches.iter().filter(|b| b.count > 0.0).map(of).sum::<f64>();
        let loss = match reduction {
            Reduction::Mean => sum(|b| f64::from(b.loss) * f64::from(b.weight)) / sum(|b| b.weight.into()),
            Reduction::Sum => sum(|b| b.loss.into()),
        };
        Self {
            loss: loss as f32,
            correct: sum(|b| b.correct.into()) as usize,
            count: sum(|b| b.count.into()) as usize,
        }
    }
}

impl From<LossOutput> for Metrics {
    fn from(output: LossOutput) -> Self {
        Self { loss: output.loss, correct: output.correct as usize, count: output.count as usize }
    }
}

impl FromIterator<Metrics> for Metrics {
    fn from_iter<I: IntoIterator<Item = Metrics>>(parts: I) -> Self {
        let (mut loss, mut correct, mut count) = (0.0, 0, 0);
        // A part without predictions has no say; its mean loss may be 0 / 0.
        for part in parts.into_iter().filter(|part| part.count > 0) {
            loss += f64::from(part.loss) * part.count as f64;
            correct += part.correct;
            count += part.count;
        }
        Self { loss: (loss / count.max(1) as f64) as f32, correct, count }
    }
}

impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "loss {:.4}, accuracy {:.2} %", self.loss, 100.0 * self.accuracy())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_join_as_their_loss_reduces() {
        let batch = |loss, weight, count| LossOutput { loss, weight, correct: 1.0, count };
        let batches = [batch(1.0, 3.0, 2.0), batch(5.0, 1.0, 2.0), batch(f32::NAN, 0.0, 0.0)];
        let mean = Metrics::of_batches(&batches, Reduction::Mean);
        assert_eq!(mean, Metrics { loss: 2.0, correct: 2, count: 4 });
        assert_eq!(Metrics::of_batches(&batches, Reduction::Sum).loss, 6.0);
    }

    #[test]
    fn parts_without_predictions_do_not_count() {
        let parts =
            [Metrics { loss: f32::NAN, correct: 0, count: 0 }, Metrics { loss: 0.5, correct: 3, count: 4 }];
        let whole: Metrics = parts.into_iter().collect();
        assert_eq!(whole, parts[1]);
        assert_eq!(whole.to_string(), "loss 0.5000, accuracy 75.00 %");
        assert_eq!([].into_iter().collect::<Metrics>(), Metrics::default());
    }
}

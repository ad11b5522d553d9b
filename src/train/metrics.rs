//! What a training step or an evaluation measured.

use std::fmt;

/// What a training step or an evaluation measured.
///
/// The metrics of parts collect into those of the whole; each part's loss weighs as much as it has
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
    fn parts_without_predictions_do_not_count() {
        let parts =
            [Metrics { loss: f32::NAN, correct: 0, count: 0 }, Metrics { loss: 0.5, correct: 3, count: 4 }];
        let whole: Metrics = parts.into_iter().collect();
        assert_eq!(whole, parts[1]);
        assert_eq!(whole.to_string(), "loss 0.5000, accuracy 75.00 %");
        assert_eq!([].into_iter().collect::<Metrics>(), Metrics::default());
    }
}

//! The CPU twin of softmax cross-entropy.

use super::class_loss::{first_maximum, measure};
use super::{LossTwin, Measured, Real};
use crate::Tensor;
use crate::ops::{CrossEntropy, Target};

impl<T: Real> LossTwin<T> for CrossEntropy {
    fn measure(&self, prediction: &Tensor<T>, target: Target<'_, T>, samples: usize) -> Measured<T> {
        let classes = prediction.nchw()[1];
        let smoothing = f64::from(self.label_smoothing);
        let (sharp, smooth) = (T::of(1.0 - smoothing), T::of(smoothing / classes as f64));
        let weights: Vec<T> = self.settings.weights(classes).into_iter().map(|w| T::of(w.into())).collect();
        let weight_sum = weights.iter().fold(T::default(), |sum, w| sum + *w);
        measure(&self.settings, prediction, target, samples, |logits, label| {
            let log_probabilities = log_softmax(logits);
            let mut loss = -(sharp * weights[label] * log_probabilities[label]);
            if smooth > T::default() {
                for (w, log_p) in weights.iter().zip(&log_probabilities) {
                    loss += -(smooth * *w * *log_p);
                }
            }
            let grad = log_probabilities.iter().enumerate().map(|(class, log_p)| {
                let p = log_p.exp();
                let one_hot = if class == label { T::of(1.0) } else { T::default() };
                sharp * weights[label] * (p - one_hot) + smooth * (weight_sum * p - weights[class])
            });
            (loss, grad.collect())
        })
    }
}

/// `x_c − max − log Σ e^(x − max)`: differences first, so that large logits lose nothing.
fn log_softmax<T: Real>(logits: &[T]) -> Vec<T> {
    let top = logits[first_maximum(logits)];
    let sum = logits.iter().fold(T::default(), |sum, x| sum + (*x - top).exp());
    let log_sum = sum.ln();
    logits.iter().map(|x| *x - top - log_sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two classes with logits 0 and ln 3 have probabilities 1/4 and 3/4.
    #[test]
    fn loss_and_gradient_of_two_classes_by_hand() {
        let ln = |x: f64| x.ln();
        let prediction = Tensor::from_fn([3, 2], |i| [0.0, ln(3.0)][i % 2]);
        let measured = CrossEntropy::mean().measure(&prediction, Target::Classes(&[1, 0, -100]), 3);
        assert!((measured.loss - (ln(4.0 / 3.0) + ln(4.0)) / 2.0).abs() < 1e-15);
        assert_eq!((measured.weight, measured.correct, measured.count), (2.0, 1, 2));
        let wanted = [0.125, -0.125, -0.375, 0.375, 0.0, 0.0];
        assert!(measured.grad.data().iter().zip(wanted).all(|(got, want)| (got - want).abs() < 1e-15));

        // Weights 1 and 3, smoothing 1/2: −log p = (ln 4, ln 4/3), and the mean divides by 3.
        let loss = CrossEntropy::mean().label_smoothing(0.5).class_weights(vec![1.0, 3.0]);
        let measured = loss.measure(&prediction, Target::Classes(&[1, 0, 1]), 1);
        let wanted = (0.5 * 3.0 * ln(4.0 / 3.0) + 0.25 * (ln(4.0) + 3.0 * ln(4.0 / 3.0))) / 3.0;
        assert!((measured.loss - wanted).abs() < 1e-15);
        assert_eq!((measured.correct, measured.count), (1, 1));
    }

    #[test]
    fn large_logits_are_exact_and_the_first_maximum_wins() {
        let prediction = Tensor::new([2, 3], vec![1e4f32, -1e4, 0.0, 5.0, -1e4, 5.0]).unwrap();
        let measured = CrossEntropy::sum().measure(&prediction, Target::Classes(&[1, 2]), 2);
        assert_eq!(measured.loss, 2e4 + 2f32.ln());
        assert_eq!(measured.grad.data(), [1.0, -1.0, 0.0, 0.5, 0.0, -0.5]);
        assert_eq!((measured.correct, measured.count), (0, 2));
    }
}

//! Sigmoid focal loss.

use wgcnn::Tensor;
use wgcnn::ops::{Loss, SigmoidFocal};
use wgcnn::shape::Shape;

use crate::losses::{check_elementwise, edges, logits, spoiled};

/// The cross-entropy of logits, times a power of what the sigmoid misses: of one whose exponential's error grows with
/// its argument, and whose own error with the exponent and the logarithm of its base.
fn check(loss: SigmoidFocal, gamma: f64, [prediction, target]: [Tensor; 2], samples: usize) {
    let prediction = spoiled(&prediction, samples);
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let miss = |x: f64, t: f64| (1.0 - t) * sigmoid(x) + t * sigmoid(-x);
    let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
    let cross_entropy = |x: f64, t: f64| (1.0 - t) * softplus(x) + t * softplus(-x);
    let power = |x: f64, t: f64| miss(x, t).powf(gamma) * (16.0 + 8.0 * x.abs()) * (1.0 + gamma);
    let slope = |x: f64, t: f64| {
        let inner = if miss(x, t) == 0.0 { 0.0 } else { sigmoid(x) * sigmoid(-x) / miss(x, t) };
        power(x, t) * (miss(x, t) + gamma * cross_entropy(x, t) * inner)
    };
    let value = |x: f64, t: f64| power(x, t) * cross_entropy(x, t);
    check_elementwise(&loss.gamma(gamma as f32), &prediction, &target, samples, value, slope);
}

#[test]
fn every_setting_on_odd_shapes() {
    for (gamma, shape) in [
        (2.0, [1, 1, 1, 1]),
        (2.0, [3, 6, 40, 37]),
        (0.0, [2, 3, 5, 7]),
        (0.5, [5, 17, 2, 1]),
        (1.0, [2, 3, 5, 7]),
        (1.5, [2, 3, 5, 7]),
        (4.0, [2, 3, 5, 7]),
        (5.0, [2, 3, 5, 7]),
    ] {
        check(SigmoidFocal::mean(), gamma, logits(shape), shape[0]);
        check(SigmoidFocal::sum().alpha(-1.0), gamma, logits(shape), shape[0]);
    }
    check(SigmoidFocal::sum().alpha(1.0), 2.0, logits([2, 3, 5, 7]), 2);
}

#[test]
fn large_logits_neither_overflow_nor_vanish() {
    for gamma in [0.0, 0.5, 2.0, 3.5] {
        check(SigmoidFocal::sum(), gamma, edges(), 5);
    }
    check(SigmoidFocal::mean().alpha(-1.0), 2.0, edges(), 5);
}

#[test]
fn samples_past_the_real_ones_do_not_count() {
    check(SigmoidFocal::mean(), 2.0, logits([4, 5, 3, 2]), 3);
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let mean = SigmoidFocal::mean;
    for (loss, expected) in
        [(mean().alpha(f32::NAN), "alpha is NaN"), (mean().gamma(f32::INFINITY), "gamma is inf")]
    {
        let message = loss.check(Shape::features(3)).unwrap_err();
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
}

//! Binary cross-entropy of logits.

use wgcnn::Tensor;
use wgcnn::ops::BceWithLogits;

use crate::losses::{check_elementwise, edges, logits, spoiled};

/// What the largest positive target weighs in the tests.
const MOST_WEIGHT: f64 = 4.0;

/// The loss is of logarithms and the derivative of sigmoids of an exponential, whose error grows with its argument.
fn check(loss: &BceWithLogits, [prediction, target]: [Tensor; 2], samples: usize) {
    let prediction = spoiled(&prediction, samples);
    let units = |x: f64| 16.0 + 4.0 * x.abs();
    let sigmoid = |x: f64| units(x) / (1.0 + (-x).exp());
    let softplus = |x: f64| units(x) * (x.max(0.0) + (-x.abs()).exp().ln_1p());
    check_elementwise(
        loss,
        &prediction,
        &target,
        samples,
        |x, t| (1.0 - t) * softplus(x) + MOST_WEIGHT * t * softplus(-x),
        |x, t| (1.0 - t) * sigmoid(x) + MOST_WEIGHT * t * sigmoid(-x),
    );
}

fn weights(channels: usize) -> Vec<f32> {
    (0..channels).map(|channel| (channel % 9) as f32 * 0.5).collect()
}

#[test]
fn odd_shapes_and_weights() {
    for shape in [[1, 1, 1, 1], [2, 3, 5, 7], [5, 17, 2, 1], [3, 6, 40, 37]] {
        check(&BceWithLogits::mean(), logits(shape), shape[0]);
        check(&BceWithLogits::sum(), logits(shape), shape[0]);
        check(&BceWithLogits::mean().pos_weight(weights(shape[1])), logits(shape), shape[0]);
    }
}

#[test]
fn large_logits_neither_overflow_nor_vanish() {
    check(&BceWithLogits::sum(), edges(), 5);
    check(&BceWithLogits::mean().pos_weight(weights(11)), edges(), 5);
}

#[test]
fn samples_past_the_real_ones_do_not_count() {
    check(&BceWithLogits::mean(), logits([4, 5, 3, 2]), 3);
}

//! Smooth L1.

use wgcnn::ops::{Loss, SmoothL1};
use wgcnn::shape::Shape;

use crate::losses::{check_elementwise, regression, spoiled};

/// A difference, then a square, a quotient and a half of it, or less than its own half subtracted.
fn check(loss: SmoothL1, beta: f64, shape: [usize; 4], samples: usize) {
    let [prediction, target] = regression(shape);
    let prediction = spoiled(&prediction, samples);
    let slope = |x: f64, t: f64| if beta == 0.0 { 4.0 } else { 8.0 * ((x - t).abs() / beta).min(1.0) };
    let value = |x: f64, t: f64| 8.0 * (x - t).abs();
    check_elementwise(&loss.beta(beta as f32), &prediction, &target, samples, value, slope);
}

#[test]
fn every_beta_on_odd_shapes() {
    for (beta, shape) in [
        (1.0, [2, 3, 5, 7]),
        (0.11, [1, 1, 1, 1]),
        (0.11, [5, 17, 2, 1]),
        (0.0, [2, 3, 5, 7]),
        (1e-30, [2, 3, 5, 7]),
        (1e30, [1, 4, 3, 3]),
        (0.5, [3, 6, 40, 37]),
    ] {
        check(SmoothL1::mean(), beta, shape, shape[0]);
        check(SmoothL1::sum(), beta, shape, shape[0]);
    }
}

#[test]
fn samples_past_the_real_ones_do_not_count() {
    check(SmoothL1::mean(), 0.3, [4, 5, 3, 2], 3);
}

#[test]
fn nan_is_refused() {
    let message = SmoothL1::mean().beta(f32::NAN).check(Shape::features(3)).unwrap_err();
    assert_eq!(message, "beta is NaN; it must be a number from 0");
}

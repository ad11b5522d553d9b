//! Mean squared error.

use wgcnn::ops::Mse;

use crate::losses::{check_elementwise, regression, spoiled};

/// A difference and a square; twice the difference, scaled.
fn check(loss: Mse, shape: [usize; 4], samples: usize) {
    let [prediction, target] = regression(shape);
    let prediction = spoiled(&prediction, samples);
    check_elementwise(
        &loss,
        &prediction,
        &target,
        samples,
        |x, t| 4.0 * (x - t).powi(2),
        |x, t| 8.0 * (x - t).abs(),
    );
}

#[test]
fn odd_shapes() {
    for shape in [[1, 1, 1, 1], [2, 3, 5, 7], [5, 17, 1, 1], [3, 6, 40, 37]] {
        check(Mse::mean(), shape, shape[0]);
        check(Mse::sum(), shape, shape[0]);
    }
}

#[test]
fn samples_past_the_real_ones_do_not_count() {
    check(Mse::mean(), [4, 5, 3, 2], 3);
    check(Mse::sum(), [64, 10, 1, 1], 37);
}

/// One invocation could not go through so many in one loop: some drivers end it early without a word.
#[test]
fn more_than_65535_quads() {
    check(Mse::mean(), [1, 3, 271, 269], 1);
}

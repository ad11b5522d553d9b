//! Mean absolute error.

use wgcnn::Tensor;
use wgcnn::ops::L1;

use crate::losses::{check_elementwise, regression, spoiled};

/// A difference; its sign, scaled.
fn check(loss: L1, [prediction, target]: [Tensor; 2], samples: usize) {
    let prediction = spoiled(&prediction, samples);
    check_elementwise(&loss, &prediction, &target, samples, |x, t| 2.0 * (x - t).abs(), |_, _| 4.0);
}

#[test]
fn odd_shapes() {
    for shape in [[1, 1, 1, 1], [2, 3, 5, 7], [5, 17, 1, 1], [3, 6, 40, 37]] {
        check(L1::mean(), regression(shape), shape[0]);
        check(L1::sum(), regression(shape), shape[0]);
    }
}

#[test]
fn samples_past_the_real_ones_do_not_count() {
    check(L1::mean(), regression([4, 5, 3, 2]), 3);
}

#[test]
fn nothing_pulls_where_nothing_is_wrong() {
    let [prediction, _] = regression([2, 3, 2, 1]);
    check(L1::sum(), [prediction.clone(), prediction], 2);
}

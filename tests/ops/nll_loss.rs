//! Negative log-likelihood.

use wgcnn::Tensor;
use wgcnn::ops::{Loss, NllLoss, Reduction, Target};
use wgcnn::reference::Measured;

use crate::common::differences::spread;
use crate::common::{bound, gpu};
use crate::contexts::contexts;
use crate::losses;

/// Checks the loss of log-probabilities down to `least`, with some labels to ignore. A row's loss is a product.
fn check(loss: &NllLoss, shape: [usize; 4], samples: usize, least: f32) {
    let [batch, classes, height, width] = shape;
    let rows = height * width;
    let prediction = spread(&shape, 0).map(|x| x.abs() * least / 1.2);
    let labels: Vec<i32> =
        (0..batch * rows).map(|i| if i % 5 == 3 { -7 } else { (i * 7 % classes) as i32 }).collect();
    let divisor = |measured: &Measured<f64>| match loss.reduction() {
        Reduction::Mean => measured.weight,
        Reduction::Sum => 1.0,
    };
    losses::check(
        &loss.clone().ignore_index(-7),
        &prediction,
        Target::Classes(&labels),
        samples,
        |measured| bound::of_sum((samples * rows) as f64, measured.loss),
        |measured, _| bound::of_units(8.0, MOST_WEIGHT / divisor(measured)),
    );
}

/// The largest weight of a class in the tests.
const MOST_WEIGHT: f64 = 2.0;

fn weights(classes: usize) -> Vec<f32> {
    (0..classes).map(|class| 0.25 + (class % 8) as f32 * 0.25).collect()
}

#[test]
fn odd_numbers_of_classes_and_rows() {
    for shape in [[1, 1, 1, 1], [7, 2, 1, 1], [65, 10, 1, 1], [3, 17, 5, 3], [2, 1001, 1, 1], [11, 37, 2, 3]]
    {
        check(&NllLoss::mean(), shape, shape[0], -3.0);
        check(&NllLoss::sum().class_weights(weights(shape[1])), shape, shape[0], -3.0);
    }
    check(&NllLoss::mean().class_weights(weights(6)), [2, 6, 7, 5], 2, -1e4);
}

#[test]
fn samples_past_the_real_ones_do_not_count() {
    check(&NllLoss::mean(), [64, 10, 1, 1], 37, -3.0);
    check(&NllLoss::sum(), [4, 5, 6, 7], 1, -3.0);
}

#[test]
fn a_mean_over_nothing_is_nan_and_has_no_gradient() {
    for context in contexts() {
        let prediction = Tensor::full([2, 3], -1.0);
        let target = Target::Classes(&[-100; 2]);
        let (got, grad) = gpu::measure(context, &NllLoss::mean(), &prediction, target, 2, false).unwrap();
        assert!(got.loss.is_nan() && got.count == 0.0, "{got:?}");
        assert_eq!(grad, [0.0; 6]);
    }
}

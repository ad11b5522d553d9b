//! Softmax cross-entropy.

use wgcnn::Tensor;
use wgcnn::ops::{CrossEntropy, Loss, Reduction, Target};
use wgcnn::reference::Measured;
use wgcnn::shape::Shape;

use crate::common::differences::spread;
use crate::common::{bound, gpu};
use crate::contexts::contexts;
use crate::losses;

/// Checks loss, gradient and counts for logits of an NCHW shape up to `largest`, with some labels to ignore. Only the
/// first `samples` samples are real.
///
/// A row's loss is the sum over classes of exponentials, whose logarithm and a logit make up the rest: its magnitude
/// is twice the largest logit, the logarithm of the number of classes, and one.
fn check(loss: &CrossEntropy, shape: [usize; 4], samples: usize, largest: f32) {
    let [batch, classes, height, width] = shape;
    let rows = height * width;
    let prediction = spread(&shape, 0).map(|x| x * largest / 1.2);
    let labels: Vec<i32> =
        (0..batch * rows).map(|i| if i % 5 == 3 { -100 } else { (i * 7 % classes) as i32 }).collect();
    let row = (2.0 * f64::from(largest) + (classes as f64).ln() + 1.0) * MOST_WEIGHT;
    let divisor = |measured: &Measured<f64>| match loss.reduction() {
        Reduction::Mean => measured.weight,
        Reduction::Sum => 1.0,
    };
    losses::check(
        loss,
        &prediction,
        Target::Classes(&labels),
        samples,
        |measured| {
            let total = row * measured.count as f64 / divisor(measured);
            bound::of_sum((classes + samples * rows) as f64, total)
        },
        |measured, _| bound::of_sum(classes as f64, row / divisor(measured)),
    );
}

/// The largest weight of a class in the tests.
const MOST_WEIGHT: f64 = 2.0;

fn weights(classes: usize) -> Vec<f32> {
    (0..classes).map(|class| 0.25 + (class % 8) as f32 * 0.25).collect()
}

#[test]
fn odd_numbers_of_classes_and_rows() {
    for shape in [[1, 1, 1, 1], [7, 2, 1, 1], [65, 10, 1, 1], [3, 17, 5, 3], [130, 4, 1, 1]] {
        check(&CrossEntropy::mean(), shape, shape[0], 3.0);
        check(&CrossEntropy::sum(), shape, shape[0], 3.0);
    }
}

/// Several invocations share a row, the more the more classes there are.
#[test]
fn many_classes() {
    for shape in [[11, 37, 2, 3], [9, 101, 1, 1], [2, 1001, 1, 1], [3, 250, 2, 1]] {
        check(&CrossEntropy::mean(), shape, shape[0], 3.0);
        check(&CrossEntropy::sum().label_smoothing(0.1), shape, shape[0] - 1, 3.0);
    }
}

#[test]
fn weights_and_label_smoothing() {
    for shape in [[5, 3, 1, 1], [67, 9, 1, 1], [2, 6, 7, 5]] {
        for loss in [CrossEntropy::mean(), CrossEntropy::sum()] {
            check(&loss.clone().label_smoothing(0.1), shape, shape[0], 3.0);
            check(&loss.clone().class_weights(weights(shape[1])), shape, shape[0], 3.0);
            check(&loss.class_weights(weights(shape[1])).label_smoothing(1.0), shape, shape[0], 3.0);
        }
    }
}

#[test]
fn large_logits_neither_overflow_nor_vanish() {
    check(&CrossEntropy::mean(), [9, 10, 1, 1], 9, 1e4);
    check(&CrossEntropy::sum().label_smoothing(0.2), [9, 10, 1, 1], 9, 1e30);
}

#[test]
fn samples_past_the_real_ones_do_not_count() {
    check(&CrossEntropy::mean(), [64, 10, 1, 1], 37, 3.0);
    check(&CrossEntropy::sum().class_weights(weights(5)), [4, 5, 6, 7], 1, 3.0);
}

/// One invocation could not go through so many rows in one loop: some drivers end it early without a word.
#[test]
fn more_than_65535_rows() {
    check(&CrossEntropy::mean(), [1, 3, 271, 269], 1, 3.0);
}

#[test]
fn a_mean_over_nothing_is_nan_and_has_no_gradient() {
    for context in contexts() {
        let prediction = Tensor::full([2, 3], 1.0);
        let (got, grad) =
            gpu::measure(context, &CrossEntropy::mean(), &prediction, Target::Classes(&[-100; 2]), 2, false)
                .unwrap();
        assert!(got.loss.is_nan() && got.count == 0.0, "{got:?}");
        assert_eq!(grad, [0.0; 6]);
        let (got, _) =
            gpu::measure(context, &CrossEntropy::sum(), &prediction, Target::Classes(&[-100; 2]), 2, false)
                .unwrap();
        assert_eq!(got.loss, 0.0);
    }
}

#[test]
fn no_smoothing_by_nan() {
    let loss = CrossEntropy::mean().label_smoothing(f32::NAN);
    let message = loss.check(Shape::features(3)).unwrap_err();
    assert_eq!(message, "the label smoothing is NaN; it must be from 0 to 1");
}

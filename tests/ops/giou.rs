//! Generalised intersection over union of boxes.

use wgcnn::Tensor;
use wgcnn::ops::{Giou, Loss, Reduction, Target};
use wgcnn::shape::Shape;

use crate::common::differences::spread;
use crate::common::{bound, gpu};
use crate::contexts::contexts;
use crate::losses::{self, spoiled};

/// Boxes of about the size 1, predicted and true: some lie within each other, some overlap, some are apart.
fn boxes(samples: usize, height: usize, width: usize) -> [Tensor; 2] {
    let pixels = height * width;
    // The shift keeps sides from coinciding, where the loss has a kink.
    [(0, 0.0), (10, 0.07)].map(|(salt, shift)| {
        let corner = spread(&[samples, 2, height, width], salt);
        let size = spread(&[samples, 2, height, width], salt + 1);
        Tensor::from_fn([samples, 4, height, width], |i| {
            let (sample, side, pixel) = (i / (4 * pixels), i / pixels % 4, i % pixels);
            let at = (2 * sample + side % 2) * pixels + pixel;
            corner.data()[at] + shift + if side < 2 { 0.0 } else { size.data()[at].abs() }
        })
    })
}

/// The two fractions of a loss are of areas, from sides that are rounded once. The four terms of a derivative are at
/// most as large as the longest side of the box around both, divided by the larger of both boxes.
fn check(loss: Giou, [prediction, target]: [Tensor; 2], samples: usize) {
    let [_, _, height, width] = prediction.nchw();
    let pixels = height * width;
    let boxes = (samples * pixels) as f64;
    let divisor = if loss.reduction() == Reduction::Mean { boxes } else { 1.0 };
    let largest = |i: usize| -> f64 {
        let side = |of: &Tensor, side: usize| {
            f64::from(of.data()[(i / pixels / 4 * 4 + side) * pixels + i % pixels])
        };
        let area = |of| (side(of, 2) - side(of, 0)) * (side(of, 3) - side(of, 1));
        let along = |axis| {
            let upper = side(&prediction, axis + 2).max(side(&target, axis + 2));
            upper - side(&prediction, axis).min(side(&target, axis))
        };
        along(0).max(along(1)) / area(&prediction).max(area(&target))
    };
    let spoiled = spoiled(&prediction, samples);
    losses::check(
        &loss,
        &spoiled,
        Target::Values(target.data()),
        samples,
        |measured| bound::of_units(32.0, boxes / divisor) + bound::of_sum(boxes, measured.loss),
        |_, i| if i < samples * 4 * pixels { bound::of_units(64.0, largest(i) / divisor) } else { 0.0 },
    );
}

#[test]
fn odd_numbers_of_boxes() {
    for [samples, height, width] in [[1, 1, 1], [9, 1, 1], [2, 5, 3], [3, 40, 37]] {
        check(Giou::mean(), boxes(samples, height, width), samples);
        check(Giou::sum(), boxes(samples, height, width), samples);
    }
}

#[test]
fn samples_past_the_real_ones_do_not_count() {
    check(Giou::mean(), boxes(6, 3, 2), 4);
}

/// Loss and gradient of one box against another.
fn one(loss: &Giou, prediction: [f32; 4], target: [f32; 4]) -> Vec<(f64, Vec<f64>)> {
    let prediction = Tensor::new([1, 4], prediction.to_vec()).unwrap();
    let measure =
        |context| gpu::measure(context, loss, &prediction, Target::Values(&target), 1, false).unwrap();
    contexts().iter().map(measure).map(|(measured, grad)| (measured.loss.into(), grad)).collect()
}

/// Apart by 1, each of area 1: the smallest box around both is 3 x 1.
#[test]
fn boxes_that_do_not_overlap_are_drawn_together() {
    for (loss, grad) in one(&Giou::sum(), [0.0, 0.0, 1.0, 1.0], [2.0, 0.0, 3.0, 1.0]) {
        assert!((loss - (1.0 + 1.0 / 3.0)).abs() < 1e-6, "{loss}");
        // A wider box is a larger union in the same hull; sides that coincide count by half.
        let wanted = [1.0 / 3.0 - 2.0 / 9.0, 1.0 / 3.0 - 1.0 / 3.0, -1.0 / 3.0, 0.0];
        assert!(grad.iter().zip(wanted).all(|(got, want)| (got - want).abs() < 1e-6), "{grad:?}");
    }
}

#[test]
fn boxes_without_an_area_have_finite_losses_and_gradients() {
    let point = [0.5, 0.5, 0.5, 0.5];
    for (prediction, target) in [
        (point, point),
        (point, [0.0, 0.0, 1.0, 1.0]),
        ([0.0, 0.0, 1.0, 1.0], point),
        ([0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 1.0, 0.0]),
        ([0.0; 4], [0.0; 4]),
        ([-1e4, -1e4, 1e4, 1e4], [-1e4, -1e4, 1e4, 1e4]),
        ([1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]),
    ] {
        for (loss, grad) in one(&Giou::mean(), prediction, target) {
            let is_finite = loss.is_finite() && grad.iter().all(|grad| grad.is_finite());
            assert!(is_finite, "{prediction:?} against {target:?}: {loss}, {grad:?}");
        }
    }
}

#[test]
fn nan_is_refused() {
    let message = Giou::mean().eps(f32::NAN).check(Shape::features(4)).unwrap_err();
    assert_eq!(message, "eps is NaN; it must be a number above 0");
}

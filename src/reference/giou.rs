//! The CPU twin of the generalised intersection over union.

use super::elementwise_loss::finish;
use super::{LossTwin, Measured, Real};
use crate::Tensor;
use crate::ops::{Giou, Target};

impl<T: Real> LossTwin<T> for Giou {
    fn measure(&self, prediction: &Tensor<T>, target: Target<'_, T>, samples: usize) -> Measured<T> {
        let [_, _, height, width] = prediction.nchw();
        let (pixels, eps) = (height * width, T::of(self.eps.into()));
        let mut grad = Tensor::zeros(prediction.shape());
        let (mut loss, mut count) = (T::default(), 0);
        let boxes = prediction.data().chunks_exact(4 * pixels).zip(target.values().chunks_exact(4 * pixels));
        for (sample, (boxes, truths)) in boxes.enumerate().take(samples) {
            for pixel in 0..pixels {
                let at = |side: usize| side * pixels + pixel;
                let sides = |of: &[T]| [0, 1, 2, 3].map(|side| of[at(side)]);
                let (box_loss, box_grad) = compare(sides(boxes), sides(truths), eps);
                loss += box_loss;
                count += 1;
                for (side, derivative) in box_grad.into_iter().enumerate() {
                    grad.data_mut()[sample * 4 * pixels + at(side)] = derivative;
                }
            }
        }
        finish(self.reduction, loss, count, grad)
    }
}

/// The loss of a box against another, (x1, y1, x2, y2) each, and its derivative by each side of the first.
fn compare<T: Real>(a: [T; 4], b: [T; 4], eps: T) -> (T, [T; 4]) {
    let (zero, one) = (T::default(), T::of(1.0));
    let area = |sides: [T; 2]| sides[0] * sides[1];
    let sides = |[x1, y1, x2, y2]: [T; 4]| [x2 - x1, y2 - y1];
    let overlap = [0, 1].map(|axis| min(a[axis + 2], b[axis + 2]) - max(a[axis], b[axis]));
    let around = [0, 1].map(|axis| max(a[axis + 2], b[axis + 2]) - min(a[axis], b[axis]));
    let overlaps = overlap[0] > zero && overlap[1] > zero;
    let intersection = if overlaps { area(overlap) } else { zero };
    let union = area(sides(a)) + area(sides(b)) - intersection;
    let hull = area(around);
    let (union_eps, hull_eps) = (union + eps, hull + eps);
    let loss = one - intersection / union_eps + (hull - union) / hull_eps;

    let grad = [0, 1, 2, 3].map(|side| {
        // The lower sides take from an area what the upper ones add, by the length across.
        let (across, lower) = (1 - side % 2, side < 2);
        let sign = if lower { -one } else { one };
        // How far this side, and not the other box's, bounds the intersection.
        let share = if lower { share(a[side], b[side]) } else { share(b[side], a[side]) };
        let by_area = sign * sides(a)[across];
        let by_intersection = if overlaps { sign * share * overlap[across] } else { zero };
        let by_hull = sign * (one - share) * around[across];
        let by_union = by_area - by_intersection;
        by_union * (intersection / union_eps / union_eps - one / hull_eps) - by_intersection / union_eps
            + by_hull * (union_eps / hull_eps / hull_eps)
    });
    (loss, grad)
}

fn min<T: Real>(a: T, b: T) -> T {
    if b < a { b } else { a }
}

fn max<T: Real>(a: T, b: T) -> T {
    if b > a { b } else { a }
}

/// How the larger of a and b changes with a: by half where they are equal.
fn share<T: Real>(a: T, b: T) -> T {
    T::of(if a > b {
        1.0
    } else if a == b {
        0.5
    } else {
        0.0
    })
}

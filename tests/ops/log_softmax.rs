//! The logarithm of softmax along each axis.

use wgcnn::ops::LogSoftmax;
use wgcnn::shape::Axis;

use crate::check::{Rounding, check, check_within};
use crate::softmax::check_large;

/// Of an exponential, whose argument is small here, a sum of positive terms and a logarithm. A gradient is a difference.
const UNITS: f64 = 32.0;

#[test]
fn over_channels() {
    // One class, pad lanes, several invocations for a pixel, and more quads than a workgroup has invocations.
    for shape in [
        [1, 1, 1, 1],
        [3, 2, 1, 1],
        [2, 5, 3, 4],
        [1, 21, 9, 7],
        [3, 100, 2, 1],
        [2, 1000, 1, 1],
        [70, 3, 1, 3],
    ] {
        check(LogSoftmax::default(), &[shape], Rounding::Units(UNITS), Rounding::OfLargest(UNITS));
    }
}

#[test]
fn over_height_and_width() {
    for axis in [Axis::Height, Axis::Width] {
        for shape in [[2, 5, 3, 4], [1, 3, 1, 1], [2, 2, 70, 7], [1, 33, 9, 12], [1, 1, 5, 300]] {
            check(LogSoftmax::new(axis), &[shape], Rounding::Units(UNITS), Rounding::OfLargest(UNITS));
        }
    }
}

/// Large logits, equal ones, and lines of which one element outweighs all others.
#[test]
fn large_logits() {
    check_large(LogSoftmax::default(), LogSoftmax::new(Axis::Width));
}

#[test]
fn within_a_graph() {
    check_within(LogSoftmax::default(), [2, 6, 7, 6]);
}

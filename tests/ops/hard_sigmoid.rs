//! A line between 0 and 1.

use wgcnn::ops::{HardSigmoid, Operator};
use wgcnn::shape::Shape;

use crate::check::check_within;
use crate::elementwise;

/// Of a sum of two terms of at most 1; the derivative is α or 0.
#[test]
fn is_right_to_some_roundings() {
    for hard_sigmoid in [HardSigmoid::default(), HardSigmoid::new(0.2, 0.5)] {
        elementwise::check(hard_sigmoid, 4.0, |_, _| [1.5, 0.25]);
    }
}

#[test]
fn within_a_graph() {
    check_within(HardSigmoid::default(), [2, 6, 5, 4]);
}

#[test]
fn nan_is_refused() {
    let refusal = HardSigmoid::new(f32::NAN, 0.5).output_shape(&[Shape::features(4)]).unwrap_err();
    assert_eq!(refusal, "alpha is NaN; it must be a finite number");
}

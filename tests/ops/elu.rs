//! x above 0, α (eˣ − 1) below.

use wgcnn::ops::{Elu, Operator};
use wgcnn::shape::Shape;

use crate::check::check_within;
use crate::elementwise;

/// Of an exponential and a difference that does not cancel; the derivative below 0 is y + α.
#[test]
fn is_right_to_some_roundings() {
    for alpha in [1.0, 0.3] {
        elementwise::check(Elu::new(alpha), 16.0, |_, y| [y.abs(), y.abs().min(1.0) + 1.0]);
    }
}

#[test]
fn within_a_graph() {
    check_within(Elu::default(), [2, 6, 5, 4]);
}

#[test]
fn nan_is_refused() {
    let refusal = Elu::new(f32::NAN).output_shape(&[Shape::features(4)]).unwrap_err();
    assert_eq!(refusal, "alpha is NaN; it must be a number from 0");
}

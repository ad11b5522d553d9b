//! x above 0, a fraction of it below.

use wgcnn::ops::{LeakyRelu, Operator};
use wgcnn::shape::Shape;

use crate::check::check_within;
use crate::elementwise;

/// Of one product. A negative slope takes the derivative from the input.
#[test]
fn is_right_to_some_roundings() {
    for slope in [0.01, 0.25, 0.0, -0.5] {
        elementwise::check(LeakyRelu::new(slope), 1.0, |_, y| [y.abs(), 1.0]);
    }
}

#[test]
fn within_a_graph() {
    check_within(LeakyRelu::default(), [2, 6, 5, 4]);
}

#[test]
fn nan_is_refused() {
    let refusal = LeakyRelu::new(f32::NAN).output_shape(&[Shape::features(4)]).unwrap_err();
    assert_eq!(refusal, "the negative slope is NaN; it must be a finite number");
}

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
fn bad_settings_are_refused() {
    for (operator, expected) in [
        (LeakyRelu::new(f32::NAN), "the negative slope is NaN"),
        (LeakyRelu::new(f32::INFINITY), "it must be a finite number"),
    ] {
        let refusal = operator.output_shape(&[Shape::features(4)]).unwrap_err();
        assert!(refusal.contains(expected), "{refusal}");
    }
}

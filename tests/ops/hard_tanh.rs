//! min(max(x, lowest), highest).

use wgcnn::ops::{HardTanh, Operator};
use wgcnn::shape::Shape;

use crate::check::{attributes, check_within};
use crate::elementwise;

#[test]
fn is_exact() {
    for hard_tanh in [HardTanh::default(), HardTanh::new(0.25, 9.0), HardTanh::new(f32::MIN, -17.5)] {
        elementwise::check(hard_tanh, 0.0, |_, _| [0.0; 2]);
    }
}

#[test]
fn within_a_graph() {
    check_within(HardTanh::new(0.25, 0.75), [2, 6, 5, 4]);
}

#[test]
fn bad_bounds_are_refused() {
    for (operator, expected) in [
        (
            HardTanh::new(1.0, -1.0),
            "the bounds are 1 and -1; they must be finite, the first less than the second",
        ),
        (HardTanh::new(2.0, 2.0), "the bounds are 2 and 2"),
        (HardTanh::new(f32::NAN, 0.5), "the bounds are NaN and 0.5"),
        (HardTanh::new(0.2, f32::INFINITY), "the bounds are 0.2 and inf"),
    ] {
        let refusal = operator.output_shape(&[Shape::features(4)]).unwrap_err();
        assert!(refusal.contains(expected), "{refusal}");
    }
    assert_eq!(attributes::<HardTanh>("{}"), Ok(HardTanh::default()));
}

//! ln(1 + e^(βx)) / β.

use wgcnn::ops::{Operator, Softplus};
use wgcnn::shape::Shape;

use crate::check::check_within;
use crate::elementwise;

/// Of an exponential, whose error grows with its argument (here at most 88 before it vanishes), and sums that do not
/// cancel; the derivative is the sigmoid of βx.
#[test]
fn is_right_to_some_roundings() {
    for (beta, softplus) in [(1.0, Softplus::default()), (0.5, Softplus::new(0.5).threshold(4.0))] {
        elementwise::check(softplus, 128.0, |x, y| [y, 1.0 / (1.0 + (-beta * x).exp())]);
    }
}

#[test]
fn within_a_graph() {
    check_within(Softplus::default(), [2, 6, 5, 4]);
}

#[test]
fn nan_is_refused() {
    let refusal = Softplus::new(1.0).threshold(f32::NAN).output_shape(&[Shape::features(4)]).unwrap_err();
    assert_eq!(refusal, "the threshold is NaN; it must be a finite number");
}

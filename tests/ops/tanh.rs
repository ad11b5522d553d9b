//! The hyperbolic tangent.

use wgcnn::ops::Tanh;

use crate::check::check_within;
use crate::elementwise;

/// Of one exponential, a sum, a difference and a quotient; the derivative is 1 − y².
#[test]
fn is_right_to_some_roundings() {
    elementwise::check(Tanh, 16.0, |_, y| [y.abs(), 1.0 + y * y]);
}

#[test]
fn within_a_graph() {
    check_within(Tanh, [2, 6, 5, 4]);
}

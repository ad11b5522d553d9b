//! x Φ(x).

use wgcnn::ops::Gelu;

use crate::check::check_within;
use crate::elementwise;

/// Of x times half the sum of 1 and the error function, which is approximated to two roundings of 1; the derivative adds
/// x times the density.
#[test]
fn is_right_to_some_roundings() {
    elementwise::check(Gelu, 16.0, |x, _| [x.abs(), 1.0 + x.abs() * (-x * x / 2.0).exp()]);
}

#[test]
fn within_a_graph() {
    check_within(Gelu, [2, 6, 5, 4]);
}

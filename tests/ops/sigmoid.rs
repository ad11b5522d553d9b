//! 1 / (1 + e⁻ˣ).

use wgcnn::ops::Sigmoid;

use crate::check::check_within;
use crate::elementwise;

/// Of an exponential, whose error grows with its argument (here at most 88 before it vanishes), a sum and a quotient;
/// the derivative is y − y².
#[test]
fn is_right_to_some_roundings() {
    elementwise::check(Sigmoid, 128.0, |_, y| [y, y + y * y]);
}

#[test]
fn within_a_graph() {
    check_within(Sigmoid, [2, 6, 5, 4]);
}

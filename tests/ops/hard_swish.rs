//! x min(max(x + 3, 0), 6) / 6.

use wgcnn::ops::HardSwish;

use crate::check::check_within;
use crate::elementwise;

/// Of x times the sum of x / 6 and 1/2; the derivative is a sum of two terms of at most 1.
#[test]
fn is_right_to_some_roundings() {
    elementwise::check(HardSwish, 8.0, |x, _| [x.abs(), 1.5]);
}

#[test]
fn within_a_graph() {
    check_within(HardSwish, [2, 6, 5, 4]);
}

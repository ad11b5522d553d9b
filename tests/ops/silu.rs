//! x / (1 + e⁻ˣ).

use wgcnn::ops::Silu;

use crate::check::check_within;
use crate::elementwise;

/// Of an exponential, whose error grows with its argument (here at most 88 before it vanishes), a sum, a quotient and a
/// product; the derivative is s + x s (1 − s).
#[test]
fn is_right_to_some_roundings() {
    elementwise::check(Silu, 128.0, |x, y| {
        let sigmoid = 1.0 / (1.0 + (-x).exp());
        [y.abs(), sigmoid * (1.0 + x.abs())]
    });
}

#[test]
fn within_a_graph() {
    check_within(Silu, [2, 6, 5, 4]);
}

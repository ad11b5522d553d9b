//! min(max(x, 0), 6).

use wgcnn::ops::Relu6;

use crate::check::check_within;
use crate::elementwise;

#[test]
fn is_exact() {
    elementwise::check(Relu6, 0.0, |_, _| [0.0; 2]);
}

#[test]
fn within_a_graph() {
    check_within(Relu6, [2, 6, 5, 4]);
}

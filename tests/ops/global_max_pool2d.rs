//! The maximum of each channel.

use wgcnn::ops::GlobalMaxPool2d;

use crate::check::{Rounding, check, check_within};
use crate::ties;

#[test]
fn odd_sizes() {
    // One pixel, fewer than a workgroup's invocations, more; and images that are split over workgroups.
    for shape in [
        [2, 3, 1, 1],
        [2, 5, 3, 7],
        [3, 1, 17, 1],
        [1, 17, 9, 11],
        [5, 130, 4, 3],
        [2, 3, 40, 61],
        [1, 66, 51, 50],
    ] {
        check(GlobalMaxPool2d, &[shape], Rounding::Exact, Rounding::Exact);
    }
}

#[test]
fn many_equal_values() {
    ties::check(GlobalMaxPool2d, [2, 5, 9, 11]);
    ties::check(GlobalMaxPool2d, [2, 3, 40, 61]);
    ties::check(GlobalMaxPool2d, [1, 66, 51, 50]);
}

#[test]
fn within_a_graph() {
    check_within(GlobalMaxPool2d, [2, 6, 7, 6]);
}

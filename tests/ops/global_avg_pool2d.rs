//! The mean of each channel.

use wgcnn::ops::GlobalAvgPool2d;

use crate::check::{Rounding, check, check_within};

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
        let terms = Rounding::SumOf(shape[2] * shape[3]);
        check(GlobalAvgPool2d, &[shape], terms, Rounding::SumOf(1));
    }
}

#[test]
fn within_a_graph() {
    check_within(GlobalAvgPool2d, [2, 6, 7, 6]);
}

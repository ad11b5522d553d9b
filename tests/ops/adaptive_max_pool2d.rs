//! Maxima of windows that divide the image.

use wgcnn::ops::AdaptiveMaxPool2d;

use crate::check::{Rounding, check, check_within};
use crate::ties;

fn adaptive_max_pool2d(output_size: [usize; 2], input: [usize; 4]) {
    // A gradient is the sum over the windows that an element is the largest of.
    check(AdaptiveMaxPool2d::new(output_size), &[input], Rounding::Exact, Rounding::Units(16.0));
}

#[test]
fn odd_sizes() {
    adaptive_max_pool2d([1, 1], [1, 1, 3, 5]);
    adaptive_max_pool2d([2, 3], [2, 3, 6, 9]);
    adaptive_max_pool2d([5, 4], [2, 17, 11, 9]);
    adaptive_max_pool2d([7, 7], [1, 66, 16, 15]);
}

/// Several windows for a pixel, or the pixel itself.
#[test]
fn more_windows_than_pixels() {
    adaptive_max_pool2d([5, 7], [2, 3, 2, 3]);
    adaptive_max_pool2d([4, 3], [2, 5, 4, 3]);
}

/// Several invocations and several workgroups for a window.
#[test]
fn large_windows() {
    adaptive_max_pool2d([1, 2], [1, 5, 70, 51]);
    adaptive_max_pool2d([3, 2], [2, 33, 61, 47]);
}

#[test]
fn many_equal_values() {
    ties::check(AdaptiveMaxPool2d::new([3, 4]), [2, 5, 8, 7]);
    ties::check(AdaptiveMaxPool2d::new([1, 2]), [1, 3, 20, 30]);
    ties::check(AdaptiveMaxPool2d::new([2, 1]), [2, 5, 65, 70]);
}

#[test]
fn within_a_graph() {
    check_within(AdaptiveMaxPool2d::new([3, 4]), [2, 6, 7, 6]);
}

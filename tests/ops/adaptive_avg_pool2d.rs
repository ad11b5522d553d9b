//! Means of windows that divide the image.

use wgcnn::ops::AdaptiveAvgPool2d;

use crate::check::{Rounding, check, check_within};

fn adaptive_avg_pool2d(output_size: [usize; 2], input: [usize; 4]) {
    let [_, _, height, width] = input;
    // Windows may overlap by a row and a column.
    let pixels = (height.div_ceil(output_size[0]) + 1) * (width.div_ceil(output_size[1]) + 1);
    check(AdaptiveAvgPool2d::new(output_size), &[input], Rounding::SumOf(pixels), Rounding::SumOf(4));
}

#[test]
fn odd_sizes() {
    adaptive_avg_pool2d([1, 1], [1, 1, 3, 5]);
    adaptive_avg_pool2d([2, 3], [2, 3, 6, 9]);
    adaptive_avg_pool2d([5, 4], [2, 17, 11, 9]);
    adaptive_avg_pool2d([3, 1], [3, 5, 3, 17]);
    adaptive_avg_pool2d([7, 7], [1, 66, 16, 15]);
}

/// Several windows for a pixel, or the pixel itself.
#[test]
fn more_windows_than_pixels() {
    check(AdaptiveAvgPool2d::new([5, 7]), &[[2, 3, 2, 3]], Rounding::SumOf(4), Rounding::SumOf(16));
    adaptive_avg_pool2d([4, 3], [2, 5, 4, 3]);
}

/// Several invocations and several workgroups for a window.
#[test]
fn large_windows() {
    adaptive_avg_pool2d([1, 2], [1, 5, 70, 51]);
    adaptive_avg_pool2d([3, 2], [2, 33, 61, 47]);
}

#[test]
fn within_a_graph() {
    check_within(AdaptiveAvgPool2d::new([3, 4]), [2, 6, 7, 6]);
}

//! Transposed convolution: dense, of one pixel, grouped and depthwise.

use wgcnn::ops::ConvTranspose2d;
use wgcnn::shape::Padding;

use crate::check::{Rounding, check, check_variants_within};
use crate::conv2d::kernels;

fn conv_transpose2d(conv_transpose2d: ConvTranspose2d, input: [usize; 4]) {
    check(conv_transpose2d, &[input], Rounding::Sum, Rounding::Sum);
}

#[test]
fn small_sizes() {
    conv_transpose2d(ConvTranspose2d::new(1, 1), [1, 1, 1, 1]);
    conv_transpose2d(ConvTranspose2d::new(3, 3), [2, 5, 3, 4]);
    conv_transpose2d(ConvTranspose2d::new(5, [2, 3]).bias(false), [1, 3, 1, 4]);
}

#[test]
fn strides_and_padding() {
    conv_transpose2d(ConvTranspose2d::new(3, 4).stride(2).padding(1), [2, 5, 4, 3]);
    conv_transpose2d(ConvTranspose2d::new(3, 2).stride([4, 1]).padding(Padding::Same), [2, 2, 3, 2]);
}

#[test]
fn output_padding() {
    conv_transpose2d(ConvTranspose2d::new(4, 3).stride(2).padding(1).output_padding(1), [2, 3, 5, 4]);
    let uneven = ConvTranspose2d::new(17, [3, 5]).stride([1, 3]).padding([2, 0, 1, 4]);
    conv_transpose2d(uneven.output_padding([0, 2]), [3, 1, 4, 5]);
}

/// Where the dilation is larger, output padding may be more than the stride.
#[test]
fn dilation() {
    let more = ConvTranspose2d::new(4, [2, 3]).stride([1, 2]).dilation([3, 5]).output_padding([2, 4]);
    conv_transpose2d(more, [1, 3, 3, 4]);
    conv_transpose2d(ConvTranspose2d::new(2, 1).dilation(2).output_padding(1), [2, 4, 3, 3]);
}

#[test]
fn kernels_of_one_pixel() {
    conv_transpose2d(ConvTranspose2d::new(9, 1), [3, 17, 3, 5]);
    conv_transpose2d(ConvTranspose2d::new(4, 1).stride([2, 3]), [2, 3, 4, 3]);
    conv_transpose2d(ConvTranspose2d::new(1, 1).stride(2).padding(1), [1, 2, 5, 6]);
}

#[test]
fn more_than_one_tile() {
    conv_transpose2d(ConvTranspose2d::new(70, 4).stride(2).padding(1), [1, 17, 9, 8]);
}

#[test]
fn groups() {
    conv_transpose2d(ConvTranspose2d::new(6, [3, 2]).groups(2).stride([1, 2]), [2, 4, 4, 3]);
    let padded = ConvTranspose2d::new(9, 3).groups(3).stride(2).padding(1).output_padding(1);
    conv_transpose2d(padded, [2, 15, 3, 4]);
    conv_transpose2d(ConvTranspose2d::new(8, 3).groups(2).stride(2).padding(1), [1, 16, 4, 5]);
    conv_transpose2d(ConvTranspose2d::new(24, [2, 3]).groups(3).bias(false), [3, 12, 4, 3]);
    // Each input gives several outputs, so that it is not depthwise seen from them.
    conv_transpose2d(ConvTranspose2d::new(6, 3).groups(3).stride(2), [2, 3, 3, 4]);
}

#[test]
fn depthwise() {
    conv_transpose2d(ConvTranspose2d::new(5, 3).groups(5).padding(1), [2, 5, 4, 5]);
    let padded = ConvTranspose2d::new(6, 4).groups(6).stride([2, 3]).padding(1).output_padding([1, 2]);
    conv_transpose2d(padded, [2, 6, 3, 11]);
    conv_transpose2d(ConvTranspose2d::new(3, [1, 3]).groups(3).stride(2).dilation([1, 4]), [1, 3, 2, 9]);
    conv_transpose2d(ConvTranspose2d::new(6, 3).groups(6).padding([3, 0, 1, 3]), [2, 6, 7, 13]);
    // Several inputs for each output.
    conv_transpose2d(ConvTranspose2d::new(5, 3).groups(5).stride(2).bias(false), [2, 15, 3, 4]);
}

/// One invocation could not add up so many terms in one loop: some drivers end it early without a word.
#[test]
fn long_sums() {
    conv_transpose2d(ConvTranspose2d::new(1, [1, 3]), [1, 2, 70_001, 1]);
    conv_transpose2d(ConvTranspose2d::new(2, 17).padding(16), [1, 1024, 17, 17]);
}

#[test]
fn within_a_graph() {
    check_variants_within(ConvTranspose2d::new(6, [3, 2]).stride([1, 2]), [2, 5, 4, 3]);
    check_variants_within(ConvTranspose2d::new(6, 3).groups(6).stride(2).output_padding(1), [2, 6, 3, 4]);
}

/// Its weight lies as the forward pass wants it.
#[test]
fn inference_is_one_dispatch() {
    let conv = |out_channels| ConvTranspose2d::new(out_channels, 3).stride(2);
    assert_eq!(kernels(conv(9), [6, 5, 5]), ["conv2d/forward_tiled"]);
    assert_eq!(kernels(conv(9).groups(3), [6, 5, 5]), ["conv2d/forward_grouped"]);
    assert_eq!(kernels(conv(12).groups(3), [12, 5, 5]), ["conv2d/forward_grouped_quads"]);
    assert_eq!(kernels(conv(6).groups(6), [6, 5, 5]), ["conv2d/depthwise_backward_input"]);
    assert_eq!(kernels(ConvTranspose2d::new(9, 1), [6, 5, 5]), ["conv2d/forward_tiled"]);
}

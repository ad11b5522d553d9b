//! Convolution: dense, of one pixel, grouped and depthwise.

use wgcnn::gpu::Capabilities;
use wgcnn::network::Network;
use wgcnn::ops::{Conv2d, Operator};
use wgcnn::schedule::{Plan, PlanOptions};
use wgcnn::shape::Padding;

use crate::check::{Rounding, check, check_as_gpu, check_in_vectors, check_tiles, check_variants_within};

fn conv2d(conv2d: Conv2d, input: [usize; 4]) {
    check(conv2d, &[input], Rounding::Sum, Rounding::Sum);
}

#[test]
fn small_sizes() {
    conv2d(Conv2d::new(1, 1), [1, 1, 1, 1]);
    conv2d(Conv2d::new(5, 3).same(), [2, 3, 5, 4]);
    conv2d(Conv2d::new(2, 2).bias(false), [1, 2, 2, 2]);
    conv2d(Conv2d::new(3, [1, 7]).padding([0, 3]), [1, 2, 3, 7]);
    conv2d(Conv2d::new(1, [5, 1]).padding([2, 0]), [3, 4, 5, 1]);
}

#[test]
fn more_than_one_tile() {
    conv2d(Conv2d::new(64, 3).same(), [2, 16, 12, 11]);
    conv2d(Conv2d::new(70, 5).padding(2), [1, 4, 13, 10]);
    conv2d(Conv2d::new(3, 3).same().bias(false), [1, 130, 9, 8]);
}

#[test]
fn more_than_one_tile_of_even_kernels() {
    conv2d(Conv2d::new(33, [3, 2]).padding([1, 0, 0, 1]), [7, 17, 5, 7]);
    conv2d(Conv2d::new(16, [4, 4]), [5, 1, 19, 17]);
}

#[test]
fn strides() {
    conv2d(Conv2d::new(2, 2).stride(5), [3, 1, 11, 13]);
    conv2d(Conv2d::new(7, 3).stride(2).padding(Padding::Same), [2, 3, 7, 8]);
    conv2d(Conv2d::new(17, [3, 4]).stride([2, 3]).padding([2, 1, 0, 3]), [2, 5, 10, 9]);
    conv2d(Conv2d::new(4, [1, 2]).stride([3, 1]), [1, 33, 8, 6]);
    conv2d(Conv2d::new(8, 4).stride(2).padding(1), [7, 2, 8, 8]);
}

/// Taps before the image by whole strides, in one phase with those inside: with few and many channels, and in groups.
#[test]
fn taps_some_strides_outside() {
    conv2d(Conv2d::new(16, 5).stride(3), [1, 2, 11, 8]);
    conv2d(Conv2d::new(8, 5).groups(2).stride(3), [1, 8, 8, 11]);
    conv2d(Conv2d::new(6, [5, 4]).groups(2).stride(3), [1, 6, 8, 10]);
}

#[test]
fn padding() {
    conv2d(Conv2d::new(6, 2).padding([0, 2, 1, 0]), [1, 4, 4, 5]);
    conv2d(Conv2d::new(2, 3).padding(4), [1, 3, 2, 1]);
}

#[test]
fn dilation() {
    conv2d(Conv2d::new(3, 3).dilation([2, 3]).padding([2, 3]), [2, 5, 9, 11]);
    conv2d(Conv2d::new(5, [2, 3]).stride([2, 1]).dilation([3, 2]).padding(Padding::Same), [2, 4, 11, 9]);
}

#[test]
fn kernels_of_one_pixel() {
    conv2d(Conv2d::new(16, 1), [3, 33, 5, 5]);
    conv2d(Conv2d::new(130, 1).bias(false), [1, 65, 3, 3]);
    conv2d(Conv2d::new(2, 1), [2, 3, 7, 9]);
    conv2d(Conv2d::new(4, 1).stride([2, 3]), [2, 4, 5, 7]);
    conv2d(Conv2d::new(3, 1).padding([1, 0, 0, 2]), [1, 5, 4, 4]);
}

/// Both gradients run on the kernels of the forward pass and of the gradient to the weight.
#[test]
fn every_tile() {
    check_tiles(Conv2d::new(37, 3).same().bias(false), &[[3, 37, 7, 9]]);
}

#[test]
fn what_a_gpu_takes() {
    let conv2d = |conv2d, input| check_as_gpu(conv2d, &[input], Rounding::Sum, Rounding::Sum);
    conv2d(Conv2d::new(37, 3).same().bias(false), [3, 37, 7, 9]);
    // The gradient to its bias is joined in several rounds.
    conv2d(Conv2d::new(3, 3).groups(3).same(), [2, 3, 61, 67]);
}

/// Winograd's kernels, those of few input channels, of strides and of single channels.
#[test]
fn single_precision_in_vectors() {
    check_in_vectors(Conv2d::new(36, 3).same(), &[[3, 33, 13, 9]]);
    check_in_vectors(Conv2d::new(5, 3).stride(2), &[[2, 3, 9, 7]]);
    check_in_vectors(Conv2d::new(7, 3).stride(2), &[[2, 9, 9, 7]]);
    check_in_vectors(Conv2d::new(6, 3).same().groups(6), &[[2, 6, 9, 7]]);
}

/// More taps than the tiled kernels have bits for.
#[test]
fn long_kernels() {
    conv2d(Conv2d::new(5, [31, 2]).padding([15, 0]), [1, 6, 33, 3]);
    conv2d(Conv2d::new(3, [2, 32]), [1, 2, 3, 34]);
}

/// A sum over so many taps is split; the kernels of few channels take several of them in a step.
#[test]
fn few_channels_and_many_taps() {
    conv2d(Conv2d::new(8, 13), [1, 1, 16, 16]);
    conv2d(Conv2d::new(5, [15, 14]), [1, 2, 17, 15]);
    conv2d(Conv2d::new(3, 14), [1, 3, 15, 16]);
}

#[test]
fn groups() {
    conv2d(Conv2d::new(6, [3, 2]).groups(2).dilation([1, 3]).padding([3, 0]), [2, 4, 5, 7]);
    conv2d(Conv2d::new(9, 3).groups(3).same(), [2, 15, 5, 6]);
    conv2d(Conv2d::new(32, 3).groups(4).stride(2).padding(1).bias(false), [2, 64, 7, 5]);
    conv2d(Conv2d::new(16, 1).groups(16), [3, 32, 4, 3]);
    conv2d(Conv2d::new(2, 2).groups(2), [1, 2, 3, 3]);
    conv2d(Conv2d::new(3, 2).groups(3), [2, 6, 4, 3]);
    // Two outputs of a group lie in one quad, whose other two are of the next.
    conv2d(Conv2d::new(10, 3).groups(5).stride([1, 2]).padding(1), [3, 25, 6, 9]);
}

#[test]
fn groups_of_whole_quads() {
    conv2d(Conv2d::new(8, 3).groups(2).same(), [2, 8, 5, 6]);
    conv2d(Conv2d::new(12, [2, 3]).groups(3).stride([2, 3]).padding([1, 0]), [3, 24, 7, 10]);
    conv2d(Conv2d::new(40, 3).groups(2).dilation([1, 2]).padding([0, 2]).bias(false), [1, 8, 6, 7]);
    conv2d(Conv2d::new(16, 1).groups(4).stride(2), [2, 16, 5, 3]);
}

/// One invocation sums at most some thousands of terms; the rest is split.
#[test]
fn groups_of_long_sums() {
    conv2d(Conv2d::new(8, [65, 66]).groups(2), [1, 16, 65, 66]);
    conv2d(Conv2d::new(6, 65).groups(2).padding([1, 0, 0, 0]), [1, 6, 65, 65]);
    // Depthwise, but for its kernel.
    conv2d(Conv2d::new(2, 91).groups(2), [1, 2, 91, 92]);
}

#[test]
fn depthwise() {
    conv2d(Conv2d::new(5, 3).groups(5).same(), [2, 5, 4, 5]);
    conv2d(Conv2d::new(6, 3).groups(3).same(), [1, 3, 6, 5]);
    conv2d(Conv2d::new(33, 3).groups(33).stride(2).dilation(2).padding(2), [2, 33, 9, 8]);
    conv2d(Conv2d::new(70, 3).groups(70).same().bias(false), [2, 70, 12, 11]);
    conv2d(Conv2d::new(4, [1, 5]).groups(4).stride([3, 2]).padding([0, 0, 1, 4]), [3, 4, 7, 10]);
}

/// Strips of pixels and taps: longer than one, and with steps that stride and dilation share or do not.
#[test]
fn depthwise_strides_and_dilations() {
    conv2d(Conv2d::new(3, [2, 9]).groups(3).padding([1, 4]), [2, 3, 4, 21]);
    conv2d(Conv2d::new(5, [3, 7]).groups(5).stride([1, 2]).padding([1, 3]), [1, 5, 5, 23]);
    conv2d(Conv2d::new(4, 3).groups(4).stride([2, 3]).dilation([1, 2]).padding(2), [1, 4, 6, 37]);
    conv2d(Conv2d::new(4, [1, 3]).groups(4).stride([1, 2]).dilation([1, 4]).padding([0, 5]), [2, 4, 3, 29]);
    conv2d(Conv2d::new(2, [3, 2]).groups(2).stride([5, 6]), [2, 2, 14, 33]);
    conv2d(Conv2d::new(3, 2).groups(3).stride(2).dilation([3, 2]), [2, 3, 7, 8]);
    conv2d(Conv2d::new(2, [1, 5]).groups(2).stride([1, 3]).dilation([1, 3]).padding(1), [1, 2, 2, 24]);
    conv2d(Conv2d::new(2, 3).groups(2).stride([2, 3]).padding(1), [1, 2, 5, 12]);
}

/// Three taps whose columns lie side by side have kernels of their own.
#[test]
fn depthwise_rows() {
    conv2d(Conv2d::new(17, 3).groups(17).padding([0, 3, 1, 0]), [2, 17, 5, 41]);
    conv2d(Conv2d::new(4, 3).groups(4).stride([3, 2]).dilation([2, 1]).padding(1), [2, 4, 9, 22]);
    conv2d(Conv2d::new(5, 3).groups(5).stride([1, 4]).padding(4).bias(false), [1, 5, 3, 11]);
    conv2d(Conv2d::new(3, 3).groups(3), [1, 3, 3, 3]);
}

#[test]
fn depthwise_multipliers() {
    conv2d(Conv2d::new(10, 3).groups(5).same(), [2, 5, 4, 6]);
    conv2d(Conv2d::new(21, [2, 3]).groups(7).stride([1, 2]), [2, 7, 4, 12]);
    conv2d(Conv2d::new(30, 2).groups(6).dilation([1, 2]).bias(false), [1, 6, 3, 7]);
    conv2d(Conv2d::new(16, 3).groups(2).stride(2).padding(1), [1, 2, 5, 7]);
}

/// One invocation could not add up so many terms in one loop: some drivers end it early without a word.
#[test]
fn sums_over_more_than_65535_pixels() {
    conv2d(Conv2d::new(1, 3).same(), [1, 1, 271, 269]);
    conv2d(Conv2d::new(4, [1, 3]).groups(2), [1, 4, 70_001, 3]);
    conv2d(Conv2d::new(2, [2, 1]), [1, 2, 2, 70_001]);
    conv2d(Conv2d::new(8, [1, 3]).groups(2), [1, 8, 70_001, 3]);
    conv2d(Conv2d::new(3, [1, 3]).groups(3).dilation([1, 2]), [1, 3, 70_001, 5]);
    conv2d(Conv2d::new(2, [2, 3]).groups(2).dilation([1, 2]), [1, 2, 2, 70_001]);
    conv2d(Conv2d::new(2, 3).groups(2), [1, 2, 3, 70_001]);
    conv2d(Conv2d::new(2, 3).groups(2), [1, 2, 70_001, 3]);
}

/// The same for the sum over input channels and taps, and that over output channels and taps.
#[test]
fn sums_over_more_than_65535_quads() {
    conv2d(Conv2d::new(1, 17), [1, 1024, 17, 17]);
    conv2d(Conv2d::new(1024, 17), [1, 1, 17, 17]);
}

#[test]
fn within_a_graph() {
    check_variants_within(Conv2d::new(6, [3, 2]).stride([1, 2]), [2, 5, 6, 7]);
    check_variants_within(Conv2d::new(9, 3).groups(3).same(), [2, 6, 5, 4]);
    check_variants_within(Conv2d::new(6, 3).groups(6).same(), [2, 6, 5, 4]);
}

/// The kernels of a layer's inference on a device without subgroup operations.
pub fn kernels(operator: impl Operator + 'static, input: [usize; 3]) -> Vec<&'static str> {
    let network = Network::builder(input).layer("layer", operator).build().unwrap();
    let plan = Plan::new(&network, &PlanOptions::inference(2), &Capabilities::webgpu()).unwrap();
    let of_layer = plan.program().dispatches.iter().filter(|dispatch| dispatch.layer == "layer");
    of_layer.map(|dispatch| dispatch.kernel.name).collect()
}

#[test]
fn each_kind_has_its_kernels() {
    let conv = |out_channels| Conv2d::new(out_channels, 3);
    assert_eq!(kernels(conv(8), [6, 5, 5]), ["conv2d/forward_tiled"]);
    assert_eq!(kernels(conv(6).groups(3), [9, 5, 5]), ["conv2d/forward_grouped"]);
    assert_eq!(kernels(conv(12).groups(3), [12, 5, 5]), ["conv2d/forward_grouped_quads"]);
    assert_eq!(kernels(conv(12).groups(6), [6, 5, 5]), ["conv2d/depthwise_forward"]);
    assert_eq!(kernels(conv(6).groups(6), [6, 5, 5]), ["conv2d/depthwise_rows"]);
    assert_eq!(kernels(Conv2d::new(8, 1), [6, 5, 5]), ["conv2d/forward_tiled"]);
    // More taps than one invocation sums, in parts that are joined in two rounds; and steps longer than the kernels count.
    let long = Conv2d::new(2, 91).groups(2);
    let joined = ["common/sum_partials"; 2];
    assert_eq!(kernels(long, [2, 91, 91]), [&["conv2d/forward_grouped"][..], &joined].concat());
    let far = Conv2d::new(2, [1, 2]).groups(2).stride([1, 300]).dilation([1, 299]);
    assert_eq!(kernels(far, [2, 1, 300]), ["conv2d/forward_grouped"]);
}

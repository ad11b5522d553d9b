//! The twins' backward passes against central differences of their forward passes, in f64.

use std::sync::Arc;

use wgcnn::Tensor;
use wgcnn::network::{Network, Parameter};
use wgcnn::ops::{
    AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, BatchNorm, Conv2d, ConvTranspose2d, GlobalAvgPool2d,
    GlobalMaxPool2d, GroupNorm, Linear, LocalResponseNorm, LogSoftmax, LpPool2d, MaxPool2d, Operator,
    Softmax, StepState,
};
use wgcnn::reference::{self, Pass};
use wgcnn::shape::{Axis, Padding, Shape};

use crate::common::differences::{self, TOLERANCE, spread};

/// Checks an operator on inputs of these NCHW shapes, in a training step with a full batch.
fn check(operator: impl Operator + 'static, inputs: &[[usize; 4]]) {
    let step = StepState::new(0, 0, inputs[0][0], 0.0);
    check_pass(operator, inputs, Pass { training: true, stream: 0, step });
}

/// Checks an operator in a pass of any kind.
fn check_pass(operator: impl Operator + 'static, inputs: &[[usize; 4]], pass: Pass) {
    let name = format!("{operator:?} on {inputs:?}");
    let shapes: Vec<_> = inputs.iter().map(|[_, c, h, w]| Shape::new(*c, *h, *w)).collect();
    let operator: Arc<dyn Operator> = Arc::new(operator);
    let network = Network::from_operator(operator, &shapes).unwrap_or_else(|error| panic!("{name}: {error}"));
    let double = |shape: &[usize], salt: u64| spread(shape, salt).map(f64::from);
    // A buffer may be a variance, which is not negative.
    let sign = |p: &Parameter, value: f64| if p.spec.buffer { value.abs() } else { value };
    let parameters: Vec<_> = (100..)
        .zip(network.parameters())
        .map(|(i, p)| double(&p.spec.shape, i).map(|value| sign(p, value)))
        .collect();
    let inputs: Vec<_> = (0..).zip(inputs).map(|(i, shape)| double(shape, i)).collect();
    let grad_output = double(&network.output_shape().nchw(inputs[0].nchw()[0]), 200);

    let (_, analytic) = reference::vjp(&network, &parameters, &inputs, &grad_output, &pass).unwrap();
    let analytic: Vec<Tensor<f64>> = analytic.inputs.into_iter().chain(analytic.parameters).collect();
    let numeric = differences::gradients(&network, &inputs, &parameters, &grad_output, &pass);
    assert_eq!(analytic.len(), numeric.len(), "{name}: number of gradients");
    let has_none =
        |which: usize| which >= inputs.len() && network.parameters()[which - inputs.len()].spec.buffer;
    let pairs = analytic.iter().zip(&numeric).enumerate().filter(|(which, _)| !has_none(*which));
    for (which, (analytic, numeric)) in pairs {
        assert_eq!(analytic.shape(), numeric.shape(), "{name}: shape of gradient {which}");
        let largest = analytic.data().iter().fold(1.0, |largest: f64, grad| largest.max(grad.abs()));
        for (at, (analytic, numeric)) in analytic.data().iter().zip(numeric.data()).enumerate() {
            assert!(
                (analytic - numeric).abs() <= TOLERANCE * largest,
                "{name}: gradient {which} at {at} is {analytic}, by differences {numeric}"
            );
        }
    }
}

#[test]
fn max_pool2d() {
    check(MaxPool2d::new(2), &[[2, 3, 6, 4]]);
    check(MaxPool2d::new(1), &[[1, 1, 1, 1]]);
    check(MaxPool2d::new([3, 2]).stride([1, 2]).padding([1, 1, 0, 0]), &[[2, 5, 7, 5]]);
    check(MaxPool2d::new(3).stride(2).padding(1), &[[1, 4, 11, 7]]);
    check(MaxPool2d::new([2, 3]).stride([5, 4]), &[[3, 2, 13, 11]]);
    check(MaxPool2d::new(3).stride(2).dilation([1, 2]).padding([0, 1, 1, 0]), &[[1, 3, 9, 10]]);
    check(MaxPool2d::new(2).ceil_mode(true), &[[2, 1, 5, 7]]);
    check(MaxPool2d::new([17, 16]).stride(1).padding([8, 0, 0, 8]), &[[1, 1, 17, 16]]);
    check(MaxPool2d::new(3).stride(1).padding(Padding::Same), &[[1, 2, 4, 5]]);
}

#[test]
fn avg_pool2d() {
    for count in [true, false] {
        let pool = |kernel: [usize; 2]| AvgPool2d::new(kernel).count_include_pad(count);
        check(pool([2, 2]), &[[2, 3, 6, 4]]);
        check(pool([1, 1]), &[[1, 1, 1, 1]]);
        check(pool([3, 2]).stride([1, 3]).padding([1, 1, 0, 0]), &[[2, 5, 7, 5]]);
        check(pool([3, 3]).stride(2).padding(1).ceil_mode(true), &[[1, 4, 12, 7]]);
        check(pool([2, 3]).stride([5, 4]), &[[3, 2, 13, 11]]);
        check(pool([4, 4]).stride(3).padding(Padding::Same), &[[1, 2, 7, 8]]);
    }
}

#[test]
fn lp_pool2d() {
    for p in [1.0, 1.5, 2.0, 3.0, 7.25] {
        check(LpPool2d::new(p, 2), &[[2, 3, 6, 4]]);
        check(LpPool2d::new(p, 1), &[[1, 1, 1, 1]]);
        check(LpPool2d::new(p, [3, 2]).stride([1, 3]).padding([1, 1, 0, 0]), &[[2, 5, 7, 5]]);
        check(LpPool2d::new(p, 3).stride(2).ceil_mode(true), &[[1, 4, 12, 7]]);
        check(LpPool2d::new(p, [2, 3]).stride([5, 4]), &[[3, 2, 13, 11]]);
    }
}

#[test]
fn batch_norm() {
    for pass in [Pass::default(), Pass { training: true, stream: 0, step: StepState::new(0, 0, 2, 0.0) }] {
        check_pass(BatchNorm::new(), &[[2, 3, 4, 5]], pass);
        check_pass(BatchNorm::new().eps(0.5), &[[4, 5, 1, 3]], pass);
        check_pass(BatchNorm::new().affine(false), &[[3, 2, 3, 1]], pass);
    }
    check(BatchNorm::new(), &[[7, 4, 1, 1]]);
}

#[test]
fn group_norm() {
    check(GroupNorm::new(1), &[[2, 3, 4, 5]]);
    check(GroupNorm::new(2).eps(0.5), &[[2, 6, 1, 3]]);
    check(GroupNorm::new(5), &[[3, 5, 3, 2]]);
    check(GroupNorm::new(3).affine(false), &[[2, 6, 2, 2]]);
    check(GroupNorm::new(1), &[[3, 11, 1, 1]]);
}

#[test]
fn adaptive_and_global_pools() {
    for size in [[1, 1], [3, 2], [5, 4], [9, 7]] {
        check(AdaptiveAvgPool2d::new(size), &[[2, 3, 5, 4]]);
        check(AdaptiveMaxPool2d::new(size), &[[2, 3, 5, 4]]);
    }
    check(GlobalAvgPool2d, &[[2, 3, 5, 4]]);
    check(GlobalMaxPool2d, &[[2, 3, 5, 4]]);
}

#[test]
fn heads() {
    for axis in Axis::ALL {
        check(Softmax::new(axis), &[[2, 5, 3, 4]]);
        check(LogSoftmax::new(axis), &[[2, 5, 3, 4]]);
    }
}

#[test]
fn local_response_norm() {
    for size in [1, 2, 3, 4, 9] {
        let norm = LocalResponseNorm::new(size).alpha(1.5).k(0.5);
        check(norm, &[[2, 6, 2, 3]]);
        check(norm.beta(2.0).before((size - 1) / 2), &[[1, 5, 1, 2]]);
    }
}

#[test]
fn conv2d() {
    check(Conv2d::new(1, 1), &[[1, 1, 1, 1]]);
    check(Conv2d::new(5, 3).same(), &[[2, 3, 5, 4]]);
    check(Conv2d::new(3, [1, 1]).stride([2, 3]).bias(false), &[[2, 7, 5, 5]]);
    check(Conv2d::new(2, [2, 3]).stride([3, 1]).padding([0, 2, 1, 0]), &[[1, 3, 7, 5]]);
    check(Conv2d::new(6, [3, 2]).groups(2).dilation([1, 3]).padding([3, 0]), &[[2, 4, 5, 7]]);
    check(Conv2d::new(8, 3).groups(4).stride(2).padding(Padding::Same).bias(false), &[[1, 4, 7, 6]]);
    check(Conv2d::new(2, 2).stride(5), &[[3, 1, 11, 13]]);
}

#[test]
fn conv_transpose2d() {
    check(ConvTranspose2d::new(1, 1), &[[1, 1, 1, 1]]);
    check(ConvTranspose2d::new(3, [2, 3]).stride([3, 1]).padding([0, 2, 1, 0]), &[[2, 5, 2, 4]]);
    let more = ConvTranspose2d::new(6, 3).groups(2).stride(2).dilation([1, 4]).output_padding([1, 3]);
    check(more, &[[1, 4, 3, 2]]);
    check(ConvTranspose2d::new(3, 4).groups(3).stride(2).padding(Padding::Same).bias(false), &[[2, 3, 2, 3]]);
}

#[test]
fn linear() {
    check(Linear::new(1), &[[1, 1, 1, 1]]);
    check(Linear::new(7), &[[3, 11, 1, 1]]);
    check(Linear::new(13).bias(false), &[[5, 4, 1, 1]]);
}

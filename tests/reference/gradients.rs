//! The twins' backward passes against central differences of their forward passes, in f64.
//!
//! For L = Σ grad_output · forward(inputs, parameters), every element v of every input and parameter must have
//! dL/dv = (L(v + h) − L(v − h)) / 2h, up to h² and rounding.

use wgcnn::Tensor;
use wgcnn::ops::{AvgPool2d, Conv2d, Linear, LpPool2d, MaxPool2d, Operator};
use wgcnn::reference::{Pass, Twin};
use wgcnn::shape::{Padding, Shape};

/// The step h: its square and 2⁻⁵² / h are both far below the tolerance.
const STEP: f64 = 1e-5;

/// How far apart the analytic and the numeric gradient may be, relative to the largest (or to 1).
const TOLERANCE: f64 = 1e-7;

/// Checks an operator on inputs of these NCHW shapes.
fn check(operator: impl Operator, inputs: &[[usize; 4]]) {
    let name = format!("{operator:?} on {inputs:?}");
    let shapes: Vec<_> = inputs.iter().map(|[_, c, h, w]| Shape::new(*c, *h, *w)).collect();
    let output_shape = operator.output_shape(&shapes).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
    let parameters = operator.parameters(&shapes).into_iter().map(|parameter| parameter.shape);
    let tensors: Vec<Tensor<f64>> =
        inputs.iter().map(|shape| shape.to_vec()).chain(parameters).map(spread).collect();
    let grad_output = spread(output_shape.nchw(inputs[0][0]));

    let pass = Pass { training: true, ..Pass::default() };
    let output = forward(&operator, &tensors, inputs.len(), &pass);
    assert_eq!(output.shape(), grad_output.shape(), "{name}: output");
    let references: Vec<_> = tensors.iter().collect();
    let (ins, params) = references.split_at(inputs.len());
    let analytic = Twin::<f64>::backward(&operator, ins, params, &output, &grad_output, &pass);
    let analytic: Vec<_> = analytic.inputs.into_iter().chain(analytic.parameters).collect();
    assert_eq!(analytic.len(), tensors.len(), "{name}: number of gradients");

    let loss = |tensors: &[Tensor<f64>]| -> f64 {
        let output = forward(&operator, tensors, inputs.len(), &pass);
        output.data().iter().zip(grad_output.data()).map(|(y, grad)| y * grad).sum()
    };
    for (which, analytic) in analytic.iter().enumerate() {
        assert_eq!(analytic.shape(), tensors[which].shape(), "{name}: shape of gradient {which}");
        let largest = analytic.data().iter().fold(1.0, |largest: f64, grad| largest.max(grad.abs()));
        for (at, analytic) in analytic.data().iter().enumerate() {
            let moved = |by: f64| {
                let mut tensors = tensors.clone();
                tensors[which].data_mut()[at] += by;
                loss(&tensors)
            };
            let numeric = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            assert!(
                (analytic - numeric).abs() <= TOLERANCE * largest,
                "{name}: gradient {which} at {at} is {analytic}, by differences {numeric}"
            );
        }
    }
}

fn forward(operator: &dyn Operator, tensors: &[Tensor<f64>], inputs: usize, pass: &Pass) -> Tensor<f64> {
    let references: Vec<_> = tensors.iter().collect();
    let (inputs, parameters) = references.split_at(inputs);
    Twin::<f64>::forward(operator, inputs, parameters, pass)
}

/// Values of both signs in a scrambled order, from 0.2 to 1.2 in magnitude and no two closer than many steps,
/// so that no maximum changes hands and no kink at 0 is crossed.
fn spread(shape: Vec<usize>) -> Tensor<f64> {
    let len: usize = shape.iter().product();
    let mut order: Vec<usize> = (0..len).collect();
    order.sort_by_key(|i| (*i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    Tensor::from_fn(shape, |i| {
        let magnitude = 0.2 + order[i] as f64 / len as f64;
        if order[i].is_multiple_of(2) { magnitude } else { -magnitude }
    })
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
fn linear() {
    check(Linear::new(1), &[[1, 1, 1, 1]]);
    check(Linear::new(7), &[[3, 11, 1, 1]]);
    check(Linear::new(13).bias(false), &[[5, 4, 1, 1]]);
}

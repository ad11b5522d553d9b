//! Max pooling. The output is one of the inputs, and the gradient goes to the first that is largest.

use wgcnn::Tensor;
use wgcnn::network::Network;
use wgcnn::ops::{MaxPool2d, Operator};
use wgcnn::reference::Pass;
use wgcnn::shape::{Padding, Shape};

use std::sync::Arc;

use crate::check::{Rounding, check, check_within};
use crate::common::gpu;
use crate::contexts::contexts;
use crate::ties;

fn max_pool2d(pool: MaxPool2d, input: [usize; 4]) {
    // A gradient is the sum over the windows that an element is the largest of.
    check(pool, &[input], Rounding::Exact, Rounding::Units(8.0));
}

#[test]
fn odd_sizes() {
    max_pool2d(MaxPool2d::new(1), [1, 1, 1, 1]);
    max_pool2d(MaxPool2d::new(2), [2, 3, 6, 4]);
    max_pool2d(MaxPool2d::new([3, 2]).stride([1, 2]).padding([1, 1, 0, 0]), [2, 5, 7, 5]);
    max_pool2d(MaxPool2d::new(3).stride(2).padding(1), [1, 4, 11, 7]);
    max_pool2d(MaxPool2d::new([2, 3]).stride([5, 4]), [3, 2, 13, 11]);
    max_pool2d(MaxPool2d::new(3).stride(2).dilation([1, 2]).padding([0, 1, 1, 0]), [1, 33, 9, 10]);
    max_pool2d(MaxPool2d::new(3).stride(1).padding(2), [1, 5, 4, 6]);
    max_pool2d(MaxPool2d::new(2).ceil_mode(true), [2, 17, 5, 7]);
    max_pool2d(MaxPool2d::new([17, 16]).stride(1).padding([8, 0, 0, 8]), [1, 1, 17, 16]);
    max_pool2d(MaxPool2d::new(3).stride(1).padding(Padding::Same), [1, 64, 9, 8]);
}

/// Rows so long that several invocations walk along them.
#[test]
fn long_rows() {
    max_pool2d(MaxPool2d::new(3).stride(2).padding(1), [1, 5, 7, 61]);
    max_pool2d(MaxPool2d::new([1, 3]).stride([2, 1]).padding([0, 0, 0, 2]), [2, 3, 5, 37]);
    max_pool2d(MaxPool2d::new([3, 2]).stride(1), [1, 17, 4, 27]);
    max_pool2d(MaxPool2d::new(2), [1, 2, 2, 70_001]);
}

/// Equal values, all negative with padding, and infinities.
#[test]
fn ties_and_infinities() {
    let network: Arc<dyn Operator> = Arc::new(MaxPool2d::new(2).stride(1).padding(1));
    let network = Network::from_operator(network, &[Shape::new(1, 2, 2)]).unwrap();
    let grad = Tensor::from_fn([1, 1, 3, 3], |i| (1 << i) as f32);
    for context in contexts() {
        let run = |values: [f32; 4]| {
            let input = Tensor::new([1, 1, 2, 2], values.into()).unwrap();
            gpu::differentiate(context, &network, &[&input], Some(&grad), &Pass::default()).unwrap()
        };
        let equal = run([-3.0; 4]);
        assert_eq!(equal["output"], [-3.0; 9]);
        // Windows by their corner: each gives to its first real tap.
        assert_eq!(equal["grad.input.0"], [27.0, 36.0, 192.0, 256.0]);
        let infinite = run([f32::NEG_INFINITY, f32::INFINITY, -1.0, f32::NEG_INFINITY]);
        assert_eq!(infinite["output"][4], f64::INFINITY);
        assert_eq!(infinite["output"][6..8], [-1.0, -1.0]);
    }
}

#[test]
fn many_equal_values() {
    ties::check(MaxPool2d::new(3).stride(2).padding(1), [2, 5, 9, 8]);
    ties::check(MaxPool2d::new(3).stride(1).padding(2), [1, 4, 5, 19]);
    ties::check(MaxPool2d::new([2, 3]).stride(1).dilation([3, 2]), [1, 3, 7, 8]);
    ties::check(MaxPool2d::new([16, 17]).stride(1), [1, 2, 17, 18]);
}

#[test]
fn within_a_graph() {
    check_within(MaxPool2d::new(3).stride(2).padding(1), [2, 6, 7, 6]);
}

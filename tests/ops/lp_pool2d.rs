//! Lp pooling: exponents that are products, and those that take logarithms.

use std::sync::Arc;

use wgcnn::Tensor;
use wgcnn::network::Network;
use wgcnn::ops::{LpPool2d, Operator};
use wgcnn::reference::Pass;
use wgcnn::shape::Shape;

use crate::check::{Rounding, check, check_within};
use crate::common::gpu;
use crate::contexts::contexts;

/// Powers are exp2(p · log2 x). Next to the sum itself, WebGPU allows a logarithm 8 units of error and an exponential
/// 8 and more, and the error of the logarithm counts p times.
fn lp_pool2d(exponents: &[f32], pool: impl Fn(f32) -> LpPool2d, input: [usize; 4]) {
    for &p in exponents {
        let rounding = Rounding::Units(32.0 + 16.0 * f64::from(p));
        check(pool(p), &[input], rounding, rounding);
    }
}

#[test]
fn odd_sizes() {
    // Every exponent and every window is a kernel of its own: each of either kind, and not all pairs.
    lp_pool2d(&[1.0, 1.5, 2.0, 3.0, 4.0, 7.25], |p| LpPool2d::new(p, 2), [2, 3, 6, 4]);
    lp_pool2d(&[1.0, 7.25], |p| LpPool2d::new(p, 1), [1, 1, 1, 1]);
    lp_pool2d(&[1.5, 3.0], |p| LpPool2d::new(p, [3, 2]).stride([1, 3]).padding([1, 1, 0, 0]), [2, 5, 7, 5]);
    lp_pool2d(&[2.0, 7.25], |p| LpPool2d::new(p, 3).stride(2).ceil_mode(true), [1, 33, 12, 7]);
    lp_pool2d(&[1.0, 4.0], |p| LpPool2d::new(p, [2, 3]).stride([2, 1]).padding([1, 2]), [3, 2, 13, 11]);
}

/// Windows of nothing, of what overflows or vanishes when it is squared, and of infinity.
#[test]
fn from_zero_to_infinity() {
    let input = Tensor::new(
        [1, 1, 2, 8],
        [[0.0, 0.0, 3e-30, 4e-30, 3e30, 4e30, 2.0, f32::NEG_INFINITY], [0.0; 8]].concat(),
    );
    let (input, grad) = (input.unwrap(), Tensor::full([1, 1, 1, 4], 1.0));
    for p in [1.0, 1.5, 2.0, 3.0] {
        let pool: Arc<dyn Operator> = Arc::new(LpPool2d::new(p, 2));
        let network = Network::from_operator(pool, &[Shape::new(1, 2, 8)]).unwrap();
        for context in contexts() {
            let got =
                gpu::differentiate(context, &network, &[&input], Some(&grad), &Pass::default()).unwrap();
            let (norms, gradients) = (&got["output"], &got["grad.input.0"]);
            let p = f64::from(p);
            let norm = (3f64.powf(p) + 4f64.powf(p)).powf(1.0 / p);
            assert_eq!((norms[0], norms[3]), (0.0, f64::INFINITY), "p = {p}");
            assert!((norms[1] / 1e-30 - norm).abs() < 1e-4, "p = {p}: {norms:?}");
            assert!((norms[2] / 1e30 - norm).abs() < 1e-4, "p = {p}: {norms:?}");
            assert_eq!(gradients[..2], [0.0; 2], "p = {p}");
            assert!((gradients[2] - gradients[4]).abs() < 1e-5, "p = {p}: {gradients:?}");
            assert!((gradients[3] - (4.0 / norm).powf(p - 1.0)).abs() < 1e-5, "p = {p}: {gradients:?}");
            assert_eq!(gradients[6..8], [if p == 1.0 { 1.0 } else { 0.0 }, -1.0], "p = {p}");
            assert!(gradients[8..].iter().all(|gradient| *gradient == 0.0), "p = {p}: {gradients:?}");
        }
    }
}

#[test]
fn within_a_graph() {
    check_within(LpPool2d::new(2.0, [3, 2]).stride([2, 1]), [2, 6, 7, 6]);
}

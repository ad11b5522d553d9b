//! Lp pooling: exponents that are products, and those that take logarithms.

use wgcnn::ops::LpPool2d;

use crate::check::{Rounding, check, check_within};

/// Powers are exp2(p · log2 x). Next to the sum itself, WebGPU allows a logarithm 8 units of error and an exponential
/// 8 and more, and the error of the logarithm counts p times.
fn lp_pool2d(pool: impl Fn(f32) -> LpPool2d, input: [usize; 4]) {
    for p in [1.0, 1.5, 2.0, 3.0, 4.0, 7.25] {
        let rounding = Rounding::Units(32.0 + 16.0 * f64::from(p));
        check(pool(p), &[input], rounding, rounding);
    }
}

#[test]
fn odd_sizes() {
    lp_pool2d(|p| LpPool2d::new(p, 1), [1, 1, 1, 1]);
    lp_pool2d(|p| LpPool2d::new(p, 2), [2, 3, 6, 4]);
    lp_pool2d(|p| LpPool2d::new(p, [3, 2]).stride([1, 3]).padding([1, 1, 0, 0]), [2, 5, 7, 5]);
    lp_pool2d(|p| LpPool2d::new(p, 3).stride(2).ceil_mode(true), [1, 33, 12, 7]);
    lp_pool2d(|p| LpPool2d::new(p, [2, 3]).stride([5, 4]), [3, 2, 13, 11]);
}

#[test]
fn within_a_graph() {
    check_within(LpPool2d::new(2.0, [3, 2]).stride([2, 1]), [2, 6, 7, 6]);
}

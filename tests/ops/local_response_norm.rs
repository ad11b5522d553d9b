//! Each channel divided by what its neighbours amount to.

use std::sync::Arc;

use wgcnn::Tensor;
use wgcnn::network::Network;
use wgcnn::ops::registry::{Attributes, FromAttributes};
use wgcnn::ops::{LocalResponseNorm, Operator};
use wgcnn::reference::Pass;
use wgcnn::shape::Shape;

use crate::check::{Rounding, check, check_within, close};
use crate::common::{bound, gpu};
use crate::contexts::contexts;

/// Of a sum of positive terms and a power, whose logarithm is small here. A gradient is a difference.
fn local_response_norm(norm: LocalResponseNorm, input: [usize; 4]) {
    check(norm, &[input], Rounding::Units(64.0), Rounding::OfLargest(64.0));
}

#[test]
fn odd_channels() {
    let norm = |size| LocalResponseNorm::new(size).alpha(2.0);
    local_response_norm(norm(5), [1, 1, 1, 1]);
    local_response_norm(norm(5), [2, 17, 3, 4]);
    local_response_norm(norm(1).k(0.5), [2, 5, 3, 3]);
    local_response_norm(LocalResponseNorm::new(5).alpha(5e-4).k(2.0), [1, 96, 5, 5]);
}

#[test]
fn exponents() {
    for beta in [0.0, 0.5, 1.0, 0.6, 2.0, -0.5] {
        local_response_norm(LocalResponseNorm::new(3).alpha(1.5).beta(beta), [2, 6, 2, 3]);
    }
}

#[test]
fn even_windows_and_windows_larger_than_the_channels() {
    let norm = |size| LocalResponseNorm::new(size).alpha(2.0).k(0.25);
    local_response_norm(norm(4), [2, 9, 2, 3]);
    local_response_norm(norm(4).before(1), [2, 9, 2, 3]);
    local_response_norm(norm(6).before(0), [1, 7, 3, 2]);
    local_response_norm(norm(12), [2, 5, 2, 3]);
    local_response_norm(norm(1000).before(999), [1, 3, 2, 2]);
}

/// The network of one norm of `size` channels without a power, over four pixels of one channel each.
fn run(norm: LocalResponseNorm, x: [f32; 4], wanted: [f64; 4]) {
    let operator: Arc<dyn Operator> = Arc::new(norm);
    let network = Network::from_operator(operator, &[Shape::features(4)]).unwrap();
    let (input, grad) = (Tensor::new([1, 4], x.into()).unwrap(), Tensor::full([1, 4, 1, 1], 1.0));
    let input = input.reshape([1, 4, 1, 1]).unwrap();
    for context in contexts() {
        let got = gpu::differentiate(context, &network, &[&input], Some(&grad), &Pass::default()).unwrap();
        close("output", &got["output"], &wanted, |i| bound::of_units(8.0, wanted[i].abs()));
        assert!(got["grad.input.0"].iter().all(|gradient| gradient.is_finite()), "{got:?}");
    }
}

/// PyTorch's window of two channels is the one before and the channel itself, ONNX's the channel and the one after.
#[test]
fn even_windows_lie_as_in_pytorch_and_onnx() {
    let norm = LocalResponseNorm::new(2).alpha(2.0).beta(1.0);
    run(norm, [1.0, 2.0, 3.0, 4.0], [1.0 / 2.0, 2.0 / 6.0, 3.0 / 14.0, 4.0 / 26.0]);
    run(norm.before(0), [1.0, 2.0, 3.0, 4.0], [1.0 / 6.0, 2.0 / 14.0, 3.0 / 26.0, 4.0 / 17.0]);
}

#[test]
fn nothing_over_nothing_is_nothing() {
    run(LocalResponseNorm::new(2).alpha(2.0).k(0.0), [0.0; 4], [0.0; 4]);
    run(LocalResponseNorm::new(2).alpha(2.0).beta(0.5).k(0.0), [0.0, 0.0, -3.0, 0.0], [0.0, 0.0, -1.0, 0.0]);
    let large = LocalResponseNorm::new(1).beta(0.5).alpha(1.0).k(0.0);
    run(large, [1e4, -1e4, 1.0, 0.0], [1.0, -1.0, 1.0, 0.0]);
}

#[test]
fn within_a_graph() {
    check_within(LocalResponseNorm::new(5).alpha(0.5), [2, 6, 7, 6]);
}

#[test]
fn bad_settings_are_refused() {
    let norm = LocalResponseNorm::new;
    for (norm, wanted) in [
        (norm(3).k(f32::INFINITY), "k is inf; it must be a finite number of at least 0"),
        (norm(3).beta(f32::NAN), "beta is NaN; it must be a finite number"),
    ] {
        assert_eq!(norm.output_shape(&[Shape::new(3, 4, 5)]).unwrap_err(), wanted);
    }
    let message = norm(1 << 20).output_shape(&[Shape::new(1 << 20, 1, 1)]).unwrap_err();
    assert_eq!(message, "size is 1048576; at most 131000 channels fit");
    assert!(norm(usize::MAX).output_shape(&[Shape::new(3, 4, 5)]).is_ok());
}

#[test]
fn attributes_have_defaults() {
    let read =
        |json: &str| LocalResponseNorm::from_attributes(&Attributes::from_json(json).unwrap()).unwrap();
    assert_eq!(read(r#"{"size": 4}"#), LocalResponseNorm::new(4));
    let all = read(r#"{"size": 4, "before": 1, "alpha": 0.5, "beta": 0.25, "k": 2.0}"#);
    assert_eq!(all, LocalResponseNorm::new(4).before(1).alpha(0.5).beta(0.25).k(2.0));
}

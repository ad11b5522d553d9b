//! Group normalisation, from one group to as many as there are channels.

use std::sync::Arc;

use wgcnn::Tensor;
use wgcnn::network::Network;
use wgcnn::ops::registry::{Attributes, FromAttributes};
use wgcnn::ops::{GroupNorm, Operator};
use wgcnn::reference;
use wgcnn::shape::Shape;

use crate::check::{Rounding, check_pass, check_within, close, training};
use crate::common::bound::UNIT;
use crate::common::gpu;
use crate::contexts::contexts;

/// How far rounding takes an element off: statistics, a difference, a few products and a sum.
const ROUNDING: Rounding = Rounding::OfLargest(32.0);

fn check(norm: GroupNorm, input: [usize; 4]) {
    check_pass(norm, &[input], ROUNDING, ROUNDING, training(input[0]));
}

/// Groups that are quads, cut through them, hold several, or are one channel each.
#[test]
fn odd_sizes() {
    check(GroupNorm::new(1), [2, 1, 3, 2]);
    check(GroupNorm::new(2), [2, 6, 2, 3]);
    check(GroupNorm::new(3), [2, 3, 4, 5]);
    check(GroupNorm::new(2), [1, 16, 3, 3]);
    check(GroupNorm::new(17), [3, 17, 2, 3]);
    check(GroupNorm::new(1), [3, 17, 2, 3]);
    check(GroupNorm::new(7), [2, 14, 1, 5]);
}

#[test]
fn features() {
    check(GroupNorm::new(1), [3, 9, 1, 1]);
    check(GroupNorm::new(3), [5, 15, 1, 1]);
}

#[test]
fn every_setting() {
    check(GroupNorm::new(2).eps(0.5), [2, 10, 2, 2]);
    check(GroupNorm::new(5).affine(false), [2, 10, 2, 2]);
    check(GroupNorm::new(1).affine(false).eps(0.0), [2, 10, 2, 2]);
}

/// Sums that are split over workgroups, many channels in one group, many groups, and many samples, whose sums for the
/// weight are joined in rounds.
#[test]
fn many_values() {
    check(GroupNorm::new(2), [2, 6, 150, 131]);
    check(GroupNorm::new(1), [2, 1031, 2, 2]);
    check(GroupNorm::new(300), [3, 600, 1, 3]);
    // More than a few features, so that none of so many samples happens to have hardly any variance.
    check(GroupNorm::new(1), [70_001, 8, 1, 1]);
}

/// A mean far from zero costs nothing but the rounding of the mean itself, also where the channels' means differ.
#[test]
fn a_mean_of_50_with_a_variance_of_1() {
    let shape = [2, 4, 64, 65];
    let value = |i: usize| 50.0 + (i as f32 * 0.7).sin() * 1.4 + (i / 4160 % 2) as f32;
    let image = Tensor::from_fn(shape, value);
    let grad = Tensor::from_fn(shape, |i| (i as f32 * 1.3).cos());
    let operator: Arc<dyn Operator> = Arc::new(GroupNorm::new(2));
    let network = Network::from_operator(operator, &[Shape::new(4, 64, 65)]).unwrap();
    let parameters = reference::parameters::<f64>(&network);
    let (output, gradients) =
        reference::vjp(&network, &parameters, &[image.map(f64::from)], &grad.map(f64::from), &training(2))
            .unwrap();
    for context in contexts() {
        let got = gpu::differentiate(context, &network, &[&image], Some(&grad), &training(2)).unwrap();
        let bound = 3.0 * UNIT * 64.0;
        close("output", &got["output"], output.data(), |_| bound);
        close("gradient", &got["grad.input.0"], gradients.inputs[0].data(), |_| bound);
    }
}

#[test]
fn within_a_graph() {
    check_within(GroupNorm::new(3), [3, 6, 3, 4]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let refusal =
        |norm: GroupNorm, channels: usize| norm.output_shape(&[Shape::features(channels)]).unwrap_err();
    assert_eq!(
        refusal(GroupNorm::new(0), 4),
        "groups is 0; it must divide the 4 channels: 1, 2, 4 would fit"
    );
    assert_eq!(refusal(GroupNorm::new(1).eps(f32::INFINITY), 4), "eps is inf; it must be a number from 0");
    assert_eq!(
        refusal(GroupNorm::new(2), 1 << 22),
        "a group has 2097152 channels; it can have 1048576: more groups would fit"
    );
    let built = |json: &str| GroupNorm::from_attributes(&Attributes::from_json(json).unwrap());
    let norm = built(r#"{"num_groups": 3, "eps": 0.5}"#).unwrap();
    assert_eq!(norm, GroupNorm::new(3).eps(0.5).affine(false));
}

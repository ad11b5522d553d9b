//! A ReLU with a learned slope.

use wgcnn::ops::{Operator, Prelu};
use wgcnn::shape::Shape;

use crate::check::{Rounding, check, check_as_gpu, check_within};

/// All terms of a slope's gradient have the sign of the arriving gradient turned round: what it would be were all of that
/// positive is the sum of their magnitudes, of `terms` terms.
fn prelu(prelu: Prelu, input: [usize; 4], terms: f64) {
    check(prelu, &[input], Rounding::Sum, Rounding::Units(4.0 * terms.sqrt()));
}

#[test]
fn a_slope_for_each_channel() {
    prelu(Prelu::new(), [1, 1, 1, 1], 1.0);
    prelu(Prelu::new(), [2, 5, 3, 4], 24.0);
    prelu(Prelu::new(), [3, 17, 5, 1], 15.0);
}

#[test]
fn one_slope_for_all_channels() {
    prelu(Prelu::new().shared(true), [2, 3, 5, 4], 120.0);
    prelu(Prelu::new().shared(true), [5, 9, 1, 1], 45.0);
}

/// More pixels than one invocation sums.
#[test]
fn long_sums_are_split() {
    prelu(Prelu::new(), [2, 2, 61, 83], 10_126.0);
    prelu(Prelu::new().shared(true), [2, 6, 61, 37], 27_084.0);
}

/// There parts of a sum lie between each other, and are joined in several rounds.
#[test]
fn what_a_gpu_takes() {
    let prelu = |prelu, input, terms: f64| {
        check_as_gpu(prelu, &[input], Rounding::Sum, Rounding::Units(4.0 * terms.sqrt()));
    };
    prelu(Prelu::new(), [2, 5, 61, 37], 4514.0);
    prelu(Prelu::new().shared(true), [2, 6, 61, 37], 27_084.0);
    prelu(Prelu::new().shared(true), [1, 3, 1, 2], 6.0);
}

/// More quads than invocations, which stay with their channels in the first two.
#[test]
fn several_quads_for_an_invocation() {
    prelu(Prelu::new(), [2, 5, 31, 23], 1426.0);
    prelu(Prelu::new().shared(true), [2, 9, 31, 23], 12_834.0);
    prelu(Prelu::new(), [2, 9, 31, 23], 1426.0);
}

#[test]
fn within_a_graph() {
    check_within(Prelu::new(), [2, 6, 5, 4]);
}

#[test]
fn bad_settings_are_refused() {
    let refusal = Prelu::new().init(f32::NAN).output_shape(&[Shape::features(4)]).unwrap_err();
    assert!(refusal.contains("the slope before training is NaN; it must be a finite number"), "{refusal}");
}

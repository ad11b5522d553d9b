//! Rows and columns around images.

use std::sync::Arc;

use wgcnn::Tensor;
use wgcnn::network::Network;
use wgcnn::ops::{Operator, Pad2d, PadMode};
use wgcnn::reference::Pass;
use wgcnn::shape::Shape;

use crate::check::{Rounding, attributes, check, check_within};
use crate::common::gpu;
use crate::contexts::contexts;

#[test]
fn constants() {
    for (padding, value, input) in [
        ([0; 4], 0.0, [1, 1, 1, 1]),
        ([1, 2, 0, 3], 0.5, [2, 3, 4, 5]),
        ([5, 0, 1, 0], -7.5, [1, 17, 3, 2]),
        ([0, 1, 0, 0], 1.0, [3, 4, 1, 7]),
    ] {
        let pad = Pad2d::new(padding).mode(PadMode::Constant(value));
        check(pad, &[input], Rounding::Exact, Rounding::Exact);
    }
}

/// Of the image itself; a pixel is up to three times in either direction, or as often as it is repeated.
#[test]
fn pixels() {
    for (padding, input) in
        [([1, 2, 0, 3], [2, 3, 4, 5]), ([2, 1, 2, 1], [1, 17, 3, 2]), ([0, 3, 0, 3], [1, 4, 1, 4])]
    {
        check(Pad2d::new(padding).mode(PadMode::Reflect), &[input], Rounding::Exact, Rounding::SumOf(9));
    }
    for (padding, input) in
        [([1, 2, 0, 3], [2, 3, 4, 5]), ([4, 0, 5, 1], [1, 17, 1, 2]), ([0, 0, 3, 70], [1, 1, 2, 1])]
    {
        let [top, left, bottom, right] = padding;
        let repeats = Rounding::SumOf((1 + top + bottom) * (1 + left + right));
        check(Pad2d::new(padding).mode(PadMode::Replicate), &[input], Rounding::Exact, repeats);
    }
}

#[test]
fn a_value_that_is_no_number_is_refused() {
    let pad = Pad2d::new([1; 4]).mode(PadMode::Constant(f32::NAN));
    assert_eq!(pad.output_shape(&[Shape::new(2, 1, 1)]).unwrap_err(), "value is NaN; it must be a number");
}

/// What a maximum is padded with.
#[test]
fn infinity() {
    let pad: Arc<dyn Operator> =
        Arc::new(Pad2d::new([0, 1, 0, 0]).mode(PadMode::Constant(f32::NEG_INFINITY)));
    let network = Network::from_operator(pad, &[Shape::new(2, 1, 1)]).unwrap();
    let input = Tensor::full([1, 2, 1, 1], 3.0);
    for context in contexts() {
        let got = gpu::differentiate(context, &network, &[&input], None, &Pass::default()).unwrap();
        assert_eq!(got["output"], [f64::NEG_INFINITY, 3.0, f64::NEG_INFINITY, 3.0]);
    }
}

#[test]
fn within_a_graph() {
    check_within(Pad2d::new([1, 0, 2, 1]).mode(PadMode::Constant(0.25)), [2, 6, 5, 4]);
    check_within(Pad2d::new([1, 0, 2, 1]).mode(PadMode::Reflect), [2, 6, 5, 4]);
    check_within(Pad2d::new([1, 0, 2, 1]).mode(PadMode::Replicate), [2, 6, 5, 4]);
}

#[test]
fn bad_attributes_say_what_would_fit() {
    let refusal = |padding: [usize; 4], mode: PadMode| {
        Pad2d::new(padding).mode(mode).output_shape(&[Shape::new(3, 5, 1)]).unwrap_err()
    };
    for (message, expected) in [
        (
            refusal([65_536, 0, 0, 0], PadMode::Constant(0.0)),
            "65536 + 0 along the height of 5; it must be at most 65535",
        ),
        (
            refusal([0, 0, 5, 0], PadMode::Reflect),
            "0 + 5 along the height of 5; it must be at most 4 on each side",
        ),
        (
            refusal([0, 1, 0, 0], PadMode::Reflect),
            "1 + 0 along the width of 1; it must be at most 0 on each side",
        ),
        (refusal([0, 0, 0, usize::MAX], PadMode::Replicate), "at most 65535"),
        (refusal([200, 200, 200, 200], PadMode::Replicate), "to which 127 on each side keep"),
    ] {
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
    assert!(Pad2d::new([127; 4]).mode(PadMode::Replicate).output_shape(&[Shape::new(1, 1, 1)]).is_ok());
    let edge = Pad2d::new([1, 2, 3, 4]).mode(PadMode::Replicate);
    assert_eq!(attributes(r#"{"padding": [1, 2, 3, 4], "mode": "edge"}"#), Ok(edge));
    assert_eq!(attributes(r#"{"mode": "reflect"}"#), Ok(Pad2d::new([0; 4]).mode(PadMode::Reflect)));
}

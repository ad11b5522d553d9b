//! Resampling by the nearest pixel, up and down.

use wgcnn::ops::{Coordinates, NearestMode, Operator, UpsampleNearest2d};
use wgcnn::shape::Shape;

use crate::check::{Rounding, attributes, check, check_within};

#[test]
fn odd_sizes() {
    for (upsample, input) in [
        (UpsampleNearest2d::scale(1), [1, 1, 1, 1]),
        (UpsampleNearest2d::scale([2, 3]), [2, 3, 4, 5]),
        (UpsampleNearest2d::size([7, 3]), [1, 17, 4, 5]),
        (UpsampleNearest2d::size([1, 11]), [2, 5, 3, 7]),
        (UpsampleNearest2d::size([13, 1]), [1, 4, 12, 2]),
        // One pixel becomes many: the sum of the gradient is split.
        (UpsampleNearest2d::size([97, 113]), [1, 3, 1, 1]),
    ] {
        check(upsample, &[input], Rounding::Exact, Rounding::Sum);
    }
}

#[test]
fn conventions() {
    use {Coordinates::*, NearestMode::*};
    for (coordinates, mode) in
        [(HalfPixel, Ceil), (TfHalfPixelForNn, RoundPreferFloor), (AlignCorners, RoundPreferCeil)]
    {
        for (size, input) in [([8, 3], [2, 3, 4, 5]), ([1, 9], [1, 17, 4, 1]), ([3, 4], [1, 4, 3, 4])] {
            let upsample = UpsampleNearest2d::size(size).coordinates(coordinates).mode(mode);
            check(upsample, &[input], Rounding::Exact, Rounding::Sum);
        }
    }
}

/// What is multiplied still fits in 32 bits.
#[test]
fn long_rows() {
    for coordinates in [Coordinates::Asymmetric, Coordinates::HalfPixel] {
        let upsample = UpsampleNearest2d::size([1, 32_767]).coordinates(coordinates);
        check(upsample, &[[1, 1, 1, 30_011]], Rounding::Exact, Rounding::Sum);
    }
}

#[test]
fn within_a_graph() {
    check_within(UpsampleNearest2d::size([7, 6]), [2, 6, 3, 4]);
}

#[test]
fn bad_attributes_say_what_would_fit() {
    let refusal = |upsample: UpsampleNearest2d| upsample.output_shape(&[Shape::new(3, 5, 4)]).unwrap_err();
    for (message, expected) in [
        (
            refusal(UpsampleNearest2d::size([0, 4])),
            "the height is to become 0 from 5; both must be from 1 to 32767",
        ),
        (refusal(UpsampleNearest2d::scale([1, 10_000])), "the width is to become 40000 from 4"),
        (refusal(UpsampleNearest2d::scale(usize::MAX)), "both must be from 1 to 32767"),
        (attributes::<UpsampleNearest2d>(r#"{"scale": [1.5, 2]}"#).unwrap_err(), "a list of whole numbers"),
    ] {
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
    let large = UpsampleNearest2d::size(1).output_shape(&[Shape::new(1, 1, 32_768)]).unwrap_err();
    assert!(large.contains("to become 1 from 32768"), "{large}");
}

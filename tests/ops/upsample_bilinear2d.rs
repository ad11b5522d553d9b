//! Resampling by bilinear interpolation, up and down.

use wgcnn::ops::{Operator, UpsampleBilinear2d};
use wgcnn::shape::Shape;

use crate::check::{Rounding, attributes, check, check_within};

/// Each of four terms has two weights, of a division of integers and perhaps a difference each; a division may be off
/// by five roundings, a term by as many as a sum of sixteen.
const FOUR_TERMS: Rounding = Rounding::SumOf(16);

#[test]
fn odd_sizes() {
    for align_corners in [false, true] {
        for (upsample, input) in [
            (UpsampleBilinear2d::scale([2, 3]), [2, 3, 4, 5]),
            (UpsampleBilinear2d::size([7, 3]), [1, 17, 4, 5]),
            (UpsampleBilinear2d::size([1, 11]), [2, 5, 3, 7]),
            (UpsampleBilinear2d::size([13, 2]), [1, 4, 12, 1]),
            // One pixel becomes many: the sum of the gradient is split.
            (UpsampleBilinear2d::size([97, 113]), [1, 3, 1, 2]),
        ] {
            // In the gradient as many of them, at the most, as there are pixels in the output.
            let [height, width] = [0, 1].map(|axis| {
                let shape = upsample.output_shape(&[Shape::new(input[1], input[2], input[3])]).unwrap();
                shape.sizes()[1 + axis]
            });
            let gradient = Rounding::SumOf(16 + height * width);
            check(upsample.align_corners(align_corners), &[input], FOUR_TERMS, gradient);
        }
    }
}

/// What is multiplied still fits in 32 bits.
#[test]
fn long_rows() {
    for align_corners in [false, true] {
        let upsample = UpsampleBilinear2d::size([1, 32_767]).align_corners(align_corners);
        check(upsample, &[[1, 1, 1, 30_011]], FOUR_TERMS, FOUR_TERMS);
    }
}

/// The same size is the same image.
#[test]
fn identity() {
    for align_corners in [false, true] {
        let same = UpsampleBilinear2d::size([4, 1]).align_corners(align_corners);
        check(same, &[[2, 3, 4, 1]], Rounding::Exact, Rounding::Exact);
    }
}

#[test]
fn within_a_graph() {
    check_within(UpsampleBilinear2d::size([7, 6]), [2, 6, 3, 4]);
    check_within(UpsampleBilinear2d::scale(2).align_corners(true), [2, 6, 3, 4]);
}

#[test]
fn bad_attributes_say_what_would_fit() {
    let refusal = |upsample: UpsampleBilinear2d| upsample.output_shape(&[Shape::new(3, 5, 4)]).unwrap_err();
    for (message, expected) in [
        (
            refusal(UpsampleBilinear2d::size([4, 0])),
            "the width is to become 0 from 4; both must be from 1 to 32767",
        ),
        (refusal(UpsampleBilinear2d::scale([10_000, 1])), "the height is to become 50000 from 5"),
    ] {
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
    let aligned = UpsampleBilinear2d::scale([2, 3]).align_corners(true);
    assert_eq!(attributes(r#"{"scale": [2, 3], "align_corners": true}"#), Ok(aligned));
}

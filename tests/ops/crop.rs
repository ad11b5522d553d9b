//! Rectangles of images.

use wgcnn::ops::{Crop, Operator};
use wgcnn::shape::Shape;

use crate::check::{Rounding, attributes, check, check_within};

#[test]
fn odd_sizes() {
    for (crop, input) in [
        (Crop::new(0, 0, 1), [1, 1, 1, 1]),
        (Crop::new(1, 2, [2, 1]), [2, 3, 5, 3]),
        (Crop::new(0, 3, [7, 5]), [1, 17, 7, 9]),
        (Crop::sides([1, 0, 2, 3]), [2, 5, 4, 5]),
        (Crop::sides([0; 4]), [2, 3, 2, 1]),
    ] {
        check(crop, &[input], Rounding::Exact, Rounding::Exact);
    }
}

#[test]
fn within_a_graph() {
    check_within(Crop::new(1, 2, [3, 2]), [2, 6, 5, 4]);
}

#[test]
fn bad_attributes_say_what_would_fit() {
    let refusal = |crop: Crop| crop.output_shape(&[Shape::new(3, 5, 4)]).unwrap_err();
    for (message, expected) in [
        (refusal(Crop::new(0, 0, [0, 1])), "takes 0 from 0 on of the height; it must take at least 1"),
        (refusal(Crop::new(3, 0, [3, 1])), "takes 3 from 3 on of the height"),
        (refusal(Crop::new(0, 1, [5, 4])), "of the width; it must take at least 1 and lie within the 4"),
        (refusal(Crop::new(usize::MAX, 0, 2)), "lie within the 5"),
        (refusal(Crop::sides([2, 0, 3, 0])), "takes all but 2 before and 3 after of the height"),
        (refusal(Crop::sides([0, usize::MAX, 0, 1])), "lie within the 4"),
    ] {
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
    assert_eq!(attributes(r#"{"top": 1, "left": 2, "height": 3, "width": 4}"#), Ok(Crop::new(1, 2, [3, 4])));
    assert_eq!(attributes(r#"{"sides": [1, 2, 3, 4]}"#), Ok(Crop::sides([1, 2, 3, 4])));
}

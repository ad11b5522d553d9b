//! The same elements under another shape.

use wgcnn::network::Network;
use wgcnn::ops::{Conv2d, Operator, Reshape};
use wgcnn::shape::Shape;

use crate::check::{Rounding, attributes, check, check_network};

#[test]
fn odd_sizes() {
    for (input, shape) in [
        ([1, 1, 1, 1], [1, 1, 1]),
        ([2, 3, 5, 4], [5, 4, 3]),
        ([2, 3, 5, 4], [3, 2, 10]),
        ([1, 60, 1, 1], [1, 5, 12]),
        ([3, 2, 1, 17], [17, 2, 1]),
        ([1, 16, 9, 11], [33, 6, 8]),
    ] {
        check(Reshape::new(shape), &[input], Rounding::Exact, Rounding::Exact);
    }
    let open = Reshape::infer([Some(6), None, Some(2)]);
    check(open, &[[2, 3, 5, 4]], Rounding::Exact, Rounding::Exact);
}

#[test]
fn within_a_graph() {
    let network = Network::builder([3, 5, 4])
        .conv2d("before", Conv2d::new(6, 1))
        .reshape([6, 2, 10])
        .conv2d("between", Conv2d::new(6, 1))
        .reshape([5, 8, 3])
        .conv2d("after", Conv2d::new(5, 1))
        .build();
    check_network(network.unwrap(), 2);
}

#[test]
fn bad_attributes_say_what_would_fit() {
    let refusal = |sizes| Reshape::infer(sizes).output_shape(&[Shape::new(3, 5, 4)]).unwrap_err();
    let elements = "must make up the input's 60 elements";
    for (message, expected) in [
        (refusal([Some(3), Some(5), Some(5)]), "the shape is [3, 5, 5]; its sizes must make up"),
        (refusal([Some(3), Some(5), Some(2)]), elements),
        (refusal([Some(7), None, Some(1)]), "the shape is [7, ?, 1]"),
        (refusal([Some(0), None, Some(1)]), elements),
        (refusal([Some(0), Some(5), Some(4)]), elements),
        (refusal([None, None, Some(4)]), "at most one may be left open"),
        (refusal([Some(usize::MAX), Some(2), None]), elements),
        (attributes::<Reshape>(r#"{"shape": [3, 2.5, 4]}"#).unwrap_err(), "of which one may be -1"),
    ] {
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
    let open = Reshape::infer([Some(3), None, Some(4)]);
    assert_eq!(attributes(r#"{"shape": [3, -1, 4]}"#), Ok(open));
}

//! Sums of several values.

use wgcnn::network::Network;
use wgcnn::ops::{Add, Conv2d, Operator};
use wgcnn::shape::Shape;

use crate::check::{Rounding, check, check_network};

#[test]
fn odd_sizes() {
    for (inputs, shape) in
        [(2, [1, 1, 1, 1]), (2, [2, 3, 5, 4]), (3, [1, 17, 3, 7]), (5, [3, 4, 2, 1]), (2, [2, 64, 9, 11])]
    {
        check(Add, &vec![shape; inputs], Rounding::SumOf(inputs), Rounding::Exact);
    }
}

#[test]
fn within_a_graph() {
    let network = Network::builder([3, 5, 4])
        .conv2d("before", Conv2d::new(6, 1))
        .join(Add, |branches| {
            branches.branch(|b| b).branch(|b| b.conv2d("left", Conv2d::new(6, 3).same())).branch(|b| b)
        })
        .conv2d("after", Conv2d::new(5, 1))
        .build();
    check_network(network.unwrap(), 2);
}

#[test]
fn what_cannot_be_added_is_refused() {
    let refusal = |inputs: &[Shape]| Add.output_shape(inputs).unwrap_err();
    let image = Shape::new(3, 5, 4);
    assert!(refusal(&[]).contains("two inputs or more, got none"));
    assert!(refusal(&[image]).contains("two inputs or more, got one"));
    let message = refusal(&[image, image, Shape::new(3, 4, 5)]);
    assert!(message.contains("[3, 5, 4] and [3, 4, 5]; they must be of one shape"), "{message}");
}

//! Channels of several values behind one another.

use wgcnn::network::Network;
use wgcnn::ops::{Concat, Conv2d, Operator};
use wgcnn::shape::Shape;

use crate::check::{Rounding, check, check_network};

#[test]
fn odd_channels() {
    for channels in [&[1][..], &[4, 8], &[1, 1], &[3, 5, 2], &[17, 4, 33], &[1, 2, 3, 4, 5], &[64, 3]] {
        for [batch, height, width] in [[1, 1, 1], [2, 5, 3]] {
            let inputs: Vec<_> = channels.iter().map(|channels| [batch, *channels, height, width]).collect();
            check(Concat, &inputs, Rounding::Exact, Rounding::Exact);
        }
    }
}

#[test]
fn within_a_graph() {
    let network = Network::builder([3, 5, 4])
        .conv2d("before", Conv2d::new(6, 1))
        .concat(|branches| {
            branches.branch(|b| b).branch(|b| b.conv2d("left", Conv2d::new(3, 3).same())).branch(|b| b)
        })
        .conv2d("after", Conv2d::new(5, 1))
        .build();
    check_network(network.unwrap(), 2);
}

#[test]
fn what_cannot_be_joined_is_refused() {
    let refusal = |inputs: &[Shape]| Concat.output_shape(inputs).unwrap_err();
    assert!(refusal(&[]).contains("one input or more, got none"));
    let message = refusal(&[Shape::new(3, 5, 4), Shape::new(2, 5, 4), Shape::new(3, 4, 4)]);
    assert!(message.contains("[5, 4] and [4, 4]; they may differ in channels only"), "{message}");
}

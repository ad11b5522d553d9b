//! Products of two values.

use wgcnn::network::Network;
use wgcnn::ops::{AvgPool2d, Conv2d, Mul};

use crate::check::{BROADCASTS, Rounding, check, check_network};

#[test]
fn odd_sizes() {
    for shape in [[1, 1, 1, 1], [2, 3, 5, 4], [1, 17, 3, 7], [2, 64, 9, 11]] {
        check(Mul, &[shape; 2], Rounding::Units(1.0), Rounding::Sum);
    }
}

#[test]
fn broadcasting() {
    for inputs in BROADCASTS {
        check(Mul, &inputs, Rounding::Units(1.0), Rounding::Sum);
    }
}

#[test]
fn within_a_graph() {
    let network = Network::builder([3, 5, 4])
        .conv2d("before", Conv2d::new(6, 1))
        .gate(|b| b.avg_pool2d(AvgPool2d::new([5, 4])).conv2d("channels", Conv2d::new(6, 1)).sigmoid())
        .gate(|b| b.conv2d("pixels", Conv2d::new(1, 3).same()).sigmoid())
        .gate(|b| b)
        .conv2d("after", Conv2d::new(5, 1))
        .build();
    check_network(network.unwrap(), 2);
}

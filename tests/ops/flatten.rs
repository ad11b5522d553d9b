//! Images as vectors, in the order channels, rows, columns.

use wgcnn::network::Network;
use wgcnn::ops::{Conv2d, Flatten};

use crate::check::{Rounding, check, check_network};

#[test]
fn odd_sizes() {
    for input in [[1, 1, 1, 1], [2, 3, 5, 4], [3, 17, 1, 1], [1, 4, 3, 7], [2, 5, 1, 9], [2, 33, 11, 13]] {
        check(Flatten, &[input], Rounding::Exact, Rounding::Exact);
    }
}

#[test]
fn within_a_graph() {
    let network =
        Network::builder([3, 5, 4]).conv2d("before", Conv2d::new(6, 2)).flatten().linear("after", 5).build();
    check_network(network.unwrap(), 2);
}

//! Fully connected layers.

use wgcnn::ops::Linear;

use crate::check::{Rounding, check, check_network};
use wgcnn::network::Network;

fn linear(linear: Linear, [batch, features]: [usize; 2]) {
    check(linear, &[[batch, features, 1, 1]], Rounding::Sum, Rounding::Sum);
}

#[test]
fn odd_sizes() {
    linear(Linear::new(1), [1, 1]);
    linear(Linear::new(7), [3, 11]);
    linear(Linear::new(3), [5, 4]);
    linear(Linear::new(2).bias(false), [1, 3]);
    linear(Linear::new(13).bias(false), [17, 2]);
}

#[test]
fn more_than_one_tile() {
    linear(Linear::new(64), [65, 64]);
    linear(Linear::new(130), [3, 517]);
    linear(Linear::new(33).bias(false), [129, 67]);
    linear(Linear::new(10), [1, 1031]);
}

/// One invocation could not add up so many terms in one loop: some drivers end it early without a word.
#[test]
fn sums_of_more_than_65535_terms() {
    linear(Linear::new(2), [70_001, 3]);
    linear(Linear::new(1), [1, 270_001]);
    linear(Linear::new(270_001).bias(false), [1, 2]);
}

#[test]
fn within_a_graph() {
    let network = Network::builder(7).linear("before", 5).linear("subject", 9).linear("after", 3).build();
    check_network(network.unwrap(), 6);
}

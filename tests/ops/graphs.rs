//! Values that are read more than once, or that are another value under a second name.

use wgcnn::network::Network;
use wgcnn::ops::{Add, Concat, Conv2d};

use crate::check::check_network;

fn check(network: wgcnn::Result<Network>) {
    check_network(network.unwrap(), 3);
}

#[test]
fn the_same_value_twice() {
    let start = || Network::builder([3, 4, 5]);
    check(start().residual(|b| b).build());
    check(start().conv2d("conv1", Conv2d::new(5, 1)).residual(|b| b).relu().build());
    check(start().join(Add, |j| j.branch(|b| b).branch(|b| b).branch(|b| b)).build());
    check(start().join(Concat::default(), |j| j.branch(|b| b).branch(|b| b)).build());
    check(start().residual(|b| b).residual(|b| b).residual(|b| b).build());
}

#[test]
fn several_readers() {
    let start = || Network::builder([3, 4, 5]).conv2d("stem", Conv2d::new(6, 1)).tanh();
    check(
        start()
            .concat(|branches| {
                branches
                    .branch(|b| b.max_pool2d(2))
                    .branch(|b| b.avg_pool2d(2))
                    .branch(|b| b.conv2d("conv", Conv2d::new(3, 2).stride(2)))
                    .branch(|b| b.residual(|b| b.sigmoid()).max_pool2d(2))
            })
            .build(),
    );
    check(start().residual(|b| b.residual(|b| b.conv2d("inner", Conv2d::new(6, 3).same()).relu())).build());
    check(start().residual_with(|b| b.relu(), |b| b.relu()).residual(|b| b.relu().residual(|b| b)).build());
}

/// Dropout of nothing and a flattened vector are their input under another name.
#[test]
fn aliases() {
    check(Network::builder(7).flatten().build());
    check(Network::builder(7).dropout(0.0).residual(|b| b.dropout(0.0)).build());
    check(
        Network::builder(7)
            .linear("fc1", 5)
            .residual(|b| b.flatten())
            .flatten()
            .residual(|b| b.tanh())
            .build(),
    );
    check(Network::builder([2, 3, 3]).residual(|b| b.dropout(0.0).relu().dropout(0.5)).flatten().build());
}

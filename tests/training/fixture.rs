//! A small network with every operator, its data, and the devices that the tests share.

use std::sync::OnceLock;

use wgcnn::Tensor;
use wgcnn::data::{Batch, Dataset};
use wgcnn::gpu::Context;
use wgcnn::network::{Network, NetworkBuilder};
use wgcnn::ops::{Conv2d, CrossEntropy, LpPool2d, Sgd};
use wgcnn::train::Trainer;

use crate::common::images;

/// The most images a step.
pub const BATCH: usize = 16;

/// A context for each variant of the kernels: subgroup operations where the adapter has them, and none. Their memory
/// is poisoned.
pub fn contexts() -> &'static [Context; 2] {
    static CONTEXTS: OnceLock<[Context; 2]> = OnceLock::new();
    CONTEXTS.get_or_init(|| {
        [true, false].map(|subgroups| Context::builder().poison(true).subgroups(subgroups).build().unwrap())
    })
}

/// The same as LeNet in the large, with a residual block and three kinds of pooling side by side.
pub fn network() -> Network {
    let pools = |b: NetworkBuilder| b.conv2d("reduce", Conv2d::new(5, 2).stride(2)).sigmoid();
    Network::builder([1, 12, 12])
        .seed(3)
        .conv2d("conv1", Conv2d::new(6, 5).same())
        .relu()
        .max_pool2d(2)
        .conv2d("conv2", Conv2d::new(8, 3).same())
        .tanh()
        .residual(|b| b.conv2d("body", Conv2d::new(8, 3).same()).relu())
        .concat(|branches| {
            branches.branch(|b| b.avg_pool2d(2)).branch(|b| b.lp_pool2d(LpPool2d::new(2.0, 2))).branch(pools)
        })
        .flatten()
        .linear("fc1", 32)
        .relu()
        .dropout(0.4)
        .linear("fc2", 4)
        .build()
        .unwrap()
}

pub fn optimizer() -> Sgd {
    Sgd::new(0.02).momentum(0.9).weight_decay(1e-3)
}

pub fn trainer(context: &Context, network: Network) -> Trainer {
    Trainer::new(context, network, CrossEntropy::mean(), optimizer(), BATCH).unwrap()
}

pub fn images(count: usize) -> Dataset {
    images::quadrants(12, count)
}

/// The first `count` images as one batch.
pub fn batch(count: usize) -> Batch {
    images(count).batches(count).next().unwrap()
}

/// The values of all parameters.
pub fn values(network: &Network) -> Vec<Tensor> {
    network.parameters().iter().map(|parameter| parameter.value.clone()).collect()
}

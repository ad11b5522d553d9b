//! The networks that the examples offer.

use clap::ValueEnum;
use wgcnn::Result;
use wgcnn::network::{Init, Network, NetworkBuilder};
use wgcnn::ops::{Conv2d, Linear};
use wgcnn::shape::Shape;

/// A network by name, for images of any size that it fits.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Architecture {
    /// Two convolutions 5x5, each with a max pool, and two linear layers, after LeNet-5
    Lenet,
    /// Two convolutions 3x3, a max pool and two linear layers
    Small,
    /// A convolution and two residual blocks, with average pooling
    Residual,
    /// Three linear layers, no convolution
    Mlp,
}

impl Architecture {
    /// The network for images of `input` in `classes` classes.
    pub fn build(self, input: Shape, classes: usize, seed: u64) -> Result<Network> {
        let start = Network::builder(input).seed(seed);
        let body = match self {
            Self::Lenet => lenet(start),
            Self::Small => small(start),
            Self::Residual => residual(start),
            Self::Mlp => mlp(start),
        };
        // With weights of zero all classes start equally likely, and training does not start with a jolt.
        body.linear("classes", Linear::new(classes).init(Init::Constant(0.0))).build()
    }
}

fn lenet(start: NetworkBuilder) -> NetworkBuilder {
    start
        .conv2d("conv1", Conv2d::new(32, 5).same())
        .relu()
        .max_pool2d(2)
        .conv2d("conv2", Conv2d::new(64, 5).same())
        .relu()
        .max_pool2d(2)
        .flatten()
        .linear("fc1", 128)
        .relu()
        .dropout(0.5)
}

fn small(start: NetworkBuilder) -> NetworkBuilder {
    start
        .conv2d("conv1", Conv2d::new(32, 3).same())
        .relu()
        .conv2d("conv2", Conv2d::new(64, 3))
        .relu()
        .max_pool2d(2)
        .dropout(0.25)
        .flatten()
        .linear("fc1", 128)
        .relu()
        .dropout(0.5)
}

fn residual(start: NetworkBuilder) -> NetworkBuilder {
    start
        .conv2d("conv1", Conv2d::new(16, 3).same())
        .relu()
        .residual(|branch| {
            branch
                .conv2d("block1.conv1", Conv2d::new(16, 3).same())
                .relu()
                .conv2d("block1.conv2", Conv2d::new(16, 3).same())
        })
        .relu()
        .residual_with(
            |shortcut| shortcut.conv2d("block2.shortcut", Conv2d::new(32, 1).stride(2)),
            |branch| {
                branch
                    .conv2d("block2.conv1", Conv2d::new(32, 3).stride(2).padding(1))
                    .relu()
                    .conv2d("block2.conv2", Conv2d::new(32, 3).same())
            },
        )
        .relu()
        .avg_pool2d(2)
        .flatten()
}

fn mlp(start: NetworkBuilder) -> NetworkBuilder {
    start.flatten().linear("fc1", 256).relu().linear("fc2", 128).relu().dropout(0.5)
}

//! The networks that are timed, as other frameworks' benchmarks have them.

#[path = "../../examples/common/networks.rs"]
mod architectures;

use architectures::Architecture;
use wgcnn::Result;
use wgcnn::network::{Network, NetworkBuilder};
use wgcnn::ops::{Conv2d, MaxPool2d};

/// A network, and for how many images its passes are timed.
#[derive(Debug, Clone, Copy)]
pub struct Model {
    /// Its name in a row.
    pub name: &'static str,
    /// The numbers of images in a training step.
    pub steps: &'static [usize],
    /// The numbers of images that it infers at once.
    pub inferences: &'static [usize],
    build: fn() -> Result<Network>,
}

/// All of them, the smallest first. LeNet shows how time grows with the number of images.
pub const MODELS: [Model; 3] = [
    Model { name: "lenet", steps: &SCALE, inferences: &SCALE, build: lenet },
    Model { name: "cifarnet", steps: &[32], inferences: &[1, 64], build: cifarnet },
    Model { name: "resnet18", steps: &[8], inferences: &[1, 64], build: resnet18 },
];

const SCALE: [usize; 5] = [1, 4, 16, 64, 256];

/// The classes that each of them tells apart.
const CLASSES: usize = 10;

impl Model {
    /// The network, with fresh parameters.
    pub fn network(&self) -> Result<Network> {
        (self.build)()
    }
}

/// The network of the example fashion_mnist, after LeNet-5.
fn lenet() -> Result<Network> {
    Architecture::Lenet.build([1, 28, 28].into(), CLASSES, 0)
}

/// Six convolutions 3x3 with two max pools between them, a convolution 1x1 to the classes, and a global average.
fn cifarnet() -> Result<Network> {
    let stage = |network: NetworkBuilder, stage: usize, channels: usize| {
        (1..=2).fold(network, |network, i| {
            network.conv2d(format!("conv{stage}.{i}"), Conv2d::new(channels, 3).same()).relu()
        })
    };
    let network = stage(Network::builder([3, 32, 32]), 1, 64).max_pool2d(2);
    let network = stage(network, 2, 128).max_pool2d(2);
    stage(network, 3, 256).conv2d("classes", Conv2d::new(CLASSES, 1)).global_avg_pool2d().flatten().build()
}

/// ResNet-18 (He et al. 2016, arXiv:1512.03385) with torchvision's layers, for images of 64x64.
fn resnet18() -> Result<Network> {
    let stem = Network::builder([3, 64, 64])
        .conv2d("conv1", Conv2d::new(64, 7).stride(2).padding(3).bias(false))
        .batch_norm("bn1")
        .relu()
        .max_pool2d(MaxPool2d::new(3).stride(2).padding(1));
    let stages = [(64, 1), (128, 2), (256, 2), (512, 2)];
    let body = (1..).zip(stages).fold(stem, |network, (stage, (channels, stride))| {
        let first = block(network, &format!("layer{stage}.0"), channels, stride);
        block(first, &format!("layer{stage}.1"), channels, 1)
    });
    body.global_avg_pool2d().flatten().linear("fc", CLASSES).build()
}

/// A basic block. Its shortcut is a convolution 1x1 where it makes the image smaller.
fn block(network: NetworkBuilder, name: &str, channels: usize, stride: usize) -> NetworkBuilder {
    let conv = |kernel, stride: usize| Conv2d::new(channels, kernel).stride(stride).bias(false);
    let shortcut = |shortcut: NetworkBuilder| {
        if stride == 1 {
            return shortcut;
        }
        shortcut
            .conv2d(format!("{name}.downsample.0"), conv(1, stride))
            .batch_norm(format!("{name}.downsample.1"))
    };
    let branch = |branch: NetworkBuilder| {
        branch
            .conv2d(format!("{name}.conv1"), conv(3, stride).padding(1))
            .batch_norm(format!("{name}.bn1"))
            .relu()
            .conv2d(format!("{name}.conv2"), conv(3, 1).padding(1))
            .batch_norm(format!("{name}.bn2"))
    };
    network.residual_with(shortcut, branch).relu()
}

//! Networks of the crate's own operators.

use wgcnn::network::Network;
use wgcnn::ops::{Conv2d, LocalResponseNorm, LpPool2d};
use wgcnn::shape::{Padding, Shape};

use crate::errors::assert_says;

/// The network of the crate's first program.
pub fn lenet() -> Network {
    Network::builder([1, 28, 28])
        .conv2d("conv1", Conv2d::new(32, 5).same())
        .relu()
        .max_pool2d(2)
        .conv2d("conv2", Conv2d::new(64, [5, 5]).stride([1, 1]).padding(Padding::Same))
        .relu()
        .max_pool2d(2)
        .flatten()
        .linear("fc1", 128)
        .relu()
        .dropout(0.5)
        .linear("fc2", 10)
        .build()
        .unwrap()
}

fn outputs(network: &Network) -> Vec<(&str, Shape)> {
    network.nodes().iter().map(|node| (node.name.as_str(), network.shape(node.output))).collect()
}

#[test]
fn lenet_has_its_shapes_and_parameters() {
    let network = lenet();
    let image = |channels, size| Shape::new(channels, size, size);
    assert_eq!(
        outputs(&network),
        [
            ("conv1", image(32, 28)),
            ("relu1", image(32, 28)),
            ("max_pool2d1", image(32, 14)),
            ("conv2", image(64, 14)),
            ("relu2", image(64, 14)),
            ("max_pool2d2", image(64, 7)),
            ("flatten1", Shape::features(3136)),
            ("fc1", Shape::features(128)),
            ("relu3", Shape::features(128)),
            ("dropout1", Shape::features(128)),
            ("fc2", Shape::features(10)),
        ]
    );
    let parameters: Vec<(&str, &[usize])> =
        network.parameters().iter().map(|p| (p.name.as_str(), p.value.shape())).collect();
    assert_eq!(
        parameters,
        [
            ("conv1.weight", &[32, 1, 5, 5][..]),
            ("conv1.bias", &[32]),
            ("conv2.weight", &[64, 32, 5, 5]),
            ("conv2.bias", &[64]),
            ("fc1.weight", &[128, 3136]),
            ("fc1.bias", &[128]),
            ("fc2.weight", &[10, 128]),
            ("fc2.bias", &[10]),
        ]
    );
}

#[test]
fn residuals_and_concatenations_nest() {
    let network = Network::builder([3, 8, 8])
        .conv2d("stem", Conv2d::new(8, 3).same())
        .residual(|b| b.conv2d("a", Conv2d::new(8, 3).same()).tanh())
        .residual_with(
            |shortcut| shortcut.conv2d("project", Conv2d::new(16, 1).stride(2)),
            |branch| {
                branch.concat(|branches| {
                    branches
                        .branch(|b| b.conv2d("half", Conv2d::new(12, 3).stride(2).same()))
                        .branch(|b| b.avg_pool2d(2).conv2d("pooled", Conv2d::new(4, 1)))
                })
            },
        )
        .sigmoid()
        .lp_pool2d(LpPool2d::new(2.0, 2))
        .build()
        .unwrap();
    let image = |channels, size| Shape::new(channels, size, size);
    assert_eq!(
        outputs(&network),
        [
            ("stem", image(8, 8)),
            ("a", image(8, 8)),
            ("tanh1", image(8, 8)),
            ("add1", image(8, 8)),
            ("project", image(16, 4)),
            ("half", image(12, 4)),
            ("avg_pool2d1", image(8, 4)),
            ("pooled", image(4, 4)),
            ("concat1", image(16, 4)),
            ("add2", image(16, 4)),
            ("sigmoid1", image(16, 4)),
            ("lp_pool2d1", image(16, 2)),
        ]
    );
}

#[test]
fn alexnets_kind_of_layers_and_heads() {
    let start = || Network::builder([3, 16, 12]).conv2d("conv1", Conv2d::new(8, 3).stride(2)).relu();
    let network = start()
        .local_response_norm(5)
        .local_response_norm(LocalResponseNorm::new(5).alpha(5e-4).k(2.0))
        .adaptive_max_pool2d(4)
        .adaptive_avg_pool2d([2, 3])
        .concat(|branches| branches.branch(|b| b.global_avg_pool2d()).branch(|b| b.global_max_pool2d()))
        .log_softmax()
        .softmax()
        .build()
        .unwrap();
    let image = |height, width| Shape::new(8, height, width);
    assert_eq!(
        outputs(&network)[2..],
        [
            ("local_response_norm1", image(7, 5)),
            ("local_response_norm2", image(7, 5)),
            ("adaptive_max_pool2d1", image(4, 4)),
            ("adaptive_avg_pool2d1", image(2, 3)),
            ("global_avg_pool2d1", image(1, 1)),
            ("global_max_pool2d1", image(1, 1)),
            ("concat1", Shape::features(16)),
            ("log_softmax1", Shape::features(16)),
            ("softmax1", Shape::features(16)),
        ]
    );
    // Windows of 3 x 2 a pixel apart, where pixels are 2 apart, then of 2 x 2; a global pool sees everything.
    let rows = network.summary().rows;
    let fields: Vec<_> = rows[1..8].iter().map(|row| row.receptive_field.map(|field| field.size)).collect();
    let conv = Some([3, 3]);
    assert_eq!(fields, [conv, conv, conv, Some([7, 5]), Some([9, 7]), None, None]);
}

#[test]
fn an_operator_refuses_by_the_name_of_its_layer() {
    let start = || Network::builder([3, 8, 8]);
    assert_says(
        start().conv2d("conv1", Conv2d::new(4, 11)).build(),
        "layer \"conv1\" (conv2d): a kernel of 11 with dilation 1 covers 11, more than the padded height of 8 \
         (input 8, padding 0 + 0); a kernel of at most 8, or 3 more of padding, would fit (input [3, 8, 8])",
    );
    assert_says(
        start().conv2d("conv1", Conv2d::new(4, 3).stride([1, 0])).build(),
        "layer \"conv1\" (conv2d): stride is 0 along the width; it must be at least 1 (input [3, 8, 8])",
    );
    assert_says(
        start().residual(|b| b.conv2d("wide", Conv2d::new(4, 3).same())).build(),
        "layer \"add1\" (add): the inputs differ in channels, 3 and 4; along each axis they must be \
         equal, or one of them 1 (inputs [3, 8, 8], [4, 8, 8])",
    );
    assert_says(
        start().concat(|j| j.branch(|b| b.max_pool2d(2)).branch(|b| b)).build(),
        "layer \"concat1\" (concat): the inputs differ in height, 4 and 8; they may differ in \
         channels only (inputs [3, 4, 4], [3, 8, 8])",
    );
}

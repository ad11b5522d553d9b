//! The layers that networks spend their time in, at the sizes at which other frameworks are measured too.

use wgcnn::ops::registry;

use super::super::common::draft::Draft;
use super::Layer;

/// Name, batch, input channels, output channels, height and width, kernel, stride and padding.
const CONVOLUTIONS: [(&str, [usize; 7]); 8] = [
    ("c1", [8, 3, 64, 224, 7, 2, 3]),
    ("c2", [8, 64, 64, 56, 3, 1, 1]),
    ("c3", [8, 128, 128, 28, 3, 1, 1]),
    ("c4", [8, 256, 256, 14, 3, 1, 1]),
    ("c5", [8, 256, 64, 56, 1, 1, 0]),
    ("c6", [8, 64, 128, 56, 3, 2, 1]),
    ("c7", [8, 512, 512, 7, 3, 1, 1]),
    ("c8", [16, 1, 32, 28, 5, 1, 2]),
];

/// Name, operator, kernel, stride and padding; on images of 112x112.
const POOLS: [(&str, &str, [usize; 3]); 3] = [
    ("max_k2s2", "max_pool2d", [2, 2, 0]),
    ("max_k3s2p1", "max_pool2d", [3, 2, 1]),
    ("avg_k2s2", "avg_pool2d", [2, 2, 0]),
];

/// All of them.
pub fn layers() -> Vec<Layer> {
    let images = |size: usize| [8, 64, size, size];
    let layer = |name: String, operator: &str, draft: Draft| {
        registry::find(operator).map(|entry| Layer { name, entry, draft })
    };
    let convolution = |input: [usize; 4], weight: [usize; 4], [stride, padding]: [usize; 2]| {
        Draft::new(vec![input.into()])
            .attribute("stride", vec![stride; 2])
            .attribute("padding", vec![padding; 4])
            .parameter("weight", weight)
            .parameter("bias", [weight[0]])
    };
    let convolutions = CONVOLUTIONS.iter().map(|(name, sizes)| {
        let [batch, inputs, outputs, size, kernel, stride, padding] = *sizes;
        let (input, weight) = ([batch, inputs, size, size], [outputs, inputs, kernel, kernel]);
        layer(format!("conv/{name}"), "conv2d", convolution(input, weight, [stride, padding]))
    });
    let depthwise = convolution(images(56), [64, 1, 3, 3], [1, 1]).attribute("groups", 64);
    let pools = POOLS.into_iter().map(|(name, operator, [kernel, stride, padding])| {
        let draft = Draft::new(vec![images(112).into()])
            .attribute("kernel", vec![kernel; 2])
            .attribute("stride", vec![stride; 2])
            .attribute("padding", vec![padding; 4]);
        layer(format!("pool/{name}"), operator, draft)
    });
    let of = |inputs: usize| Draft::new(vec![images(56).into(); inputs]);
    let scaled = of(1).parameter("weight", [64]).parameter("bias", [64]);
    let rest = [
        layer("batch_norm".into(), "batch_norm", scaled),
        layer("relu".into(), "relu", of(1)),
        layer("add".into(), "add", of(2)),
    ];
    let depthwise = [layer("conv/depthwise".into(), "conv2d", depthwise)];
    convolutions.chain(depthwise).chain(pools).chain(rest).flatten().collect()
}

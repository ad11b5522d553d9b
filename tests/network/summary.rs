//! The summary's text.

use wgcnn::network::Network;
use wgcnn::ops::Conv2d;
use wgcnn::shape::ReceptiveField;

use crate::layers::lenet;

#[test]
fn lenet_as_a_table() {
    let text = "\
layer        operator    output        receptive field  stride  parameters    FLOPs     memory
----------------------------------------------------------------------------------------------
input                    [1, 28, 28]   1x1              1x1                            3.1 KiB
conv1        conv2d      [32, 28, 28]  5x5              1x1            832    1.3 M   98.0 KiB
relu1        relu        [32, 28, 28]  5x5              1x1              0   25.1 k   98.0 KiB
max_pool2d1  max_pool2d  [32, 14, 14]  6x6              2x2              0   25.1 k   24.5 KiB
conv2        conv2d      [64, 14, 14]  14x14            2x2         51,264   20.1 M   49.0 KiB
relu2        relu        [64, 14, 14]  14x14            2x2              0   12.5 k   49.0 KiB
max_pool2d2  max_pool2d  [64, 7, 7]    16x16            4x4              0   12.5 k   12.2 KiB
flatten1     flatten     [3136]        whole                             0        0   12.2 KiB
fc1          linear      [128]         whole                       401,536  802.9 k      512 B
relu3        relu        [128]         whole                             0      128      512 B
dropout1     dropout     [128]         whole                             0      128      512 B
fc2          linear      [10]          whole                         1,290    2.6 k       40 B
----------------------------------------------------------------------------------------------
total                                                              454,922   22.2 M  344.5 KiB
FLOPs and memory (outputs in f32) are those of one sample, forward";
    assert_eq!(lenet().summary().to_string(), text);
}

#[test]
fn a_join_sees_what_its_branches_see() {
    let mut network = Network::builder([3, 9, 9])
        .residual_with(
            |b| b.conv2d("narrow", Conv2d::new(4, 1).stride([2, 1])),
            |b| b.conv2d("wide", Conv2d::new(4, [5, 3]).stride([2, 1]).same()),
        )
        .flatten()
        .residual(|b| b.relu())
        .build()
        .unwrap();
    network.freeze("wide").unwrap();
    let summary = network.summary();
    let fields: Vec<_> = summary.rows.iter().map(|row| row.receptive_field).collect();
    let field = |size| Some(ReceptiveField { size, stride: [2, 1] });
    assert_eq!(fields, [field([1, 1]), field([5, 3]), field([5, 3]), None, None, None]);
    assert_eq!((summary.parameters(), summary.frozen), (16 + 184, 184));
    assert!(summary.to_string().contains("184 of the parameters are frozen\n"));
}

#[test]
fn buffers_are_counted_apart() {
    let network = Network::builder([3, 9, 9])
        .conv2d("conv", Conv2d::new(4, 3).bias(false))
        .batch_norm("norm")
        .group_norm("groups", 2);
    let mut network = network.build().unwrap();
    let summary = network.summary();
    assert_eq!((summary.parameters(), summary.buffers(), summary.frozen), (108 + 8 + 8, 8, 0));
    let text = summary.to_string();
    assert!(text.contains("8 values more are in buffers, which no optimizer changes\n"), "{text}");
    network.freeze("norm").unwrap();
    assert_eq!(network.summary().frozen, 8);
}

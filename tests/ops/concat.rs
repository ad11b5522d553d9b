//! Several values behind one another.

use wgcnn::network::Network;
use wgcnn::ops::{Concat, Conv2d, MaxPool2d};
use wgcnn::shape::Axis;

use crate::check::{Rounding, attributes, check, check_network};

#[test]
fn odd_channels() {
    for channels in [&[1][..], &[4, 8], &[1, 1], &[3, 5, 2], &[17, 4, 33], &[1, 2, 3, 4, 5], &[64, 3]] {
        for [batch, height, width] in [[1, 1, 1], [2, 5, 3]] {
            let inputs: Vec<_> = channels.iter().map(|channels| [batch, *channels, height, width]).collect();
            check(Concat::default(), &inputs, Rounding::Exact, Rounding::Exact);
        }
    }
}

#[test]
fn rows_and_columns() {
    for sizes in [&[2, 1][..], &[1, 1, 1], &[3, 7, 2]] {
        let inputs: Vec<_> = sizes.iter().map(|height| [2, 3, *height, 4]).collect();
        check(Concat::new(Axis::Height), &inputs, Rounding::Exact, Rounding::Exact);
        let inputs: Vec<_> = sizes.iter().map(|width| [2, 5, 3, *width]).collect();
        check(Concat::new(Axis::Width), &inputs, Rounding::Exact, Rounding::Exact);
    }
}

#[test]
fn within_a_graph() {
    let network = Network::builder([3, 5, 4])
        .conv2d("before", Conv2d::new(6, 1))
        .concat(|branches| {
            branches.branch(|b| b).branch(|b| b.conv2d("left", Conv2d::new(3, 3).same())).branch(|b| b)
        })
        .join(Concat::new(Axis::Height), |branches| {
            branches.branch(|b| b.max_pool2d(MaxPool2d::new([2, 1]))).branch(|b| b)
        })
        .join(Concat::new(Axis::Width), |branches| {
            branches.branch(|b| b.max_pool2d(MaxPool2d::new([1, 2]))).branch(|b| b)
        })
        .conv2d("after", Conv2d::new(5, 1))
        .build();
    check_network(network.unwrap(), 2);
}

#[test]
fn the_axis_is_counted_from_both_ends() {
    let axis = |axis: i64| attributes::<Concat>(&format!("{{\"axis\": {axis}}}"));
    assert_eq!(axis(1), Ok(Concat::default()));
    assert_eq!((axis(2), axis(-2)), (Ok(Concat::new(Axis::Height)), Ok(Concat::new(Axis::Height))));
    assert_eq!((axis(3), axis(-1)), (Ok(Concat::new(Axis::Width)), Ok(Concat::new(Axis::Width))));
}

//! Parts of a value.

use wgcnn::network::Network;
use wgcnn::ops::{Add, Concat, Conv2d, Operator, Split};
use wgcnn::shape::{Axis, Shape};

use crate::check::{Rounding, attributes, check, check_network};

#[test]
fn every_part() {
    for (axis, sizes, input) in [
        (Axis::Channels, &[1][..], [1, 1, 1, 1]),
        (Axis::Channels, &[3, 5, 2, 7], [2, 17, 2, 3]),
        (Axis::Channels, &[4, 8], [1, 12, 1, 5]),
        (Axis::Height, &[2, 1, 4], [2, 3, 7, 2]),
        (Axis::Width, &[1, 3], [1, 5, 3, 4]),
    ] {
        for part in 0..sizes.len() {
            check(Split::new(axis, sizes).part(part), &[input], Rounding::Exact, Rounding::Exact);
        }
    }
}

#[test]
fn within_a_graph() {
    let network = Network::builder([3, 5, 4])
        .conv2d("before", Conv2d::new(7, 1))
        .split(Split::new(Axis::Channels, [2, 5]), Concat::default(), |parts| {
            parts.part(|b| b.conv2d("narrow", Conv2d::new(6, 3).same())).part(|b| b)
        })
        .split(Split::new(Axis::Width, [2, 2]), Add, |parts| parts.part(|b| b.relu()).part(|b| b))
        .split(Split::new(Axis::Height, [5]), Concat::default(), |parts| parts.part(|b| b))
        .conv2d("after", Conv2d::new(5, 1))
        .build();
    check_network(network.unwrap(), 2);
}

#[test]
fn bad_attributes_say_what_would_fit() {
    let refusal = |split: Split| split.output_shape(&[Shape::new(3, 5, 4)]).unwrap_err();
    for (message, expected) in [
        (refusal(Split::new(Axis::Height, [2, 2])), "sizes [2, 2] along the height"),
        (refusal(Split::new(Axis::Height, [2, 2])), "together they must be 5"),
        (refusal(Split::new(Axis::Channels, [3, 0])), "each must be at least 1"),
        (refusal(Split::new(Axis::Width, [])), "together they must be 4"),
        (refusal(Split::new(Axis::Width, [usize::MAX, 5])), "together they must be 4"),
        (
            refusal(Split::new(Axis::Width, [3, 1]).part(2)),
            "part 2 of a split into 2; the first is 0 and the last 1",
        ),
        (
            attributes::<Split>(r#"{"sizes": [1, -2]}"#).unwrap_err(),
            "sizes is [1,-2]; it must be a list of whole numbers",
        ),
    ] {
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
    let split = attributes::<Split>(r#"{"sizes": [1, 3], "axis": 3, "index": 1}"#);
    assert_eq!(split, Ok(Split::new(Axis::Width, [1, 3]).part(1)));
}

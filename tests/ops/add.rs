//! Sums of several values.

use wgcnn::gpu::Capabilities;
use wgcnn::network::Network;
use wgcnn::ops::{Add, AvgPool2d, Conv2d, Operator};
use wgcnn::schedule::{Plan, PlanOptions};
use wgcnn::shape::Shape;

use crate::check::{BROADCASTS, Rounding, check, check_network};

#[test]
fn odd_sizes() {
    for (inputs, shape) in
        [(2, [1, 1, 1, 1]), (2, [2, 3, 5, 4]), (3, [1, 17, 3, 7]), (5, [3, 4, 2, 1]), (2, [2, 64, 9, 11])]
    {
        check(Add, &vec![shape; inputs], Rounding::SumOf(inputs), Rounding::Exact);
    }
}

#[test]
fn broadcasting() {
    for inputs in BROADCASTS {
        check(Add, &inputs, Rounding::SumOf(2), Rounding::Sum);
    }
}

#[test]
fn within_a_graph() {
    let network = Network::builder([3, 5, 4])
        .conv2d("before", Conv2d::new(6, 1))
        .join(Add, |branches| {
            branches.branch(|b| b).branch(|b| b.conv2d("left", Conv2d::new(6, 3).same())).branch(|b| b)
        })
        .residual(|b| b.avg_pool2d(AvgPool2d::new([5, 4])))
        .residual_with(
            |b| b.conv2d("row", Conv2d::new(6, [5, 1])),
            |b| b.conv2d("column", Conv2d::new(1, [1, 4])),
        )
        .conv2d("after", Conv2d::new(5, 1))
        .build();
    check_network(network.unwrap(), 2);
}

/// Equal shapes add nothing to a backward pass, and of two different ones only the smaller does.
#[test]
fn gradients_that_pass_through_are_not_computed() {
    let kernels = |shapes: [Shape; 2]| -> Vec<&'static str> {
        let operator: Box<dyn Operator> = Box::new(Add);
        let network = Network::from_operator(operator, &shapes).unwrap();
        let plan = Plan::new(&network, &PlanOptions::gradients(2), &Capabilities::webgpu()).unwrap();
        let dispatches = plan.program().dispatches.iter().filter(|dispatch| dispatch.layer == "add");
        dispatches.map(|dispatch| dispatch.kernel.name).collect()
    };
    let image = Shape::new(3, 5, 4);
    assert_eq!(kernels([image, image]), ["add/forward"]);
    assert_eq!(kernels([image, Shape::features(3)]), ["common/broadcast", "common/sum_broadcast"]);
}

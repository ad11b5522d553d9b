//! Layers that the scheduler joins: what is computed is what the layers compute one after the other.

use std::collections::BTreeMap;

use wgcnn::Tensor;
use wgcnn::gpu::Capabilities;
use wgcnn::network::{Network, NetworkBuilder};
use wgcnn::ops::program::Dispatch;
use wgcnn::ops::registry::{Attributes, Build, Entry, REGISTRY};
use wgcnn::ops::{Conv2d, ConvTranspose2d, Linear, MaxPool2d, Sigmoid};
use wgcnn::reference::{self, Pass};
use wgcnn::schedule::{Plan, PlanOptions};

use crate::check::{check_network, check_variants, close};
use crate::common::differences::spread;
use crate::common::gpu;
use crate::contexts::contexts;

/// Checks what a network computes outside training.
fn check_inference(mut network: Network, batch: usize) {
    let shapes: BTreeMap<String, Vec<usize>> =
        network.parameters().iter().map(|p| (p.name.clone(), p.spec.shape.clone())).collect();
    for (i, (name, shape)) in (100..).zip(shapes) {
        // A variance is positive.
        let value = spread(&shape, i).map(|x| if name.ends_with("running_var") { x.abs() } else { x });
        network.set_parameter(&name, value).unwrap();
    }
    let input = spread(&network.input_shape().nchw(batch), 1);
    let parameters: Vec<Tensor<f64>> = reference::parameters(&network);
    let values =
        reference::forward(&network, &parameters, &[input.map(f64::from)], &Pass::default()).unwrap();
    let wanted = values[network.output().0].data();
    let largest = wanted.iter().fold(0.0, |largest: f64, y| largest.max(y.abs()));
    let got = gpu::differentiate(&contexts()[0], &network, &[&input], None, &Pass::default()).unwrap();
    close(&format!("{:?}", network.nodes()), &got["output"], wanted, |_| 1e-5 * largest + 1e-6);
}

/// The kernels of a pass, for people.
fn kernels(network: &Network, options: &PlanOptions<'_>) -> Vec<String> {
    let plan = Plan::new(network, options, &Capabilities::webgpu()).unwrap();
    plan.program().dispatches.iter().map(|dispatch| dispatch.description()).collect()
}

/// Checks a network of two samples, which has this kernel outside training.
fn check_joined(network: NetworkBuilder, kernel: &str) {
    let network = network.build().unwrap();
    let used = kernels(&network, &PlanOptions::inference(2));
    assert!(used.contains(&kernel.into()), "{kernel}: {used:?}");
    check_inference(network.clone(), 2);
    check_network(network, 2);
}

/// Every function of one variable ends a layer as it does by itself.
#[test]
fn every_function_can_end_a_layer() {
    type Add = fn(NetworkBuilder) -> NetworkBuilder;
    let functions: [(&str, Add); 12] = [
        ("elu", NetworkBuilder::elu),
        ("gelu", NetworkBuilder::gelu),
        ("hard_sigmoid", NetworkBuilder::hard_sigmoid),
        ("hard_swish", NetworkBuilder::hard_swish),
        ("hard_tanh", NetworkBuilder::hard_tanh),
        ("leaky_relu", NetworkBuilder::leaky_relu),
        ("relu", NetworkBuilder::relu),
        ("relu6", NetworkBuilder::relu6),
        ("sigmoid", NetworkBuilder::sigmoid),
        ("silu", NetworkBuilder::silu),
        ("softplus", NetworkBuilder::softplus),
        ("tanh", NetworkBuilder::tanh),
    ];
    for (name, function) in functions {
        let network = function(Network::builder(7).linear("fc", Linear::new(6))).build().unwrap();
        let used = kernels(&network, &PlanOptions::inference(3));
        assert!(used.contains(&format!("conv2d/forward_tiled + {name}")), "{name}: {used:?}");
        check_inference(network.clone(), 3);
        check_network(network, 3);
    }
    let pointwise = |entry: &&Entry| match entry.build {
        Build::Operator(build) => {
            build(&Attributes::default()).is_ok_and(|operator| operator.pointwise().is_some())
        }
        _ => false,
    };
    assert_eq!(REGISTRY.iter().filter(pointwise).count(), functions.len(), "a function has no test here");
}

/// A sum or a product takes the function of one of its operands, whichever it is, and ends with another one.
#[test]
fn an_operand_goes_through_a_function() {
    let image = || Network::builder([5, 3, 4]);
    let cases = [
        (image().residual(|b| b.sigmoid()).relu(), "sigmoid + add/forward + relu"),
        (image().residual_with(|b| b.gelu(), |b| b), "gelu + add/forward"),
        (
            image().gate(|b| b.conv2d("gate", Conv2d::new(5, 1)).max_pool2d(1).sigmoid()).gelu(),
            "sigmoid + mul/forward + gelu",
        ),
        // Mish.
        (image().gate(|b| b.softplus().tanh()), "softplus + tanh + mul/forward"),
        (
            image().residual(|b| b.leaky_relu().sigmoid()).elu().tanh(),
            "leaky_relu + sigmoid + add/forward + elu + tanh",
        ),
        (image().residual_with(|b| b.tanh(), |b| b.relu()).sigmoid(), "tanh + add/forward + sigmoid"),
    ];
    for (network, kernel) in cases {
        check_joined(network, kernel);
    }
}

/// Functions in a row are one kernel: after a layer, in place, and where the input must be kept.
#[test]
fn functions_in_a_row_are_one_kernel() {
    let image = || Network::builder([5, 3, 4]);
    let cases = [
        (
            image().conv2d("conv", Conv2d::new(6, 1)).silu().relu().silu().sigmoid(),
            "conv2d/forward_tiled + silu + relu + silu + sigmoid",
        ),
        (image().max_pool2d(2).softplus().tanh(), "common/activation_in_place + softplus + tanh"),
        (image().residual(|b| b.hard_swish().gelu().max_pool2d(1)), "hard_swish/forward + gelu"),
        // Both have a constant of one name.
        (
            image().max_pool2d(2).elu().hard_sigmoid().tanh(),
            "common/activation_in_place + hard_sigmoid + tanh",
        ),
    ];
    for (network, kernel) in cases {
        check_joined(network, kernel);
    }
}

/// Every kind of convolution, and a sum that is split, ends with a function that is not 0 at 0.
#[test]
fn every_layer_can_end_with_a_function() {
    let networks = [
        Network::builder([3, 5, 4]).conv2d("conv", Conv2d::new(5, 3).same()),
        Network::builder([5, 3, 4]).conv2d("conv", Conv2d::new(6, 1)),
        Network::builder([6, 5, 4]).conv2d("conv", Conv2d::new(6, 3).groups(6).same()),
        Network::builder([6, 5, 4]).conv2d("conv", Conv2d::new(9, 3).groups(3)),
        Network::builder([8, 5, 4]).conv2d("conv", Conv2d::new(8, 3).groups(2)),
        Network::builder([6, 3, 2]).then(ConvTranspose2d::new(5, 3).stride(2)),
        Network::builder(1030).linear("fc", 5),
    ];
    for network in networks {
        let network = network.then(Sigmoid).build().unwrap();
        check_inference(network.clone(), 2);
        check_variants(network, 2);
    }
}

/// A normalisation is folded into what comes before it, with and without a bias, and the function after it fused.
#[test]
fn a_normalisation_is_folded() {
    for (network, batch) in [
        (Network::builder([3, 9, 8]).conv2d("conv", Conv2d::new(5, 3).same()), 2),
        (Network::builder([6, 9, 8]).conv2d("conv", Conv2d::new(6, 3).groups(6).bias(false)), 2),
        (Network::builder(6).linear("fc", 5), 16),
    ] {
        let network = network.batch_norm("norm").relu().build().unwrap();
        let used = kernels(&network, &PlanOptions::inference(batch));
        assert!(used.iter().any(|kernel| kernel == "batch_norm/fold"), "{used:?}");
        assert!(!used.iter().any(|kernel| kernel == "common/normalize"), "{used:?}");
        check_inference(network, batch);
    }
}

/// Of two normalisations in a row the first is folded, and the other stays.
#[test]
fn two_normalisations_are_both_computed() {
    let network = Network::builder([3, 9, 8]).conv2d("conv", Conv2d::new(5, 3).same());
    let network = network.batch_norm("first").batch_norm("second").relu().build().unwrap();
    let used = kernels(&network, &PlanOptions::inference(2));
    assert!(used.contains(&"common/normalize + relu".into()), "{used:?}");
    check_inference(network, 2);
}

/// What is overwritten in place was needed by nobody: a residual block, whose sum goes through a function.
/// The gradient of a function before a max pool follows from what the pool picked, however often it picked it.
#[test]
fn a_max_pool_differentiates_the_function_before_it() {
    type Add = fn(NetworkBuilder) -> NetworkBuilder;
    let pools: [(Add, u64); 4] = [
        (|b| b.max_pool2d(2), 6),
        (|b| b.max_pool2d(MaxPool2d::new(3).stride(2).padding(1)), 12),
        (|b| b.adaptive_max_pool2d([3, 2]), 6),
        (|b| b.global_max_pool2d(), 1),
    ];
    let functions: [Add; 3] = [NetworkBuilder::relu, NetworkBuilder::sigmoid, NetworkBuilder::tanh];
    for ((pool, pixels), function) in pools.into_iter().flat_map(|pool| functions.map(|f| (pool, f))) {
        let start = Network::builder([3, 5, 7]).conv2d("conv", Conv2d::new(6, 3).same());
        let network = pool(function(start)).build().unwrap();
        let plan = Plan::new(&network, &PlanOptions::gradients(2), &Capabilities::webgpu()).unwrap();
        let mut dispatches = plan.program().dispatches.iter();
        let gradient =
            dispatches.find(|dispatch| dispatch.kernel.name == "common/gradient_in_place").unwrap();
        // Two samples of six channels.
        assert_eq!(gradient.flops, 12 * pixels, "{network:?}");
        check_network(network, 2);
    }
}

/// What others read too has a gradient of its own, and so has what a pool repeats. A gradient that others read is not
/// overwritten.
#[test]
fn a_max_pool_leaves_the_function_before_it_alone() {
    let start = || Network::builder([3, 6, 6]).conv2d("conv", Conv2d::new(4, 3).same());
    let branches = start().relu().concat(|branches| {
        branches.branch(|b| b.max_pool2d(2)).branch(|b| b.conv2d("half", Conv2d::new(2, 2).stride(2)))
    });
    let repeated = start().relu().adaptive_max_pool2d([8, 9]);
    for network in [branches, repeated] {
        let network = network.build().unwrap();
        let plan = Plan::new(&network, &PlanOptions::gradients(2), &Capabilities::webgpu()).unwrap();
        let of_relu = |dispatch: &&Dispatch| dispatch.layer == "relu1" && dispatch.flops == 2 * 4 * 36;
        assert!(plan.program().dispatches.iter().any(|dispatch| of_relu(&dispatch)), "{network:?}");
        check_network(network, 2);
    }
    let shared = start().residual_with(|branch| branch.relu().max_pool2d(1), |branch| branch.tanh());
    check_network(shared.build().unwrap(), 2);
}

#[test]
fn in_place_within_a_graph() {
    let network = Network::builder([3, 5, 4])
        .conv2d("stem", Conv2d::new(6, 1))
        .relu()
        .residual(|branch| {
            branch.conv2d("a", Conv2d::new(6, 3).same()).relu().tanh().conv2d("b", Conv2d::new(6, 1))
        })
        .relu()
        .silu()
        .elu()
        .build()
        .unwrap();
    check_inference(network.clone(), 2);
    check_network(network, 2);
}

//! Every mistake in a network is an error that says what was wrong and what would be right.

use std::sync::Arc;

use wgcnn::network::{Layer, Network, ValueId};
use wgcnn::ops::Operator;
use wgcnn::shape::Shape;
use wgcnn::{Error, Tensor};

use crate::custom::{Blend, Claims};

/// Checks what an error says.
pub fn assert_says<T>(result: Result<T, Error>, wanted: &str) {
    let message = result.err().expect("an error").to_string();
    assert_eq!(message, wanted);
}

fn claims(output: [usize; 3], weight: &[usize]) -> Claims {
    Claims { output: output.into(), weight: weight.into() }
}

#[test]
fn builder() {
    let start = || Network::builder([2, 3, 3]);
    assert_says(start().build(), "network: it has no layers; add at least one before build()");
    assert_says(
        Network::builder([2, 0, 3]).layer("a", Blend).build(),
        "network: the input is [2, 0, 3]: every size must be at least 1",
    );
    assert_says(
        Network::builder([usize::MAX, 2, 2]).layer("a", Blend).build(),
        "network: the input is [18446744073709551615, 2, 2]: a tensor has at most 4294967295 elements",
    );
    assert_says(
        start().layer("a", Blend).then(Blend).layer("a", claims([1, 1, 1], &[1])).build(),
        "network: layers 1 (blend) and 3 (claims) are both named \"a\"; every layer needs a name of its own",
    );
    assert_says(
        start().layer("a", Blend).layer("", Blend).build(),
        "network: layer 2 (blend) has an empty name; every layer needs one of its own",
    );
    assert_says(
        start().join(Blend, |branches| branches).build(),
        "layer \"blend1\" (blend): the inputs must have one shape (it has no input)",
    );
    assert_says(
        start().layer("c", claims([5, 0, 1], &[1])).build(),
        "layer \"c\" (claims): its output would be [5, 0, 1]: every size must be at least 1 (input [2, 3, 3])",
    );
    assert_says(
        start().layer("c", claims([1 << 20, 1 << 20, 1 << 40], &[1])).build(),
        "layer \"c\" (claims): its output would be [1048576, 1048576, 1099511627776]: a tensor has at most \
         4294967295 elements (input [2, 3, 3])",
    );
    assert_says(
        start().layer("c", claims([1, 1, 1], &[1 << 32, 1])).build(),
        "layer \"c\" (claims): its weight would be [4294967296, 1]: a tensor has at most 4294967295 elements \
         (input [2, 3, 3])",
    );
    assert_says(
        start().layer("c", claims([1, 1, 1], &[])).build(),
        "layer \"c\" (claims): its weight would be []: every size must be at least 1 (input [2, 3, 3])",
    );
    // The first mistake is the one reported.
    let refused = start()
        .layer("c", claims([1, 1, 1], &[1]))
        .join(Blend, |branches| branches.branch(|b| b).branch(|b| b.layer("wide", claims([9, 9, 9], &[1]))));
    assert_says(
        refused.layer("c", Blend).build(),
        "layer \"blend1\" (blend): the inputs must have one shape (inputs [1], [9, 9, 9])",
    );
    // A branch that hands back some other builder cannot bring the indices into disorder.
    let other = Network::builder([2, 3, 3]).layer("x", Blend);
    assert_says(
        start()
            .layer("a", Blend)
            .layer("b", Blend)
            .join(Blend, |j| j.branch(|b| b).branch(|_| other))
            .build(),
        "network: layer \"blend1\" reads value 2, which no earlier layer computes; a branch must return the \
         builder it was given",
    );
}

#[test]
fn layers_as_data() {
    let of = |layers| Network::from_layers(&[Shape::features(4)], layers, 0);
    let blend = |reads: usize| Layer::new(Blend, [ValueId(reads)]);
    assert_says(of(vec![]), "network: it has no layers; add at least one before build()");
    assert_says(
        of(vec![blend(0), blend(2)]),
        "network: layer \"blend2\" reads value 2, which no earlier layer computes; a branch must return the \
         builder it was given",
    );
    assert_says(
        of(vec![blend(0).with_parameter("weight", Tensor::zeros([2]))]),
        "parameter \"blend1.weight\": its shape is [1], got [2]",
    );
    assert_says(
        of(vec![blend(0).named("a").with_parameter("bias", Tensor::zeros([1]))]),
        "parameter \"a.bias\": the layer has no such parameter; it has [\"weight\"]",
    );
}

#[test]
fn single_operator() {
    let operator = || -> Arc<dyn Operator> { Arc::new(Blend) };
    assert_says(
        Network::from_operator(operator(), &[]),
        "network: it has no input; give the shape of at least one",
    );
    assert_says(
        Network::from_operator(operator(), &[Shape::new(1, 2, 3), Shape::features(4)]),
        "layer \"blend\" (blend): the inputs must have one shape (inputs [1, 2, 3], [4])",
    );
}

#[test]
fn parameters() {
    let mut network = Network::builder(4).layer("conv1", Blend).layer("fc1", Blend).build().unwrap();
    assert_says(
        network.set_parameter("fc1.weight", Tensor::zeros([2, 1])),
        "parameter \"fc1.weight\": its shape is [1], got [2, 1]",
    );
    assert_says(
        network.parameter("fc.weight"),
        "parameter \"fc.weight\": the network has none of that name; it has fc1.weight, conv1.weight",
    );
    assert_says(
        network.freeze("conv"),
        "parameter \"conv\": the network has none of that name; it has conv1.weight, fc1.weight",
    );
}

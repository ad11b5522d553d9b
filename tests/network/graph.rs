//! What the builder makes of what was written down.

use wgcnn::Tensor;
use wgcnn::network::{Layer, Network, ValueId};
use wgcnn::ops::Operator;
use wgcnn::shape::Shape;

use crate::custom::Blend;

fn names(network: &Network) -> Vec<&str> {
    network.nodes().iter().map(|node| node.name.as_str()).collect()
}

fn parameters(network: &Network) -> Vec<&str> {
    network.parameters().iter().map(|parameter| parameter.name.as_str()).collect()
}

/// What each node reads, as plain numbers.
fn inputs(network: &Network) -> Vec<Vec<usize>> {
    network.nodes().iter().map(|node| node.inputs.iter().map(|value| value.0).collect()).collect()
}

/// x -> a -> b -> join(b, c(b) -> d, e(b)).
fn branched() -> Network {
    let builder = Network::builder([2, 3, 3]).layer("a", Blend).layer("b", Blend);
    let joined = builder.join(Blend, |branches| {
        branches
            .branch(|b| b)
            .branch(|b| b.layer("c", Blend).layer("d", Blend))
            .branch(|b| b.layer("e", Blend))
    });
    joined.build().unwrap()
}

#[test]
fn branches_start_at_one_place_and_end_in_the_join() {
    let network = branched();
    assert_eq!(names(&network), ["a", "b", "c", "d", "e", "blend1"]);
    assert_eq!(inputs(&network), [vec![0], vec![1], vec![2], vec![3], vec![2], vec![2, 4, 5]]);
    assert_eq!((network.inputs(), network.output()), (&[ValueId(0)][..], ValueId(6)));
    assert_eq!(network.shapes(), [Shape::new(2, 3, 3); 7]);
    assert_eq!(network.parameter("blend1.weight").unwrap().value.shape(), [3]);
}

#[test]
fn joins_nest() {
    let network = Network::builder(4)
        .join(Blend, |outer| {
            outer
                .branch(|b| {
                    b.join(Blend, |inner| inner.branch(|b| b.layer("deep", Blend)).branch(|b| b)).then(Blend)
                })
                .branch(|b| b)
        })
        .build()
        .unwrap();
    assert_eq!(names(&network), ["deep", "blend1", "blend2", "blend3"]);
    assert_eq!(inputs(&network), [vec![0], vec![1, 0], vec![2], vec![3, 0]]);
}

#[test]
fn invented_names_keep_out_of_the_way() {
    let builder =
        Network::builder(4).then(Blend).then(Blend).layer("blend2", Blend).layer("x", Blend).then(Blend);
    assert_eq!(names(&builder.build().unwrap()), ["blend1", "blend3", "blend2", "x", "blend4"]);
}

#[test]
fn a_single_operator_is_a_network() {
    let network = Network::from_operator(Box::new(Blend) as Box<dyn Operator>, &[Shape::new(1, 2, 2); 3]);
    let network = network.unwrap();
    assert_eq!((names(&network), parameters(&network)), (vec!["blend"], vec!["blend.weight"]));
    assert_eq!(network.inputs(), [ValueId(0), ValueId(1), ValueId(2)]);
    assert_eq!((network.output(), network.output_shape()), (ValueId(3), Shape::new(1, 2, 2)));
}

#[test]
fn layers_come_as_data_too() {
    let layers = vec![
        Layer::new(Blend, [ValueId(1), ValueId(0)]).named("a"),
        Layer::shared(Box::new(Blend) as Box<dyn Operator>, [ValueId(2)])
            .with_parameter("weight", Tensor::full([1], 5.0)),
        Layer::new(Blend, [ValueId(2), ValueId(3), ValueId(0)]),
    ];
    let network = Network::from_layers(&[Shape::new(1, 2, 2); 2], layers, 3).unwrap();
    assert_eq!(names(&network), ["a", "blend1", "blend2"]);
    assert_eq!(inputs(&network), [vec![1, 0], vec![2], vec![2, 3, 0]]);
    assert_eq!((network.inputs(), network.output()), (&[ValueId(0), ValueId(1)][..], ValueId(4)));
    assert_eq!(network.parameter("blend1.weight").unwrap().value.data(), [5.0]);
    assert_ne!(network.parameter("a.weight").unwrap().value.data(), [0.0; 2]);
}

#[test]
fn the_seed_and_the_name_choose_the_values() {
    let values = |seed| {
        let network = Network::builder(4).layer("a", Blend).layer("b", Blend).seed(seed).build().unwrap();
        let values: Vec<f32> = network.parameters().iter().map(|p| p.value.data()[0]).collect();
        values
    };
    assert_eq!(values(3), values(3));
    let (three, four) = (values(3), values(4));
    assert!(three[0] != three[1] && three[0] != four[0], "{three:?} {four:?}");
}

#[test]
fn freezing_follows_the_dots() {
    let mut network = Network::builder(4)
        .layer("stem.conv1", Blend)
        .layer("stem.conv10", Blend)
        .layer("stems", Blend)
        .build()
        .unwrap();
    let mut frozen = |change: &dyn Fn(&mut Network)| {
        change(&mut network);
        network.parameters().iter().map(|p| !p.trainable).collect::<Vec<_>>()
    };
    assert_eq!(frozen(&|n| n.freeze("stem").unwrap()), [true, true, false]);
    assert_eq!(frozen(&|n| n.unfreeze("stem.conv1").unwrap()), [false, true, false]);
    assert_eq!(frozen(&|n| n.freeze("stems.weight").unwrap()), [false, true, true]);
    assert_eq!(frozen(&|n| n.unfreeze("").unwrap()), [false; 3]);
}

#[test]
fn a_parameter_can_be_replaced() {
    let mut network = branched();
    let value = Tensor::new([3], vec![1.0, 2.0, 3.0]).unwrap();
    network.set_parameter("blend1.weight", value.clone()).unwrap();
    assert_eq!(network.parameter("blend1.weight").unwrap().value, value);
}

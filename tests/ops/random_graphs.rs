//! Random small networks of the registry's operators, each in the middle of others.

use proptest::prelude::*;
use proptest::sample::select;
use wgcnn::gpu::Context;
use wgcnn::network::{Layer, Network, ValueId};
use wgcnn::ops::registry::{Attributes, Build, Entry, REGISTRY};
use wgcnn::ops::{Add, Concat, Conv2d};
use wgcnn::shape::Shape;

use crate::check::check_stable;
use crate::common::draft::Draft;
use crate::common::strategies::drafts_on;
use crate::contexts::contexts;
use crate::random::{check_random, seed};

/// A layer that continues from the one before.
#[derive(Debug, Clone)]
struct Step {
    operator: &'static str,
    draft: Draft,
    /// Whether its output is added to its input, where the shapes allow it, or put behind it.
    join: Join,
}

#[derive(Debug, Clone, Copy)]
enum Join {
    None,
    Add,
    Concat,
}

/// Up to `len` layers that start from a batch of images of this shape.
fn steps(image: [usize; 4], len: usize) -> BoxedStrategy<Vec<Step>> {
    if len == 0 {
        return Just(vec![]).boxed();
    }
    let layers: Vec<&'static Entry> =
        REGISTRY.iter().filter(|entry| matches!(entry.build, Build::Operator(_))).collect();
    let joined: Vec<&'static Entry> = layers.iter().copied().filter(|entry| is_joined(entry)).collect();
    // As many of those that the scheduler joins as of all.
    (prop_oneof![select(layers), select(joined)], select(vec![Join::None, Join::Add, Join::Concat]))
        .prop_flat_map(move |(entry, join)| {
            drafts_on(entry.name, image).prop_map(move |draft| Step { operator: entry.name, draft, join })
        })
        .prop_filter_map("an operator that does not continue", move |step| {
            Some((output(&step, image)?, step))
        })
        .prop_flat_map(move |(next, step)| {
            steps(next, len - 1).prop_map(move |rest| [vec![step.clone()], rest].concat())
        })
        .boxed()
}

/// Whether the scheduler may join a layer of this kind with the one before or after.
fn is_joined(entry: &Entry) -> bool {
    let Build::Operator(build) = entry.build else { return false };
    let default = build(&Attributes::default());
    default.is_ok_and(|operator| operator.pointwise().is_some() || operator.folds())
}

/// What a step makes of images of this shape, if it takes them.
fn output(step: &Step, image: [usize; 4]) -> Option<[usize; 4]> {
    if step.draft.inputs != [image.to_vec()] {
        return None;
    }
    let case = step.draft.case(entry(step.operator)).ok()?;
    let [batch, channels, height, width] = case.grad_output?.nchw();
    let joined = match join(step.join, image, [batch, channels, height, width]) {
        Join::Concat => channels + image[1],
        _ => channels,
    };
    (joined * height * width <= 500).then_some([batch, joined, height, width])
}

/// How two values of these shapes can be joined, of which the first is an input and the other made of it.
fn join(wanted: Join, before: [usize; 4], after: [usize; 4]) -> Join {
    match wanted {
        Join::Add if before == after => Join::Add,
        Join::Concat if before[2..] == after[2..] => Join::Concat,
        _ => Join::None,
    }
}

fn entry(name: &str) -> &'static Entry {
    wgcnn::ops::registry::find(name).unwrap()
}

/// The network of some steps between two convolutions.
fn network(image: [usize; 4], steps: &[Step]) -> wgcnn::Result<Network> {
    let [_, channels, height, width] = image;
    let mut layers = vec![Layer::new(Conv2d::new(channels, 1), [ValueId(0)]).named("before")];
    let mut shape = image;
    for step in steps {
        let before = ValueId(layers.len());
        let case = step.draft.case(entry(step.operator)).expect("the strategy asked before");
        let Build::Operator(build) = entry(step.operator).build else { continue };
        let operator = build(&case.attributes).expect("the strategy asked before");
        layers.push(Layer::shared(operator, [before]));
        let after = case.grad_output.expect("an operator's case has one").nchw();
        shape = match join(step.join, shape, after) {
            Join::None => after,
            Join::Add => {
                layers.push(Layer::new(Add, [before, ValueId(layers.len())]));
                after
            }
            Join::Concat => {
                layers.push(Layer::new(Concat::default(), [before, ValueId(layers.len())]));
                [after[0], shape[1] + after[1], after[2], after[3]]
            }
        };
    }
    layers.push(Layer::new(Conv2d::new(3, 1), [ValueId(layers.len())]).named("after"));
    Network::from_layers(&[Shape::new(channels, height, width)], layers, 0)
}

/// Checks random networks.
pub fn check(seed: u64, contexts: &[Context]) {
    let graphs = (1..=3_usize, 1..=5_usize, 2..=6_usize, 2..=6_usize, 1..=4_usize).prop_flat_map(
        |(batch, channels, height, width, len)| {
            let image = [batch, channels, height, width];
            steps(image, len).prop_map(move |steps| (image, steps))
        },
    );
    // Each takes dozens of pipelines.
    check_random("random_graphs", seed, 3, graphs, |(image, steps)| {
        let network = network(image, &steps).map_err(|error| TestCaseError::fail(error.to_string()))?;
        check_stable(network, image[0], contexts)
    });
}

#[test]
fn random_networks_are_those_of_the_reference() {
    check(seed(), &contexts()[..1]);
}

//! Random small cases of every operator in the registry: of their attributes and shapes nothing is known but that the
//! operator accepts most of them.

use std::ops::RangeInclusive;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::draft::Draft;

/// Drafts of an operator, some of which it may refuse.
pub fn drafts(operator: &'static str) -> BoxedStrategy<Draft> {
    image().prop_flat_map(move |image| drafts_on(operator, image)).boxed()
}

/// The most elements of an image: as many times the reference is asked what depends on one of them.
const FEW: usize = 200;

/// The shape of a batch of images: single elements, channels that leave pad lanes, more than one quad of them.
fn image() -> impl Strategy<Value = [usize; 4]> {
    let channels = prop_oneof![3 => 1..=6_usize, 1 => select(vec![8, 17])];
    (1..=3_usize, channels, 1..=9_usize, 1..=9_usize)
        .prop_map(<[usize; 4]>::from)
        .prop_filter("few elements", |image| image.iter().product::<usize>() <= FEW)
}

/// Drafts whose first input is a batch of images of this shape, or its channels where the operator takes vectors.
fn drafts_on(operator: &'static str, image: [usize; 4]) -> BoxedStrategy<Draft> {
    let [batch, channels, height, width] = image;
    let images = |attributes: Vec<Attribute>| draft(attributes, vec![image.to_vec()]);
    match operator {
        "add" => {
            (2..=4_usize).prop_flat_map(move |inputs| draft(vec![], vec![image.to_vec(); inputs])).boxed()
        }
        "avg_pool2d" => images([pool(), vec![sometimes("count_include_pad", flag())]].concat()),
        "concat" => prop::collection::vec(1..=5_usize, 1..=4)
            .prop_flat_map(move |channels| {
                draft(vec![], channels.iter().map(|channels| vec![batch, *channels, height, width]).collect())
            })
            .boxed(),
        "conv2d" => {
            let attributes = [window(), vec![sometimes("dilation", pair(1..=3))]].concat();
            (
                images(attributes),
                select(divisors(channels)),
                1..=4_usize,
                [1..=3_usize, 1..=3_usize],
                any::<bool>(),
            )
                .prop_map(move |(draft, groups, out, [kh, kw], bias)| {
                    let out = out * groups;
                    let draft = draft
                        .attribute("groups", groups)
                        .parameter("weight", [out, channels / groups, kh, kw]);
                    if bias { draft.parameter("bias", [out]) } else { draft }
                })
                .boxed()
        }
        "cross_entropy" => images(vec![
            sometimes("reduction", select(vec![json!("mean"), json!("sum")]).boxed()),
            sometimes("label_smoothing", number(&[0.0, 0.1, 1.0])),
            sometimes("class_weight", weights(channels)),
            sometimes("ignore_index", select(vec![json!(-100), json!(0)]).boxed()),
        ]),
        "dropout" => images(vec![sometimes("p", number(&[0.0, 0.25, 0.9]))]),
        "elu" => images(vec![sometimes("alpha", number(&[0.25, 1.0, 2.5]))]),
        "leaky_relu" => images(vec![sometimes("negative_slope", number(&[0.0, 0.01, 0.5]))]),
        "linear" => (draft(vec![], vec![vec![batch, channels, 1, 1]]), 1..=9_usize, any::<bool>())
            .prop_map(move |(draft, out, bias)| {
                let draft = draft.parameter("weight", [out, channels]);
                if bias { draft.parameter("bias", [out]) } else { draft }
            })
            .boxed(),
        "lp_pool2d" => images([pool(), vec![sometimes("p", number(&[1.0, 1.5, 2.0, 3.0, 7.25]))]].concat()),
        "max_pool2d" => images([pool(), vec![sometimes("dilation", pair(1..=2))]].concat()),
        "prelu" => {
            let weight = select(vec![1, channels]);
            (images(vec![]), weight).prop_map(|(draft, len)| draft.parameter("weight", [len])).boxed()
        }
        "sgd" => optimizer(vec![
            sometimes("momentum", number(&[0.0, 0.5, 0.9])),
            sometimes("dampening", number(&[0.0, 0.25])),
            sometimes("weight_decay", number(&[0.0, 0.01])),
            sometimes("nesterov", flag()),
        ]),
        _ => images(vec![]),
    }
}

/// An optimizer's drafts: a parameter, and its gradients in some steps.
fn optimizer(attributes: Vec<Attribute>) -> BoxedStrategy<Draft> {
    let rate = always("lr", number(&[1e-3, 0.1]));
    (1..=40_usize, 1..=4_usize)
        .prop_flat_map(move |(len, steps)| {
            draft([attributes.clone(), vec![rate.clone()]].concat(), vec![vec![len], vec![steps, len]])
        })
        .boxed()
}

fn draft(attributes: Vec<Attribute>, inputs: Vec<Vec<usize>>) -> BoxedStrategy<Draft> {
    let (names, values): (Vec<_>, Vec<_>) = attributes.into_iter().unzip();
    (values, select(vec![1.0, 8.0]), 0..1_000_u64)
        .prop_map(move |(values, scale, salt)| {
            let draft = Draft { scale, salt, ..Draft::new(inputs.clone()) };
            let present = names.iter().zip(values).filter_map(|(name, value)| Some((name, value?)));
            present.fold(draft, |draft, (name, value)| draft.attribute(name, value))
        })
        .boxed()
}

/// An attribute's name, and its values or that it is absent.
type Attribute = (&'static str, BoxedStrategy<Option<Value>>);

fn always(name: &'static str, values: BoxedStrategy<Value>) -> Attribute {
    (name, values.prop_map(Some).boxed())
}

/// Absent now and then, so that the default is seen.
fn sometimes(name: &'static str, values: BoxedStrategy<Value>) -> Attribute {
    (name, prop::option::weighted(0.75, values).boxed())
}

fn pool() -> Vec<Attribute> {
    [window(), vec![always("kernel", pair(1..=4)), sometimes("ceil_mode", flag())]].concat()
}

fn window() -> Vec<Attribute> {
    let sides = [0..=2_usize, 0..=2, 0..=2, 0..=2].prop_map(|sides| json!(sides)).boxed();
    vec![sometimes("stride", pair(1..=3)), sometimes("padding", sides), sometimes("strict", flag())]
}

fn pair(range: RangeInclusive<usize>) -> BoxedStrategy<Value> {
    [range.clone(), range].prop_map(|pair| json!(pair)).boxed()
}

fn flag() -> BoxedStrategy<Value> {
    any::<bool>().prop_map(Value::from).boxed()
}

fn number(values: &'static [f64]) -> BoxedStrategy<Value> {
    select(values).prop_map(Value::from).boxed()
}

fn weights(len: usize) -> BoxedStrategy<Value> {
    prop::collection::vec(select(vec![0.25, 1.0, 2.0]), len).prop_map(Value::from).boxed()
}

fn divisors(number: usize) -> Vec<usize> {
    (1..=number).filter(|divisor| number.is_multiple_of(*divisor)).collect()
}

//! Random small cases of every operator in the registry: of their attributes and shapes nothing is known but that the
//! operator accepts most of them.

use std::ops::RangeInclusive;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use wgcnn::Tensor;

use super::case::Case;
use super::draft::Draft;

/// Whether a case has so few elements that the reference can be asked what depends on each.
pub fn is_small(case: &Case) -> bool {
    let tensors = case.inputs.iter().chain(case.parameters.values()).chain(&case.grad_output);
    tensors.map(Tensor::len).sum::<usize>() <= 500
}

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
pub fn drafts_on(operator: &'static str, image: [usize; 4]) -> BoxedStrategy<Draft> {
    let [batch, channels, height, width] = image;
    let images = |attributes: Vec<Attribute>| draft(attributes, vec![image.to_vec()]);
    // Two values with the mean 0 and the variance 1 are -1 and 1 whatever they were: there must be more.
    let enough = if height * width >= 4 { image } else { [batch, channels, height + 1, width + 1] };
    let normalized = |attributes| draft(attributes, vec![enough.to_vec()]);
    match operator {
        "adam" | "adamw" => optimizer(vec![
            sometimes("betas", select(vec![json!([0.9, 0.999]), json!([0.5, 0.75])]).boxed()),
            sometimes("eps", number(&[1e-8, 1e-3])),
            sometimes("weight_decay", number(&[0.0, 0.01])),
            sometimes("amsgrad", flag()),
        ]),
        "adaptive_avg_pool2d" | "adaptive_max_pool2d" => images(vec![always("output_size", pair(1..=5))]),
        "add" => {
            (2..=4_usize).prop_flat_map(move |inputs| draft(vec![], vec![image.to_vec(); inputs])).boxed()
        }
        "avg_pool2d" => images([pool(), vec![sometimes("count_include_pad", flag())]].concat()),
        "batch_norm" => {
            let attributes = vec![sometimes("eps", eps()), sometimes("momentum", number(&[0.0, 0.1, 1.0]))];
            (normalized(attributes), any::<bool>())
                .prop_map(|(draft, training)| Draft { training, ..draft })
                .prop_flat_map(move |draft| affine(draft, channels))
                .boxed()
        }
        "bce_with_logits" => images(vec![reduction(), sometimes("pos_weight", weights(channels))]),
        "concat" => (1..=3_usize, prop::collection::vec(1..=5_usize, 1..=4))
            .prop_flat_map(move |(axis, sizes)| {
                let input = |size| {
                    let mut shape = image.to_vec();
                    shape[axis] = size;
                    shape
                };
                draft(vec![axis_is(axis)], sizes.into_iter().map(input).collect())
            })
            .boxed(),
        "conv2d" => {
            let sizes = (select(divisors(channels)), 1..=4_usize, [1..=3_usize, 1..=3_usize]);
            (images([window(2), vec![strict()]].concat()), sizes, any::<bool>())
                .prop_map(move |(draft, (groups, out, [kh, kw]), bias)| {
                    let out = out * groups;
                    let draft = draft.parameter("weight", [out, channels / groups, kh, kw]);
                    with_bias(grouped(draft, groups), bias.then_some(out))
                })
                .boxed()
        }
        "conv_transpose2d" => {
            let attributes = [window(2), vec![sometimes("output_padding", pair(0..=1))]].concat();
            let sizes = (select(divisors(channels)), 1..=4_usize, [1..=3_usize, 1..=3_usize]);
            (images(attributes), sizes, any::<bool>())
                .prop_map(move |(draft, (groups, out, [kh, kw]), bias)| {
                    let draft = draft.parameter("weight", [channels, out, kh, kw]);
                    with_bias(grouped(draft, groups), bias.then_some(out * groups))
                })
                .boxed()
        }
        "crop" => {
            let corner = vec![sometimes("top", whole(0..=2)), sometimes("left", whole(0..=2))];
            let size = vec![always("height", whole(1..=height)), always("width", whole(1..=width))];
            let sides = vec![always("sides", sides(2))];
            prop_oneof![images([corner, size].concat()), images(sides)].boxed()
        }
        "cross_entropy" => {
            let smoothing = sometimes("label_smoothing", number(&[0.0, 0.1, 1.0]));
            images([class_loss(channels), vec![smoothing]].concat())
        }
        "dropout" => images(vec![sometimes("p", number(&[0.0, 0.25, 0.9]))]),
        "elu" => images(vec![sometimes("alpha", number(&[0.25, 1.0, 2.5]))]),
        "giou" => {
            let attributes = vec![reduction(), sometimes("eps", number(&[1e-7, 1e-3]))];
            let boxes = draft(attributes, vec![vec![batch, 4, height, width]]);
            boxes.prop_map(|draft| Draft { boxes: true, ..draft }).boxed()
        }
        "group_norm" => {
            let groups = select(divisors(channels)).prop_map(Value::from).boxed();
            let attributes = vec![always("num_groups", groups), sometimes("eps", eps())];
            normalized(attributes).prop_flat_map(move |draft| affine(draft, channels)).boxed()
        }
        "hard_sigmoid" => {
            images(vec![sometimes("alpha", number(&[0.2, 1.0])), sometimes("beta", number(&[0.25, 0.5]))])
        }
        "hard_tanh" => images(vec![
            sometimes("min_val", number(&[-2.0, 0.25])),
            sometimes("max_val", number(&[0.5, 2.0])),
        ]),
        "l1" | "mse" => images(vec![reduction()]),
        "leaky_relu" => images(vec![sometimes("negative_slope", number(&[0.0, 0.01, 0.5]))]),
        "linear" => (draft(vec![], vec![vec![batch, channels, 1, 1]]), 1..=9_usize, any::<bool>())
            .prop_map(move |(draft, out, bias)| {
                with_bias(draft.parameter("weight", [out, channels]), bias.then_some(out))
            })
            .boxed(),
        "local_response_norm" => images(vec![
            always("size", whole(1..=5)),
            sometimes("before", whole(0..=2)),
            sometimes("alpha", number(&[0.0, 1e-4, 0.5])),
            sometimes("beta", number(&[0.5, 0.75, 1.5])),
            sometimes("k", number(&[1.0, 2.0])),
        ]),
        "log_softmax" | "softmax" => {
            (1..=3_usize).prop_flat_map(move |axis| draft(vec![axis_is(axis)], vec![image.to_vec()])).boxed()
        }
        "lp_pool2d" => images([pool(), vec![sometimes("p", number(&[1.0, 1.5, 2.0, 3.0, 7.25]))]].concat()),
        "max_pool2d" => images(pool()),
        "mul" => broadcast(image),
        "nll_loss" => images(class_loss(channels)),
        "pad2d" => images(vec![
            sometimes("padding", sides(2)),
            sometimes("mode", one_of(&["constant", "reflect", "replicate", "edge"])),
            sometimes("value", number(&[-1.5, 0.5])),
        ]),
        "prelu" => {
            let weight = select(vec![1, channels]);
            (images(vec![]), weight).prop_map(|(draft, len)| draft.parameter("weight", [len])).boxed()
        }
        "reshape" => {
            let shapes = vec![
                json!([width, channels, height]),
                json!([-1, height, channels]),
                json!([channels * height, 1, -1]),
            ];
            images(vec![always("shape", select(shapes).boxed())])
        }
        "rmsprop" => optimizer(vec![
            sometimes("alpha", number(&[0.0, 0.5, 0.99])),
            sometimes("eps", number(&[1e-8, 1e-3])),
            sometimes("weight_decay", number(&[0.0, 0.01])),
            sometimes("momentum", number(&[0.0, 0.5])),
            sometimes("centered", flag()),
        ]),
        "sgd" => optimizer(vec![
            sometimes("momentum", number(&[0.0, 0.5, 0.9])),
            sometimes("dampening", number(&[0.0, 0.25])),
            sometimes("weight_decay", number(&[0.0, 0.01])),
            sometimes("nesterov", flag()),
        ]),
        "sigmoid_focal" => images(vec![
            reduction(),
            sometimes("alpha", number(&[-1.0, 0.25, 1.0])),
            sometimes("gamma", number(&[0.0, 0.5, 2.0])),
        ]),
        "smooth_l1" => images(vec![reduction(), sometimes("beta", number(&[0.0, 0.11, 1.0]))]),
        "softplus" => images(vec![
            sometimes("beta", number(&[0.25, 3.0])),
            sometimes("threshold", number(&[1.5, 20.0])),
        ]),
        "split" => (1..=3_usize, prop::collection::vec(1..=5_usize, 1..=3))
            .prop_flat_map(move |(axis, sizes)| {
                let mut input = image.to_vec();
                input[axis] = sizes.iter().sum();
                let index = sometimes("index", whole(0..=sizes.len() - 1));
                draft(vec![axis_is(axis), always("sizes", Just(json!(sizes)).boxed()), index], vec![input])
            })
            .boxed(),
        "upsample_bilinear2d" => {
            let corners = sometimes("align_corners", flag());
            let [size, scale] = resize();
            prop_oneof![images(vec![size, corners.clone()]), images(vec![scale, corners])].boxed()
        }
        "upsample_nearest2d" => {
            let coordinates = ["asymmetric", "half_pixel", "tf_half_pixel_for_nn", "align_corners"];
            let modes = ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"];
            let onnx = vec![
                sometimes("coordinate_transformation_mode", one_of(&coordinates)),
                sometimes("nearest_mode", one_of(&modes)),
            ];
            let [size, scale] = resize().map(|size| [vec![size], onnx.clone()].concat());
            prop_oneof![images(size), images(scale)].boxed()
        }
        _ => images(vec![]),
    }
}

/// Two inputs, of which either may have one channel, row or column where the other has several.
fn broadcast(image: [usize; 4]) -> BoxedStrategy<Draft> {
    let [batch, ..] = image;
    let operand = move |repeated: [bool; 3]| -> Vec<usize> {
        let size = |(size, repeated): (usize, bool)| if repeated { 1 } else { size };
        [batch].into_iter().chain(image[1..].iter().copied().zip(repeated).map(size)).collect()
    };
    (any::<[bool; 3]>(), any::<[bool; 3]>())
        .prop_flat_map(move |(left, right)| draft(vec![], vec![operand(left), operand(right)]))
        .boxed()
}

fn grouped(draft: Draft, groups: usize) -> Draft {
    if groups == 1 { draft } else { draft.attribute("groups", groups) }
}

fn with_bias(draft: Draft, len: Option<usize>) -> Draft {
    match len {
        Some(len) => draft.parameter("bias", [len]),
        None => draft,
    }
}

/// With or without a scale and a shift for each channel.
fn affine(draft: Draft, channels: usize) -> BoxedStrategy<Draft> {
    let with = draft.clone().parameter("weight", [channels]).parameter("bias", [channels]);
    select(vec![draft, with]).boxed()
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

/// The padding is at most half the kernel: 1 fits but for a kernel of 1.
fn pool() -> Vec<Attribute> {
    let side = || prop_oneof![5 => 2..=4_usize, 1 => Just(1)];
    let kernel = [side(), side()].prop_map(|kernel| json!(kernel)).boxed();
    [window(1), vec![always("kernel", kernel), sometimes("ceil_mode", flag()), strict()]].concat()
}

fn window(padding: usize) -> Vec<Attribute> {
    vec![
        sometimes("stride", pair(1..=3)),
        sometimes("padding", sides(padding)),
        sometimes("dilation", pair(1..=2)),
    ]
}

/// Mostly off: few strides leave nothing uncovered.
fn strict() -> Attribute {
    (
        "strict",
        prop_oneof![5 => Just(None), 1 => any::<bool>().prop_map(|strict| Some(json!(strict)))].boxed(),
    )
}

/// The size that an image is brought to, or by how much it grows.
fn resize() -> [Attribute; 2] {
    [always("size", pair(1..=9)), always("scale", pair(1..=3))]
}

fn axis_is(axis: usize) -> Attribute {
    let values = Just(Value::from(axis)).boxed();
    if axis == 1 { sometimes("axis", values) } else { always("axis", values) }
}

fn eps() -> BoxedStrategy<Value> {
    number(&[1e-5, 1e-2])
}

/// Top, left, bottom, right.
fn sides(most: usize) -> BoxedStrategy<Value> {
    [0..=most, 0..=most, 0..=most, 0..=most].prop_map(|sides| json!(sides)).boxed()
}

fn whole(range: RangeInclusive<usize>) -> BoxedStrategy<Value> {
    range.prop_map(Value::from).boxed()
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

fn reduction() -> Attribute {
    sometimes("reduction", one_of(&["mean", "sum"]))
}

/// What the losses of class labels have in common.
fn class_loss(classes: usize) -> Vec<Attribute> {
    vec![
        reduction(),
        sometimes("class_weight", weights(classes)),
        sometimes("ignore_index", select(vec![json!(-100), json!(0)]).boxed()),
    ]
}

fn one_of(words: &[&str]) -> BoxedStrategy<Value> {
    select(words.iter().map(|word| json!(word)).collect::<Vec<_>>()).boxed()
}

fn weights(len: usize) -> BoxedStrategy<Value> {
    prop::collection::vec(select(vec![0.25, 1.0, 2.0]), len).prop_map(Value::from).boxed()
}

fn divisors(number: usize) -> Vec<usize> {
    (1..=number).filter(|divisor| number.is_multiple_of(*divisor)).collect()
}

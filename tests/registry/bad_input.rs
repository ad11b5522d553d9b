//! What an operator cannot do it refuses, and says what it got and what would have been accepted.
//!
//! Values of another type and unknown attributes are in `attributes.rs`, since what is to be said of them follows from
//! the registry. What only a program can pass in is in the tests of the networks, the trainer and the operators.

use wgcnn::ops::registry::{Attributes, Build, REGISTRY, find};
use wgcnn::shape::Shape;

use crate::common::sample::sample;

/// A layer, loss or optimizer that is refused.
struct Bad {
    operator: &'static str,
    /// JSON.
    attributes: &'static str,
    /// The shapes of the parameters that it is made from.
    parameters: &'static [(&'static str, &'static [usize])],
    /// Channels, height and width of the inputs.
    inputs: &'static [[usize; 3]],
    says: &'static str,
}

const fn bad(
    operator: &'static str,
    attributes: &'static str,
    parameters: &'static [(&'static str, &'static [usize])],
    inputs: &'static [[usize; 3]],
    says: &'static str,
) -> Bad {
    Bad { operator, attributes, parameters, inputs, says }
}

/// Operator, attributes, parameters, inputs, and the message.
#[rustfmt::skip]
const TABLE: &[Bad] = &[
    bad("adam", r#"{"lr": -0.1}"#, &[], &[], ""),
    bad("adam", r#"{"lr": 1e39}"#, &[], &[], ""),
    bad("adam", r#"{"betas": [0.9]}"#, &[], &[], ""),
    bad("adam", r#"{"betas": [1.0, 0.999]}"#, &[], &[], ""),
    bad("adam", r#"{"betas": [0.9, -0.1]}"#, &[], &[], ""),
    bad("adam", r#"{"eps": 0.0}"#, &[], &[], ""),
    bad("adam", r#"{"weight_decay": -1.0}"#, &[], &[], ""),
    bad("adamw", r#"{"lr": -0.1}"#, &[], &[], ""),
    bad("adamw", r#"{"lr": 1e39}"#, &[], &[], ""),
    bad("adamw", r#"{"betas": [0.9]}"#, &[], &[], ""),
    bad("adamw", r#"{"betas": [1.0, 0.999]}"#, &[], &[], ""),
    bad("adamw", r#"{"betas": [0.9, -0.1]}"#, &[], &[], ""),
    bad("adamw", r#"{"eps": 0.0}"#, &[], &[], ""),
    bad("adamw", r#"{"weight_decay": -1.0}"#, &[], &[], ""),
    bad("add", r#"{}"#, &[], &[], ""),
    bad("add", r#"{}"#, &[], &[[3, 5, 4]], ""),
    bad("add", r#"{}"#, &[], &[[3, 5, 4], [2, 5, 4]], ""),
    bad("add", r#"{}"#, &[], &[[3, 5, 4], [3, 5, 2]], ""),
    bad("add", r#"{}"#, &[], &[[3, 5, 4], [3, 5, 4], [3, 1, 1]], ""),
    bad("avg_pool2d", r#"{}"#, &[], &[[3, 5, 4]], ""),
    bad("avg_pool2d", r#"{"kernel": [0, 3]}"#, &[], &[[3, 5, 4]], ""),
    bad("avg_pool2d", r#"{"kernel": [3]}"#, &[], &[[3, 5, 4]], ""),
    bad("avg_pool2d", r#"{"kernel": [3, 3], "stride": [1, 0]}"#, &[], &[[3, 5, 4]], ""),
    bad("avg_pool2d", r#"{"kernel": [3, 3], "dilation": [0, 1]}"#, &[], &[[3, 5, 4]], ""),
    bad("avg_pool2d", r#"{"kernel": [3, 3], "stride": [70000, 1]}"#, &[], &[[3, 5, 4]], ""),
    bad("avg_pool2d", r#"{"kernel": [3, 3], "padding": [0, 0, 0, 70000]}"#, &[], &[[3, 5, 4]], ""),
    bad("avg_pool2d", r#"{"kernel": [3, 3], "dilation": [1, 2], "padding": [0, 0, 0, 0]}"#, &[], &[[3, 5, 4]], ""),
    bad("avg_pool2d", r#"{"kernel": [3, 3], "stride": [1, 2], "strict": true}"#, &[], &[[3, 5, 4]], ""),
    bad("avg_pool2d", r#"{"kernel": [3, 3], "padding": [1, 1]}"#, &[], &[[3, 5, 4]], ""),
    bad("avg_pool2d", r#"{"kernel": [3, 2], "padding": [2, 0, 0, 0]}"#, &[], &[[3, 5, 4]], ""),
    bad("avg_pool2d", r#"{"kernel": [200, 200]}"#, &[], &[[3, 200, 200]], ""),
    bad("batch_norm", r#"{"eps": -1e-5}"#, &[], &[[3, 5, 4]], ""),
    bad("batch_norm", r#"{"eps": 1e39}"#, &[], &[[3, 5, 4]], ""),
    bad("batch_norm", r#"{"momentum": 1.5}"#, &[], &[[3, 5, 4]], ""),
    bad("batch_norm", r#"{}"#, &[], &[[3, 1, 1]], ""),
    bad("concat", r#"{}"#, &[], &[], ""),
    bad("concat", r#"{}"#, &[], &[[3, 5, 4], [3, 5, 3]], ""),
    bad("concat", r#"{"axis": 2}"#, &[], &[[3, 5, 4], [2, 5, 4]], ""),
    bad("concat", r#"{"axis": 0}"#, &[], &[[3, 5, 4]], ""),
    bad("concat", r#"{"axis": 4}"#, &[], &[[3, 5, 4]], ""),
    bad("conv2d", r#"{}"#, &[], &[[3, 5, 4]], ""),
    bad("conv2d", r#"{}"#, &[("weight", &[4, 3, 3])], &[[3, 5, 4]], ""),
    bad("conv2d", r#"{}"#, &[("weight", &[0, 3, 3, 3])], &[[3, 5, 4]], ""),
    bad("conv2d", r#"{"groups": 0}"#, &[("weight", &[4, 3, 3, 3])], &[[3, 5, 4]], ""),
    bad("conv2d", r#"{"groups": 4}"#, &[("weight", &[4, 6, 3, 3])], &[[6, 5, 4]], ""),
    bad("conv2d", r#"{"groups": 2}"#, &[("weight", &[2, 2, 180, 180])], &[[4, 200, 200]], ""),
    bad("conv2d", r#"{"stride": [1, 0]}"#, &[("weight", &[4, 3, 3, 3])], &[[3, 5, 4]], ""),
    bad("conv2d", r#"{"dilation": [0, 1]}"#, &[("weight", &[4, 3, 3, 3])], &[[3, 5, 4]], ""),
    bad("conv2d", r#"{"stride": [70000, 1]}"#, &[("weight", &[4, 3, 3, 3])], &[[3, 5, 4]], ""),
    bad("conv2d", r#"{"padding": [0, 0, 0, 70000]}"#, &[("weight", &[4, 3, 3, 3])], &[[3, 5, 4]], ""),
    bad("conv2d", r#"{"dilation": [1, 2], "padding": [0, 0, 0, 0]}"#, &[("weight", &[4, 3, 3, 3])], &[[3, 5, 4]], ""),
    bad("conv2d", r#"{"stride": [1, 2], "strict": true}"#, &[("weight", &[4, 3, 3, 3])], &[[3, 5, 4]], ""),
    bad("conv2d", r#"{"padding": [1, 1]}"#, &[("weight", &[4, 3, 3, 3])], &[[3, 5, 4]], ""),
    bad("crop", r#"{}"#, &[], &[[3, 5, 4]], ""),
    bad("crop", r#"{"height": 2}"#, &[], &[[3, 5, 4]], ""),
    bad("crop", r#"{"height": 0, "width": 2}"#, &[], &[[3, 5, 4]], ""),
    bad("crop", r#"{"height": 6, "width": 2}"#, &[], &[[3, 5, 4]], ""),
    bad("crop", r#"{"height": 2, "width": 2, "left": 3}"#, &[], &[[3, 5, 4]], ""),
    bad("crop", r#"{"sides": [1, 2]}"#, &[], &[[3, 5, 4]], ""),
    bad("crop", r#"{"sides": [1, 1, 4, 1]}"#, &[], &[[3, 5, 4]], ""),
    bad("cross_entropy", r#"{"reduction": "none"}"#, &[], &[[3, 5, 4]], ""),
    bad("cross_entropy", r#"{"label_smoothing": 1.5}"#, &[], &[[3, 5, 4]], ""),
    bad("cross_entropy", r#"{"class_weight": [1, 2]}"#, &[], &[[3, 5, 4]], ""),
    bad("cross_entropy", r#"{"class_weight": [1, -1, 1]}"#, &[], &[[3, 5, 4]], ""),
    bad("cross_entropy", r#"{"ignore_index": 4294967296}"#, &[], &[[3, 5, 4]], ""),
    bad("cross_entropy", r#"{}"#, &[], &[[200000, 1, 1]], ""),
    bad("dropout", r#"{"p": 1.0}"#, &[], &[[3, 5, 4]], ""),
    bad("dropout", r#"{"p": -0.1}"#, &[], &[[3, 5, 4]], ""),
    bad("elu", r#"{"alpha": -1.0}"#, &[], &[[3, 5, 4]], ""),
    bad("elu", r#"{"alpha": 1e39}"#, &[], &[[3, 5, 4]], ""),
    bad("group_norm", r#"{}"#, &[], &[[3, 5, 4]], ""),
    bad("group_norm", r#"{"num_groups": 0}"#, &[], &[[3, 5, 4]], ""),
    bad("group_norm", r#"{"num_groups": 2}"#, &[], &[[3, 5, 4]], ""),
    bad("group_norm", r#"{"num_groups": 1, "eps": -1.0}"#, &[], &[[3, 5, 4]], ""),
    bad("group_norm", r#"{"num_groups": 1}"#, &[], &[[100000, 1, 1]], ""),
    bad("hard_sigmoid", r#"{"alpha": 1e39}"#, &[], &[[3, 5, 4]], ""),
    bad("hard_sigmoid", r#"{"beta": -1e39}"#, &[], &[[3, 5, 4]], ""),
    bad("leaky_relu", r#"{"negative_slope": 1e39}"#, &[], &[[3, 5, 4]], ""),
    bad("linear", r#"{}"#, &[], &[[3, 1, 1]], ""),
    bad("linear", r#"{}"#, &[("weight", &[3])], &[[3, 1, 1]], ""),
    bad("linear", r#"{}"#, &[("weight", &[0, 3])], &[[3, 1, 1]], ""),
    bad("linear", r#"{}"#, &[("weight", &[2, 60])], &[[3, 5, 4]], ""),
    bad("lp_pool2d", r#"{"kernel": [2, 2], "p": 0.5}"#, &[], &[[3, 5, 4]], ""),
    bad("lp_pool2d", r#"{"kernel": [2, 2], "p": 1e39}"#, &[], &[[3, 5, 4]], ""),
    bad("lp_pool2d", r#"{}"#, &[], &[[3, 5, 4]], ""),
    bad("lp_pool2d", r#"{"kernel": [0, 3]}"#, &[], &[[3, 5, 4]], ""),
    bad("lp_pool2d", r#"{"kernel": [3]}"#, &[], &[[3, 5, 4]], ""),
    bad("lp_pool2d", r#"{"kernel": [3, 3], "stride": [1, 0]}"#, &[], &[[3, 5, 4]], ""),
    bad("lp_pool2d", r#"{"kernel": [3, 3], "dilation": [0, 1]}"#, &[], &[[3, 5, 4]], ""),
    bad("lp_pool2d", r#"{"kernel": [3, 3], "stride": [70000, 1]}"#, &[], &[[3, 5, 4]], ""),
    bad("lp_pool2d", r#"{"kernel": [3, 3], "padding": [0, 0, 0, 70000]}"#, &[], &[[3, 5, 4]], ""),
    bad("lp_pool2d", r#"{"kernel": [3, 3], "dilation": [1, 2], "padding": [0, 0, 0, 0]}"#, &[], &[[3, 5, 4]], ""),
    bad("lp_pool2d", r#"{"kernel": [3, 3], "stride": [1, 2], "strict": true}"#, &[], &[[3, 5, 4]], ""),
    bad("lp_pool2d", r#"{"kernel": [3, 3], "padding": [1, 1]}"#, &[], &[[3, 5, 4]], ""),
    bad("lp_pool2d", r#"{"kernel": [3, 2], "padding": [2, 0, 0, 0]}"#, &[], &[[3, 5, 4]], ""),
    bad("lp_pool2d", r#"{"kernel": [200, 200]}"#, &[], &[[3, 200, 200]], ""),
    bad("max_pool2d", r#"{}"#, &[], &[[3, 5, 4]], ""),
    bad("max_pool2d", r#"{"kernel": [0, 3]}"#, &[], &[[3, 5, 4]], ""),
    bad("max_pool2d", r#"{"kernel": [3]}"#, &[], &[[3, 5, 4]], ""),
    bad("max_pool2d", r#"{"kernel": [3, 3], "stride": [1, 0]}"#, &[], &[[3, 5, 4]], ""),
    bad("max_pool2d", r#"{"kernel": [3, 3], "dilation": [0, 1]}"#, &[], &[[3, 5, 4]], ""),
    bad("max_pool2d", r#"{"kernel": [3, 3], "stride": [70000, 1]}"#, &[], &[[3, 5, 4]], ""),
    bad("max_pool2d", r#"{"kernel": [3, 3], "padding": [0, 0, 0, 70000]}"#, &[], &[[3, 5, 4]], ""),
    bad("max_pool2d", r#"{"kernel": [3, 3], "dilation": [1, 2], "padding": [0, 0, 0, 0]}"#, &[], &[[3, 5, 4]], ""),
    bad("max_pool2d", r#"{"kernel": [3, 3], "stride": [1, 2], "strict": true}"#, &[], &[[3, 5, 4]], ""),
    bad("max_pool2d", r#"{"kernel": [3, 3], "padding": [1, 1]}"#, &[], &[[3, 5, 4]], ""),
    bad("max_pool2d", r#"{"kernel": [3, 2], "padding": [2, 0, 0, 0]}"#, &[], &[[3, 5, 4]], ""),
    bad("max_pool2d", r#"{"kernel": [200, 200]}"#, &[], &[[3, 200, 200]], ""),
    bad("mul", r#"{}"#, &[], &[[3, 5, 4]], ""),
    bad("mul", r#"{}"#, &[], &[[3, 5, 4], [2, 5, 4]], ""),
    bad("pad2d", r#"{"padding": [0, 0]}"#, &[], &[[3, 5, 4]], ""),
    bad("pad2d", r#"{"mode": "wrap"}"#, &[], &[[3, 5, 4]], ""),
    bad("pad2d", r#"{"mode": "reflect", "padding": [0, 4, 0, 0]}"#, &[], &[[3, 5, 4]], ""),
    bad("pad2d", r#"{"padding": [0, 0, 100000, 0]}"#, &[], &[[3, 5, 4]], ""),
    bad("pad2d", r#"{"mode": "edge", "padding": [400, 400, 0, 0]}"#, &[], &[[3, 5, 4]], ""),
    bad("pad2d", r#"{"value": 1e39}"#, &[], &[[3, 5, 4]], ""),
    bad("prelu", r#"{}"#, &[], &[[3, 5, 4]], ""),
    bad("prelu", r#"{}"#, &[("weight", &[3, 1])], &[[3, 5, 4]], ""),
    bad("prelu", r#"{}"#, &[("weight", &[2])], &[[3, 5, 4]], ""),
    bad("reshape", r#"{}"#, &[], &[[3, 5, 4]], ""),
    bad("reshape", r#"{"shape": [3, 20]}"#, &[], &[[3, 5, 4]], ""),
    bad("reshape", r#"{"shape": [3, -2, 4]}"#, &[], &[[3, 5, 4]], ""),
    bad("reshape", r#"{"shape": [3, -1, -1]}"#, &[], &[[3, 5, 4]], ""),
    bad("reshape", r#"{"shape": [3, 5, 5]}"#, &[], &[[3, 5, 4]], ""),
    bad("reshape", r#"{"shape": [7, -1, 1]}"#, &[], &[[3, 5, 4]], ""),
    bad("rmsprop", r#"{"lr": -1.0}"#, &[], &[], ""),
    bad("rmsprop", r#"{"alpha": 1.0}"#, &[], &[], ""),
    bad("rmsprop", r#"{"eps": 0.0}"#, &[], &[], ""),
    bad("rmsprop", r#"{"weight_decay": -1.0}"#, &[], &[], ""),
    bad("rmsprop", r#"{"momentum": 1.0}"#, &[], &[], ""),
    bad("sgd", r#"{"lr": 1e39}"#, &[], &[], ""),
    bad("sgd", r#"{"momentum": 1.0}"#, &[], &[], ""),
    bad("sgd", r#"{"dampening": -0.5}"#, &[], &[], ""),
    bad("sgd", r#"{"weight_decay": -1.0}"#, &[], &[], ""),
    bad("sgd", r#"{"nesterov": true}"#, &[], &[], ""),
    bad("sgd", r#"{"nesterov": true, "momentum": 0.9, "dampening": 0.1}"#, &[], &[], ""),
    bad("softplus", r#"{"beta": 0.0}"#, &[], &[[3, 5, 4]], ""),
    bad("softplus", r#"{"threshold": 1e39}"#, &[], &[[3, 5, 4]], ""),
    bad("split", r#"{}"#, &[], &[[3, 5, 4]], ""),
    bad("split", r#"{"sizes": [1, 1]}"#, &[], &[[3, 5, 4]], ""),
    bad("split", r#"{"sizes": [3, 0]}"#, &[], &[[3, 5, 4]], ""),
    bad("split", r#"{"sizes": [1, 2], "index": 2}"#, &[], &[[3, 5, 4]], ""),
    bad("split", r#"{"sizes": [1, 2], "axis": 0}"#, &[], &[[3, 5, 4]], ""),
    bad("split", r#"{"sizes": [2, 2], "axis": 2}"#, &[], &[[3, 5, 4]], ""),
    bad("upsample_bilinear2d", r#"{}"#, &[], &[[3, 5, 4]], ""),
    bad("upsample_bilinear2d", r#"{"size": [8, 8], "scale": [2, 2]}"#, &[], &[[3, 5, 4]], ""),
    bad("upsample_bilinear2d", r#"{"size": [8]}"#, &[], &[[3, 5, 4]], ""),
    bad("upsample_bilinear2d", r#"{"scale": [2, 0]}"#, &[], &[[3, 5, 4]], ""),
    bad("upsample_bilinear2d", r#"{"size": [8, 40000]}"#, &[], &[[3, 5, 4]], ""),
    bad("upsample_nearest2d", r#"{}"#, &[], &[[3, 5, 4]], ""),
    bad("upsample_nearest2d", r#"{"size": [8, 8], "scale": [2, 2]}"#, &[], &[[3, 5, 4]], ""),
    bad("upsample_nearest2d", r#"{"size": [8]}"#, &[], &[[3, 5, 4]], ""),
    bad("upsample_nearest2d", r#"{"scale": [2, 0]}"#, &[], &[[3, 5, 4]], ""),
    bad("upsample_nearest2d", r#"{"size": [8, 40000]}"#, &[], &[[3, 5, 4]], ""),
];

impl Bad {
    /// What the operator says, if it refuses.
    fn refusal(&self) -> Option<String> {
        let entry = find(self.operator)?;
        let attributes = Attributes::from_json(self.attributes).unwrap();
        let with =
            |attributes: Attributes, (name, shape): &(&str, &[usize])| attributes.with_parameter(name, shape);
        let attributes = self.parameters.iter().fold(attributes, with);
        let inputs: Vec<Shape> = self.inputs.iter().copied().map(Shape::from).collect();
        let accepted = match entry.build {
            Build::Operator(build) => build(&attributes).and_then(|operator| {
                operator.output_shape(&inputs)?;
                operator.check_training(&inputs, 1)
            }),
            Build::Loss(build) => build(&attributes).and_then(|loss| loss.check(inputs[0])),
            Build::Optimizer(build) => {
                build(&attributes).and_then(|optimizer| optimizer.check().map_err(|e| e.to_string()))
            }
        };
        accepted.err()
    }
}

#[test]
fn every_refusal_says_what_is_wrong() {
    let wrong = TABLE.iter().enumerate().filter_map(|(k, bad)| {
        let got = bad.refusal().unwrap_or_else(|| "nothing".into());
        (got != bad.says)
            .then(|| format!("{} {} {:?}\nGOT {k} {got}", bad.operator, bad.attributes, bad.inputs))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Whatever can be set can be set wrongly.
#[test]
fn every_name_with_attributes_has_a_refusal() {
    for entry in REGISTRY {
        let cases = sample(entry).unwrap();
        let knows = cases.iter().filter_map(|draft| draft.case(entry).ok());
        if knows.flat_map(|case| case.attributes.asked()).next().is_some() {
            assert!(TABLE.iter().any(|bad| bad.operator == entry.name), "{} has no row", entry.name);
        }
    }
}

/// No operator runs without an input.
#[test]
fn no_input_is_refused() {
    for entry in REGISTRY {
        let Build::Operator(build) = entry.build else { continue };
        let cases = sample(entry).unwrap();
        let case = cases.iter().find_map(|draft| draft.case(entry).ok()).unwrap();
        let message = build(&case.attributes).unwrap().output_shape(&[]).unwrap_err();
        assert!(message.contains("got none") || message.contains("got 0"), "{}: {message}", entry.name);
    }
}

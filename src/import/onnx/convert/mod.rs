//! Nodes to layers: one list of ONNX's operators, and a converter for each.

use super::importer::{Importer, Op, Value};
use super::node::Node;
use super::optimizer::{self, is_optimizer};
use super::proto::NodeProto;
use crate::ops::Refusal;

mod activation;
mod arithmetic;
mod constant;
mod join;
mod loss;
mod matrix;
mod normalise;
mod pad;
mod pool;
mod resize;
mod shape;
mod softmax;
mod window;

/// What a converter gives: the node's outputs in their order, `None` for one that nobody reads. What is missing
/// at the end cannot be computed.
type Outputs = Result<Vec<Option<Value>>, Refusal>;

/// An operator of ONNX.
struct Entry {
    name: &'static str,
    /// The inputs that are parameters or settings.
    constants: &'static [usize],
    /// The input that holds the labels of a loss.
    target: Option<usize>,
    conversion: Conversion,
}

/// How a node becomes layers.
enum Conversion {
    /// An operator of one input that changes no shape: its name here, and its numbers, each by ONNX's name, the
    /// name here, and ONNX's default.
    Elementwise(&'static str, &'static [(&'static str, &'static str, f32)]),
    /// Whatever this does.
    With(fn(&Node<'_>, &mut Importer<'_>) -> Outputs),
}
use Conversion::{Elementwise, With};

const fn entry(name: &'static str, conversion: Conversion) -> Entry {
    Entry { name, constants: &[], target: None, conversion }
}

impl Entry {
    const fn constants(self, constants: &'static [usize]) -> Self {
        Self { constants, ..self }
    }

    const fn target(self, target: usize) -> Self {
        Self { target: Some(target), ..self }
    }
}

/// All that can be imported, in alphabetical order.
const OPERATORS: &[Entry] = &[
    entry("Add", With(arithmetic::add)),
    entry("AveragePool", With(pool::average)),
    entry("BatchNormalization", With(normalise::batch)).constants(&[1, 2, 3, 4]),
    entry("Clip", With(activation::clip)).constants(&[1, 2]),
    entry("Concat", With(join::concat)),
    entry("Constant", With(constant::constant)),
    entry("Conv", With(window::conv)).constants(&[1, 2]),
    entry("ConvTranspose", With(window::conv_transpose)).constants(&[1, 2]),
    entry("Dropout", With(shape::dropout)).constants(&[1, 2]),
    entry("Elu", Elementwise("elu", &[("alpha", "alpha", 1.0)])),
    entry("Flatten", With(shape::flatten)),
    entry("Gelu", With(activation::gelu)),
    entry("Gemm", With(matrix::gemm)).constants(&[1, 2]),
    entry("GlobalAveragePool", With(pool::global_average)),
    entry("GlobalLpPool", With(pool::global_lp)),
    entry("GlobalMaxPool", With(pool::global_max)),
    entry("HardSigmoid", Elementwise("hard_sigmoid", &[("alpha", "alpha", 0.2), ("beta", "beta", 0.5)])),
    entry("HardSwish", Elementwise("hard_swish", &[])),
    entry("Identity", With(constant::identity)),
    entry("LRN", With(normalise::local_response)),
    entry("LeakyRelu", Elementwise("leaky_relu", &[("alpha", "negative_slope", 0.01)])),
    entry("LogSoftmax", With(softmax::log_softmax)),
    entry("LpPool", With(pool::lp)),
    entry("MatMul", With(matrix::matmul)).constants(&[1]),
    entry("MaxPool", With(pool::max)),
    entry("Mul", With(arithmetic::mul)),
    entry("NegativeLogLikelihoodLoss", With(loss::negative_log_likelihood)).constants(&[2]).target(1),
    entry("PRelu", With(activation::prelu)).constants(&[1]),
    entry("Pad", With(pad::pad)).constants(&[1, 2, 3]),
    entry("Relu", Elementwise("relu", &[])),
    entry("Reshape", With(shape::reshape)).constants(&[1]),
    entry("Resize", With(resize::resize)).constants(&[1, 2, 3]),
    entry("Sigmoid", Elementwise("sigmoid", &[])),
    entry("Softmax", With(softmax::softmax)),
    entry("SoftmaxCrossEntropyLoss", With(loss::softmax_cross_entropy)).constants(&[2]).target(1),
    entry("Softplus", Elementwise("softplus", &[])),
    entry("Split", With(join::split)).constants(&[1]),
    entry("Squeeze", With(shape::squeeze)).constants(&[1]),
    entry("Swish", With(activation::swish)),
    entry("Tanh", Elementwise("tanh", &[])),
    entry("Transpose", With(shape::transpose)),
    entry("Unsqueeze", With(shape::unsqueeze)).constants(&[1]),
    entry("Upsample", With(resize::upsample)).constants(&[1]),
];

fn find(name: &str) -> Option<&'static Entry> {
    OPERATORS.iter().find(|entry| entry.name == name)
}

/// What a node does with an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It computes with it.
    Data,
    /// It reads it as a parameter or as a setting.
    Constant,
    /// It compares with it: the labels of a loss.
    Target,
}

/// What a node does with its input `index`.
pub(super) fn role(node: &NodeProto, index: usize) -> Role {
    if is_optimizer(node.op_type()) && optimizer::SETTINGS.contains(&index) {
        return Role::Constant;
    }
    match find(node.op_type()) {
        Some(entry) if entry.target == Some(index) => Role::Target,
        Some(entry) if matrix::constants(node).unwrap_or(entry.constants).contains(&index) => Role::Constant,
        _ => Role::Data,
    }
}

/// Converts a node of an operator set, which is ONNX's own where its name is empty.
pub(super) fn convert(node: &Node<'_>, domain: &str, importer: &mut Importer<'_>) -> Outputs {
    let entry = find(node.operator()).filter(|_| domain.is_empty()).ok_or_else(|| {
        let names: Vec<&str> = OPERATORS.iter().map(|entry| entry.name).collect();
        format!("this operator cannot be imported; those that can be are {}", names.join(", "))
    })?;
    // Old files say by this which inputs a node may overwrite.
    node.ignore("consumed_inputs");
    match entry.conversion {
        With(convert) => convert(node, importer),
        Elementwise(operator, numbers) => {
            let mut op = Op::new(operator);
            for (theirs, ours, default) in numbers {
                op = op.with(ours, node.float(theirs, *default)?);
            }
            elementwise(op, node, importer)
        }
    }
}

/// The output of an operator that changes no shape.
fn elementwise(op: Op, node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    let x = importer.activation(node, 0)?;
    let id = importer.apply(op.named(node), &[x.id])?;
    Ok(vec![Some(Value::Activation(super::dims::Activation { id, ..x }))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_are_in_order() {
        assert!(OPERATORS.is_sorted_by_key(|entry| entry.name));
    }
}

//! Products of matrices: fully connected layers.

use crate::Tensor;
use crate::ops::Refusal;
use crate::shape::Shape;

use super::super::dims::{Activation, Batch};
use super::super::importer::{Importer, Op, Value};
use super::super::node::Node;
use super::super::proto::NodeProto;
use super::{Outputs, arithmetic};

/// The inputs of a Gemm that are parameters: its first, where that is transposed, else its second; and its third.
pub(super) fn constants(node: &NodeProto) -> Option<&'static [usize]> {
    let transposed = |name: &str| node.attribute.iter().any(|a| a.name() == name && a.i == Some(1));
    (node.op_type() == "Gemm" && transposed("transA") && !transposed("transB")).then_some(&[0, 2])
}

/// alpha · A · B + beta · C, where A or B may be transposed.
pub(super) fn gemm(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    let (alpha, beta) = (node.float("alpha", 1.0)?, node.float("beta", 1.0)?);
    let (transposed_a, transposed_b) = (node.flag("transA", false)?, node.flag("transB", false)?);
    // Before version 7 this says whether C may be smaller than the product.
    node.ignore("broadcast");
    let scaled = |tensor: Tensor, by: f32| tensor.map(|value| by * value);
    let c = match importer.optional(node, 2)?.filter(|_| beta != 0.0) {
        None => Addend::None,
        Some(Value::Activation(c)) if beta == 1.0 => Addend::Computed(c),
        Some(Value::Activation(_)) => {
            return Err(format!(
                "attribute beta is {beta}; it must be 1 where input 2 is computed by the model"
            ));
        }
        Some(_) => Addend::Constant(scaled(importer.required(node, 2)?, beta)),
    };
    if transposed_a {
        if transposed_b {
            return Err("attributes transA and transB are both 1; one of them must be 0".into());
        }
        let a = scaled(transposed(&importer.required(node, 0)?)?, alpha);
        return columns(node, importer, a, c);
    }
    let b = scaled(importer.required(node, 1)?, alpha);
    let weight = if transposed_b { b } else { transposed(&b)? };
    rows(node, importer, weight, c)
}

/// A · B.
pub(super) fn matmul(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    let weight = transposed(&importer.required(node, 1)?)?;
    rows(node, importer, weight, Addend::None)
}

/// What is added to a product.
enum Addend {
    None,
    Constant(Tensor),
    Computed(Activation),
}

fn transposed(matrix: &Tensor) -> Result<Tensor, Refusal> {
    let [rows, columns] = matrix.shape()[..] else {
        return Err(format!("the constant is of shape {:?}; it must be a matrix", matrix.shape()));
    };
    let element = |i: usize| matrix.data()[i % rows * columns + i / rows];
    Ok(Tensor::from_fn([columns, rows], element))
}

/// X · Wᵀ + C for rows of X that are samples.
fn rows(node: &Node<'_>, importer: &mut Importer<'_>, weight: Tensor, c: Addend) -> Outputs {
    let x = importer.activation(node, 0)?;
    let [outputs, inputs] = weight.shape()[..] else {
        return Err(format!("the constant is of shape {:?}; it must be a matrix", weight.shape()));
    };
    let is_row = match (importer.batch, &*x.sample) {
        (Batch::Axis(_), [features]) => *features == inputs,
        (Batch::One, [1, features]) => *features == inputs,
        _ => false,
    };
    if !is_row {
        let shape = importer.describe(&x.sample);
        return Err(format!("its input is of shape {shape}; it must be [batch, {inputs}]"));
    }
    let sample = [&x.sample[..x.sample.len() - 1], &[outputs]].concat();
    let mut op = Op::new("linear").parameter("weight", weight);
    if let Addend::Constant(c) = &c {
        let result = Activation { id: x.id, sample: sample.clone() };
        let bias = importer.over_sample(&result, c, c.shape())?;
        op = op.parameter("bias", Tensor::new([outputs], bias).map_err(|e| e.to_string())?);
    }
    let input = importer.seen(&x, Shape::features(inputs))?;
    let id = importer.apply(op.named(node), &[input])?;
    let product = Activation { id, sample };
    match c {
        Addend::Computed(c) => arithmetic::sum(node, importer, &product, &c),
        _ => Ok(vec![Some(product.into())]),
    }
}

/// W · X + C for columns of X that are pixels, all of one sample: a convolution with a kernel of one pixel.
fn columns(node: &Node<'_>, importer: &mut Importer<'_>, weight: Tensor, c: Addend) -> Outputs {
    let x = importer.activation(node, 1)?;
    let [outputs, inputs] = weight.shape()[..] else {
        return Err(format!("the constant is of shape {:?}; it must be a matrix", weight.shape()));
    };
    let columns = match (importer.batch, &*x.sample) {
        (Batch::One, [rows, columns]) if *rows == inputs => *columns,
        _ => {
            let shape = importer.describe(&x.sample);
            return Err(format!(
                "its first input is transposed, and its second is of shape {shape}; that must be [{inputs}, columns], \
                 neither of which is a batch"
            ));
        }
    };
    let weight = weight.reshape([outputs, inputs, 1, 1]).map_err(|e| e.to_string())?;
    let input = importer.seen(&x, Shape::new(inputs, 1, columns))?;
    let id = importer.apply(Op::new("conv2d").parameter("weight", weight).named(node), &[input])?;
    let product = Activation { id, sample: vec![outputs, columns] };
    match c {
        Addend::None => Ok(vec![Some(product.into())]),
        Addend::Constant(c) => arithmetic::plus(node, importer, &product, &c),
        Addend::Computed(c) => arithmetic::sum(node, importer, &product, &c),
    }
}

//! Softmax and its logarithm.

use crate::shape::Shape;

use super::super::dims::{Activation, product, with_axis};
use super::super::importer::{Importer, Op};
use super::super::node::Node;
use super::Outputs;

/// e^x / Σ e^x along an axis.
pub(super) fn softmax(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    along_axis(node, importer, "softmax")
}

/// x − log Σ e^x along an axis.
pub(super) fn log_softmax(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    along_axis(node, importer, "log_softmax")
}

fn along_axis(node: &Node<'_>, importer: &mut Importer<'_>, operator: &'static str) -> Outputs {
    let x = importer.activation(node, 0)?;
    let index = node.int("axis")?.unwrap_or(if node.opset < 13 { 1 } else { -1 });
    let axis = importer.axis(&x, index)?;
    let (shape, axis) = if node.opset < 13 && axis + 1 < x.sample.len() {
        // Before version 13 the sum goes over the axis and all that follow it.
        let [outer, inner] = [product(&x.sample[..axis]), product(&x.sample[axis..])];
        (Shape::new(outer, 1, inner), 3)
    } else {
        with_axis(&x.sample, axis)
    };
    let input = importer.seen(&x, shape)?;
    let id = importer.apply(Op::new(operator).with("axis", axis).named(node), &[input])?;
    Ok(vec![Some(Activation { id, ..x }.into())])
}

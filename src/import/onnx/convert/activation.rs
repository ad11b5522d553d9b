//! Activation functions that are more than a name and its numbers.

use crate::Tensor;
use crate::ops::Refusal;
use crate::shape::Shape;

use super::super::dims::{Activation, canonical};
use super::super::importer::{Importer, Op};
use super::super::node::Node;
use super::{Outputs, elementwise};

/// min(max(x, lowest), highest).
pub(super) fn clip(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    let (lowest, highest) = if node.opset < 11 {
        (node.float("min", f32::MIN)?, node.float("max", f32::MAX)?)
    } else {
        let bound = |index, default| Ok::<f32, Refusal>(importer.scalar(node, index)?.unwrap_or(default));
        (bound(1, f32::MIN)?, bound(2, f32::MAX)?)
    };
    match (lowest, highest) {
        (lowest, highest) if lowest <= f32::MIN && highest >= f32::MAX => {
            Ok(vec![Some(importer.activation(node, 0)?.into())])
        }
        (0.0, 6.0) => elementwise(Op::new("relu6"), node, importer),
        (0.0, highest) if highest >= f32::MAX => elementwise(Op::new("relu"), node, importer),
        _ => {
            // ONNX's bounds, where there are none, are the largest numbers.
            let [lowest, highest] = [lowest, highest].map(|bound| bound.clamp(f32::MIN, f32::MAX));
            let op = Op::new("hard_tanh").with("min_val", lowest).with("max_val", highest);
            elementwise(op, node, importer)
        }
    }
}

/// x · Φ(x), without approximation.
pub(super) fn gelu(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    let approximate = node.string("approximate", "none")?;
    if approximate != "none" {
        return Err(format!("attribute approximate is {approximate:?}; it must be \"none\""));
    }
    elementwise(Op::new("gelu"), node, importer)
}

/// x · sigmoid(x).
pub(super) fn swish(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    let alpha = node.float("alpha", 1.0)?;
    if alpha != 1.0 {
        return Err(format!("attribute alpha is {alpha}; it must be 1"));
    }
    elementwise(Op::new("silu"), node, importer)
}

/// max(x, 0) + slope · min(x, 0), with one slope, one for each channel, or one for each element of a sample.
pub(super) fn prelu(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    let x = importer.activation(node, 0)?;
    let slope = importer.required(node, 1)?;
    // The first versions have one slope or one for each channel; later ones broadcast from the last axis on.
    let channels_only = node.opset < 7 && slope.shape().len() == 1;
    let slopes = if channels_only && slope.len() > 1 {
        let after = x.sample.len().saturating_sub(1);
        let shape = [slope.shape(), &vec![1; after]].concat();
        importer.over_sample(&x, &slope, &shape)?
    } else {
        importer.over_sample(&x, &slope, slope.shape())?
    };
    let (shape, slopes) = match single(&slopes) {
        Some(slope) => (importer.shape(x.id), vec![slope]),
        None => parameters(&x, &slopes),
    };
    let input = importer.seen(&x, shape)?;
    let weight = Tensor::new([slopes.len()], slopes).map_err(|e| e.to_string())?;
    let id = importer.apply(Op::new("prelu").parameter("weight", weight).named(node), &[input])?;
    Ok(vec![Some(Activation { id, ..x }.into())])
}

/// The number that all of `values` are.
fn single(values: &[f32]) -> Option<f32> {
    let first = values.first()?;
    values.iter().all(|value| value == first).then_some(*first)
}

/// What a sample must look like for `values`, one for each of its elements, to be one for each of its channels:
/// the canonical shape if they are the same all over each channel there, else one of features.
pub(super) fn parameters(x: &Activation, values: &[f32]) -> (Shape, Vec<f32>) {
    let shape = canonical(&x.sample);
    let channels: Option<Vec<f32>> = values.chunks(shape.pixels()).map(single).collect();
    match channels {
        Some(channels) => (shape, channels),
        None => (Shape::features(values.len()), values.into()),
    }
}

//! Losses, which end a model.

use crate::ops::Refusal;
use crate::ops::registry::{self, Attributes, Build};

use super::super::dims::{Activation, canonical, with_axis};
use super::super::importer::{Importer, Op, Value};
use super::super::model::ImportedLoss;
use super::super::node::Node;
use super::Outputs;

/// Softmax cross-entropy of logits; the second output is the logarithm of the softmax.
pub(super) fn softmax_cross_entropy(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    let x = importer.activation(node, 0)?;
    let mut outputs = vec![None, None];
    if importer.wants(node, 0) {
        outputs[0] = Some(loss(node, importer, &x, "cross_entropy")?);
    }
    if importer.wants(node, 1) {
        let axis = importer.axis(&x, 1)?;
        let (shape, axis) = with_axis(&x.sample, axis);
        let input = importer.seen(&x, shape)?;
        let id = importer.apply(Op::new("log_softmax").with("axis", axis).named(node), &[input])?;
        outputs[1] = Some(Activation { id, ..x }.into());
        // The loss's own settings change nothing here.
        node.ignore("reduction");
        node.ignore("ignore_index");
    }
    Ok(outputs)
}

/// The negative of the label's log-probability.
pub(super) fn negative_log_likelihood(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    let x = importer.activation(node, 0)?;
    Ok(vec![Some(loss(node, importer, &x, "nll_loss")?)])
}

/// Makes a loss of the registry the model's.
fn loss(
    node: &Node<'_>,
    importer: &mut Importer<'_>,
    x: &Activation,
    name: &'static str,
) -> Result<Value, Refusal> {
    let (reduction, is_reduced) = match node.string("reduction", "mean")? {
        "none" => ("sum", false),
        reduction => (reduction, true),
    };
    let mut attributes = Attributes::default().with("reduction", reduction);
    if let Some(ignored) = node.int("ignore_index")? {
        attributes = attributes.with("ignore_index", ignored);
    }
    if let Some(weights) = importer.floats(node, 2)? {
        attributes = attributes.with("class_weight", weights.into_data());
    }
    let loss = match registry::find(name).map(|entry| entry.build) {
        Some(Build::Loss(build)) => build(&attributes)?,
        _ => return Err(format!("it needs the loss {name}, which this crate does not have")),
    };
    let sample = importer.samples(x)?;
    let shape = canonical(&sample);
    loss.check(shape)?;
    let target = node.input(1).ok_or("input 1, the labels, is missing")?.to_owned();
    let id = importer.seen(x, shape)?;
    importer.loss = Some(ImportedLoss { loss, target, is_reduced });
    Ok(Value::Loss(Activation { id, sample: x.sample.clone() }))
}

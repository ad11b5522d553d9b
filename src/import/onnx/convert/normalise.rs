//! Normalisation.

use super::super::dims::{self, canonical};
use super::super::importer::{Importer, Op};
use super::super::node::Node;
use super::Outputs;

/// (x − mean) / √(var + ε) · scale + B for each channel, with the mean and the variance that were seen in training.
pub(super) fn batch(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    node.only("spatial", 1)?;
    let trains = match node.opset {
        ..7 => !node.flag("is_test", false)?,
        7..14 => (1..5).any(|index| importer.wants(node, index)),
        _ => node.flag("training_mode", false)?,
    };
    if trains {
        return Err(
            "it normalises by the batch's own mean and variance; the model must be one for inference".into(),
        );
    }
    let momentum = node.float("momentum", 0.9)?;
    let x = importer.activation(node, 0)?;
    let sample = importer.samples(&x)?;
    let op = Op::new("batch_norm")
        .with("eps", node.float("epsilon", 1e-5)?)
        // ONNX's is the share that the old statistics keep.
        .with("momentum", 1.0 - momentum)
        .parameter("weight", importer.required(node, 1)?)
        .parameter("bias", importer.required(node, 2)?)
        .parameter("running_mean", importer.required(node, 3)?)
        .parameter("running_var", importer.required(node, 4)?);
    let input = importer.seen(&x, canonical(&sample))?;
    let id = importer.apply(op.named(node), &[input])?;
    Ok(vec![Some(importer.batched(id, sample).into())])
}

/// x / (bias + alpha / size · Σ x²)^beta over `size` neighbouring channels.
pub(super) fn local_response(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    let size = dims::size("attribute size", node.int("size")?.ok_or("attribute size is missing")?)?;
    let op = Op::new("local_response_norm")
        .with("size", size)
        .with("before", size.saturating_sub(1) / 2)
        .with("alpha", node.float("alpha", 1e-4)?)
        .with("beta", node.float("beta", 0.75)?)
        .with("k", node.float("bias", 1.0)?);
    let x = importer.activation(node, 0)?;
    let sample = importer.samples(&x)?;
    let input = importer.seen(&x, canonical(&sample))?;
    let id = importer.apply(op.named(node), &[input])?;
    Ok(vec![Some(importer.batched(id, sample).into())])
}

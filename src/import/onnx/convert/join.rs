//! Concatenation and its reverse.

use crate::ops::Refusal;

use super::super::dims::{Activation, size, sizes, with_axis};
use super::super::importer::{Importer, Op};
use super::super::node::Node;
use super::Outputs;

/// The inputs one after the other along an axis.
pub(super) fn concat(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    let inputs = (0..node.inputs()).map(|index| importer.activation(node, index));
    let inputs = inputs.collect::<Result<Vec<Activation>, Refusal>>()?;
    let first = inputs.first().ok_or("it has no input; it must have one or more")?;
    // The first version joins along axis 1 where it is not said.
    let axis = node.int("axis")?.or((node.opset < 4).then_some(1)).ok_or("attribute axis is missing")?;
    let axis = importer.axis(first, axis)?;

    let mut sample = first.sample.clone();
    sample[axis] = 0;
    for input in &inputs {
        let mut rest = input.sample.clone();
        let along = rest.get(axis).copied().unwrap_or_default();
        if let Some(size) = rest.get_mut(axis) {
            *size = first.sample[axis];
        }
        if rest != first.sample {
            return Err(format!(
                "its inputs are of shapes {} and {}; they may differ along the axis only",
                importer.describe(&first.sample),
                importer.describe(&input.sample)
            ));
        }
        sample[axis] += along;
    }
    let mut ids = vec![];
    for input in &inputs {
        let (shape, _) = with_axis(&input.sample, axis);
        ids.push(importer.seen(input, shape)?);
    }
    let (_, along) = with_axis(&sample, axis);
    let id = importer.apply(Op::new("concat").with("axis", along).named(node), &ids)?;
    Ok(vec![Some(Activation { id, sample }.into())])
}

/// Parts of the input along an axis, as outputs of their own.
pub(super) fn split(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    let x = importer.activation(node, 0)?;
    let axis = importer.axis(&x, node.int("axis")?.unwrap_or(0))?;
    let parts = part_sizes(node, importer, x.sample[axis])?;

    let (shape, along) = with_axis(&x.sample, axis);
    let mut outputs = vec![];
    for (index, part) in parts.iter().enumerate() {
        outputs.push(None);
        if importer.wants(node, index) {
            let op = Op::new("split").with("axis", along).with("sizes", parts.clone()).with("index", index);
            let input = importer.seen(&x, shape)?;
            let id = importer.apply(op.named(node), &[input])?;
            let mut sample = x.sample.clone();
            sample[axis] = *part;
            outputs[index] = Some(Activation { id, sample }.into());
        }
    }
    Ok(outputs)
}

/// The sizes of the parts of an axis of `whole`.
fn part_sizes(node: &Node<'_>, importer: &Importer<'_>, whole: usize) -> Result<Vec<usize>, Refusal> {
    let given = if node.opset < 13 {
        node.ints("split")?.map(<[i64]>::to_vec)
    } else {
        importer.integers(node, 1)?
    };
    let count = node.outputs().len();
    if let Some(given) = given {
        let parts = sizes("a part", &given)?;
        if parts.len() != count || parts.iter().sum::<usize>() != whole || parts.contains(&0) {
            return Err(format!(
                "its parts are {parts:?}; they must be {count} sizes from 1 that make up {whole}"
            ));
        }
        return Ok(parts);
    }
    let count = match node.int("num_outputs")? {
        Some(outputs) => size("num_outputs", outputs)?,
        None => count,
    };
    // Version 18 lets the last part be smaller.
    let part = whole.div_ceil(count.max(1));
    let last = whole.checked_sub(part * count.saturating_sub(1)).filter(|last| *last > 0);
    match last {
        Some(last) if last == part || node.opset >= 18 => {
            Ok((0..count).map(|index| if index + 1 == count { last } else { part }).collect())
        }
        _ => Err(format!("an axis of {whole} cannot be split into {count} equal parts")),
    }
}

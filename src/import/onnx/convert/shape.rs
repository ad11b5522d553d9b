//! What gives elements other axes, or hands them on.

use crate::Tensor;
use crate::ops::Refusal;

use super::super::constant::Constant;
use super::super::dims::{self, Activation, Batch, product, size};
use super::super::importer::{Importer, Op, Value};
use super::super::node::Node;
use super::Outputs;

/// The sizes of a value's axes, that of the batch first where it has one; `None` where it may be any.
fn all_axes(importer: &Importer<'_>, x: &Activation) -> Vec<Option<usize>> {
    let sample = x.sample.iter().map(|size| Some(*size));
    match importer.batch {
        Batch::One => sample.collect(),
        Batch::Axis(batch) => std::iter::once(batch).chain(sample).collect(),
    }
}

/// A value under other axes, which must leave the batch as it is.
fn viewed(importer: &Importer<'_>, x: Activation, axes: &[Option<usize>]) -> Outputs {
    let refusal = |why: &str| {
        let axes: Vec<String> =
            axes.iter().map(|size| size.map_or("?".into(), |size| size.to_string())).collect();
        format!(
            "its input is of shape {}, its output of [{}]: {why}",
            importer.describe(&x.sample),
            axes.join(", ")
        )
    };
    let sample = match importer.batch {
        Batch::One => axes,
        Batch::Axis(batch) => match axes {
            [first, sample @ ..] if *first == batch => sample,
            _ => return Err(refusal("axis 0 is the batch and must stay as it is")),
        },
    };
    let sample = sample.iter().copied().collect::<Option<Vec<usize>>>();
    match sample {
        Some(sample) if product(&sample) == product(&x.sample) => {
            Ok(vec![Some(Activation { sample, ..x }.into())])
        }
        _ => Err(refusal("the elements of a sample must stay as many")),
    }
}

/// The same elements under the shape that an input says: 0 keeps an axis, −1 takes what is left.
pub(super) fn reshape(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    let said =
        if node.opset < 5 { node.ints("shape")?.map(<[i64]>::to_vec) } else { importer.integers(node, 1)? };
    let said = said.ok_or("the shape is missing")?;
    let keeps = !node.flag("allowzero", false)?;
    let axis =
        |old: &[Option<usize>], (at, value): (usize, &i64)| -> Result<Option<Option<usize>>, Refusal> {
            match value {
                -1 => Ok(None),
                0 if keeps => {
                    let kept = old
                        .get(at)
                        .ok_or_else(|| format!("the shape {said:?} keeps axis {at}, which is none"))?;
                    Ok(Some(*kept))
                }
                value => size("a size of the shape", *value).map(|size| Some(Some(size))),
            }
        };
    let x = match importer.operand(node, 0)? {
        Value::Activation(x) => x,
        Value::Constant(constant) => {
            let old: Vec<Option<usize>> = constant.shape().iter().copied().map(Some).collect();
            let axes = said.iter().enumerate().map(|value| axis(&old, value));
            let axes = inferred(&axes.collect::<Result<Vec<_>, _>>()?, product(constant.shape()))?;
            return reshaped(constant, &axes.into_iter().flatten().collect::<Vec<_>>());
        }
        Value::Loss(_) => return Err("its input is a loss, after which nothing can follow".into()),
    };
    let old = all_axes(importer, &x);
    let axes = said.iter().enumerate().map(|value| axis(&old, value)).collect::<Result<Vec<_>, _>>()?;
    let axes = match (importer.batch, &*axes) {
        (Batch::One, axes) => inferred(axes, product(&x.sample))?,
        // What is left may be the batch itself, of whatever size.
        (Batch::Axis(batch), [None, sample @ ..]) => {
            [vec![batch], sample.iter().map(|size| size.flatten()).collect()].concat()
        }
        (Batch::Axis(_), [Some(first), sample @ ..]) => {
            [vec![*first], inferred(sample, product(&x.sample))?].concat()
        }
        (Batch::Axis(_), []) => vec![],
    };
    viewed(importer, x, &axes)
}

/// The axes with what is left of `len` elements in the place of the one that was not said.
fn inferred(axes: &[Option<Option<usize>>], len: usize) -> Result<Vec<Option<usize>>, Refusal> {
    let said: Vec<usize> = axes.iter().flatten().flatten().copied().collect();
    let rest = len.checked_div(product(&said)).filter(|rest| rest.saturating_mul(product(&said)) == len);
    match axes.iter().filter(|axis| axis.is_none()).count() {
        0 => Ok(axes.iter().map(|axis| axis.flatten()).collect()),
        1 if rest.is_some() => Ok(axes.iter().map(|axis| axis.unwrap_or(rest)).collect()),
        1 => Err(format!("the sizes {said:?} do not divide {len} elements")),
        _ => Err("the shape leaves more than one axis open".into()),
    }
}

fn reshaped(constant: Constant, axes: &[usize]) -> Outputs {
    let constant = constant.reshape(axes).map_err(|e| e.to_string())?;
    Ok(vec![Some(Value::Constant(constant))])
}

/// The axes before one as the first axis, and those from it on as the second.
pub(super) fn flatten(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    let x = importer.activation(node, 0)?;
    let axes = all_axes(importer, &x);
    let index = node.int("axis")?.unwrap_or(1);
    // All axes may be before it.
    let axis = if index == axes.len() as i64 { axes.len() } else { dims::axis(index, axes.len())? };
    let joined = |axes: &[Option<usize>]| {
        axes.iter().try_fold(1, |len: usize, size| Some(len.saturating_mul((*size)?)))
    };
    let axes = [joined(&axes[..axis]), joined(&axes[axis..])];
    viewed(importer, x, &axes)
}

/// The axes that an attribute, or since version 13 an input, names.
fn named_axes(node: &Node<'_>, importer: &Importer<'_>) -> Result<Option<Vec<i64>>, Refusal> {
    if node.opset < 13 { Ok(node.ints("axes")?.map(<[i64]>::to_vec)) } else { importer.integers(node, 1) }
}

/// Without the named axes, which are of size 1; without all such where none is named.
pub(super) fn squeeze(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    let named = named_axes(node, importer)?;
    relabelled(node, importer, |axes| {
        let drop = match &named {
            Some(named) => {
                named.iter().map(|index| dims::axis(*index, axes.len())).collect::<Result<Vec<_>, _>>()?
            }
            None => (0..axes.len()).filter(|at| axes[*at] == Some(1)).collect(),
        };
        match drop.iter().find(|at| axes[**at] != Some(1)) {
            Some(at) => Err(format!("axis {at} cannot be dropped; it must be of size 1")),
            None => Ok((0..axes.len()).filter(|at| !drop.contains(at)).map(|at| axes[at]).collect()),
        }
    })
}

/// With axes of size 1 at the named places of the output.
pub(super) fn unsqueeze(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    let named = named_axes(node, importer)?.ok_or("the axes are missing")?;
    relabelled(node, importer, |axes| {
        let rank = axes.len() + named.len();
        let new = named.iter().map(|index| dims::axis(*index, rank)).collect::<Result<Vec<_>, _>>()?;
        let mut old = axes.iter().copied();
        let all = (0..rank).map(|at| if new.contains(&at) { Some(Some(1)) } else { old.next() });
        all.collect::<Option<Vec<_>>>().ok_or_else(|| format!("the axes {named:?} name one twice"))
    })
}

/// A value or a constant under axes that follow from those it has.
fn relabelled(
    node: &Node<'_>,
    importer: &Importer<'_>,
    relabel: impl FnOnce(&[Option<usize>]) -> Result<Vec<Option<usize>>, Refusal>,
) -> Outputs {
    match importer.operand(node, 0)? {
        Value::Activation(x) => {
            let axes = relabel(&all_axes(importer, &x))?;
            viewed(importer, x, &axes)
        }
        Value::Constant(constant) => {
            let axes: Vec<Option<usize>> = constant.shape().iter().copied().map(Some).collect();
            let axes = relabel(&axes)?;
            reshaped(constant, &axes.into_iter().flatten().collect::<Vec<_>>())
        }
        Value::Loss(_) => Err("its input is a loss, after which nothing can follow".into()),
    }
}

/// A constant with its axes in another order.
pub(super) fn transpose(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    let tensor = importer.required(node, 0)?;
    let rank = tensor.shape().len();
    let order = match node.ints("perm")? {
        Some(order) => order.iter().map(|index| dims::axis(*index, rank)).collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).rev().collect(),
    };
    if !(0..rank).all(|axis| order.contains(&axis)) || order.len() != rank {
        return Err(format!("attribute perm is {order:?}; it must name each of {rank} axes once"));
    }
    let shape: Vec<usize> = order.iter().map(|axis| tensor.shape()[*axis]).collect();
    let strides = |axis: usize| product(&tensor.shape()[axis + 1..]);
    let element = |mut at: usize| {
        let mut from = 0;
        for (axis, size) in order.iter().zip(&shape).rev() {
            from += at % size * strides(*axis);
            at /= size;
        }
        tensor.data()[from]
    };
    let transposed = Tensor::from_fn(shape.clone(), element);
    Ok(vec![Some(Value::Constant(transposed.into()))])
}

/// Dropout, which hands its input on where nothing is trained.
pub(super) fn dropout(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    // Numbers are drawn by the trainer's seed.
    node.ignore("seed");
    // Before version 7 it says whether the model is one for inference; dropout here is told so by who runs it.
    node.ignore("is_test");
    let ratio = if node.opset < 12 { Some(node.float("ratio", 0.5)?) } else { importer.scalar(node, 1)? };
    let ratio = ratio.unwrap_or(0.5);
    let trains = importer.integers(node, 2)?.is_some_and(|flag| flag != [0]);
    if trains && ratio != 0.0 {
        return Err("its input training_mode is true, and what it drops is random; it must be false".into());
    }
    let x = importer.activation(node, 0)?;
    let id = importer.apply(Op::new("dropout").with("p", ratio).named(node), &[x.id])?;
    Ok(vec![Some(Activation { id, ..x }.into())])
}

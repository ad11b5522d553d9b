//! Addition and multiplication, of computed values and with constants.

use crate::Tensor;
use crate::ops::Refusal;

use super::super::dims::{Activation, Batch, broadcast, canonical, lengthened, product};
use super::super::importer::{Importer, Op, Value};
use super::super::node::Node;
use super::{Outputs, activation};

/// a + b.
pub(super) fn add(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    join(node, importer, "add", shift)
}

/// a · b.
pub(super) fn mul(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    join(node, importer, "mul", |values| (values, None))
}

/// What a constant operand multiplies by and adds.
type Affine = fn(Vec<f32>) -> (Vec<f32>, Option<Vec<f32>>);

fn join(node: &Node<'_>, importer: &mut Importer<'_>, operator: &'static str, affine: Affine) -> Outputs {
    let (a, b) = (importer.operand(node, 0)?, importer.operand(node, 1)?);
    let (x, constant) = match (a, b) {
        (Value::Activation(a), Value::Activation(b)) => {
            return both(node, importer, operator, &a, &b);
        }
        (Value::Activation(x), Value::Constant(_)) => (x, 1),
        (Value::Constant(_), Value::Activation(x)) => (x, 0),
        _ => {
            return Err(
                "one of its inputs must depend on an input of the model, and none may be a loss".into()
            );
        }
    };
    let constant = importer.required(node, constant)?;
    let sizes = met(node, importer.rank(&x), constant.shape())?;
    let values = importer.over_sample(&x, &constant, &sizes)?;
    with_constant(node, importer, &x, &values, affine)
}

/// The sum of two computed values.
pub(super) fn sum(node: &Node<'_>, importer: &mut Importer<'_>, a: &Activation, b: &Activation) -> Outputs {
    both(node, importer, "add", a, b)
}

/// `x` plus a constant.
pub(super) fn plus(
    node: &Node<'_>,
    importer: &mut Importer<'_>,
    x: &Activation,
    constant: &Tensor,
) -> Outputs {
    let values = importer.over_sample(x, constant, constant.shape())?;
    with_constant(node, importer, x, &values, shift)
}

fn shift(by: Vec<f32>) -> (Vec<f32>, Option<Vec<f32>>) {
    (vec![1.0; by.len()], Some(by))
}

/// The sizes of the second operand as they meet the `rank` axes of the first. Before version 7 that is said by
/// two attributes.
fn met(node: &Node<'_>, rank: usize, sizes: &[usize]) -> Result<Vec<usize>, Refusal> {
    if node.opset >= 7 || (!node.flag("broadcast", false)? && sizes.len() == rank) {
        return Ok(sizes.into());
    }
    let before = match node.int("axis")? {
        Some(axis) => super::super::dims::axis(axis, rank)?,
        None => rank.saturating_sub(sizes.len()),
    };
    let after = rank.saturating_sub(before + sizes.len());
    Ok([vec![1; before], sizes.to_vec(), vec![1; after]].concat())
}

fn both(
    node: &Node<'_>,
    importer: &mut Importer<'_>,
    operator: &'static str,
    a: &Activation,
    b: &Activation,
) -> Outputs {
    let batched = importer.batch != Batch::One;
    if batched && a.sample.len() != b.sample.len() {
        return Err(format!(
            "its inputs are of shapes {} and {}; both must have as many axes for their batches to meet",
            importer.describe(&a.sample),
            importer.describe(&b.sample)
        ));
    }
    let b_sizes = if batched { b.sample.clone() } else { met(node, a.sample.len(), &b.sample)? };
    let sample = broadcast(&a.sample, &b_sizes)?;
    let op = Op::new(operator).named(node);
    let id = if product(&a.sample) == product(&sample) && product(&b_sizes) == product(&sample) {
        // All elements meet one to one: any shape will do.
        let shape = importer.shape(a.id);
        let b = importer.seen(b, shape)?;
        importer.apply(op, &[a.id, b])?
    } else {
        let shapes = [&a.sample, &b_sizes].map(|sizes| canonical(&lengthened(sizes, sample.len())));
        let inputs = [importer.seen(a, shapes[0])?, importer.seen(b, shapes[1])?];
        let joined = importer.apply(op, &inputs)?;
        if importer.shape(joined) != canonical(&sample) {
            return Err(format!(
                "its inputs are of sizes {:?} and {b_sizes:?}, which cannot be joined",
                a.sample
            ));
        }
        joined
    };
    Ok(vec![Some(Activation { id, sample }.into())])
}

/// `x` scaled and shifted by constants, one for each element of a sample: a convolution of one channel a group with
/// a kernel of one pixel.
fn with_constant(
    node: &Node<'_>,
    importer: &mut Importer<'_>,
    x: &Activation,
    values: &[f32],
    affine: Affine,
) -> Outputs {
    let (shape, values) = activation::parameters(x, values);
    let (scale, shift) = affine(values);
    let channels = shape.channels;
    let tensor = |shape: &[usize], values| Tensor::new(shape, values).map_err(|e| e.to_string());
    let mut op =
        Op::new("conv2d").with("groups", channels).parameter("weight", tensor(&[channels, 1, 1, 1], scale)?);
    if let Some(shift) = shift {
        op = op.parameter("bias", tensor(&[channels], shift)?);
    }
    let input = importer.seen(x, shape)?;
    let id = importer.apply(op.named(node), &[input])?;
    Ok(vec![Some(Activation { id, sample: x.sample.clone() }.into())])
}

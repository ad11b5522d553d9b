//! Padding.

use crate::ops::Refusal;
use crate::shape::Shape;

use super::super::dims::{self, Activation, canonical, with_axis};
use super::super::importer::{Importer, Op};
use super::super::node::Node;
use super::Outputs;

/// What is added before and after an axis; what is negative is cut off.
type Border = [i64; 2];

/// What a border holds: a mode of this crate's operator, with its value.
type Fill<'a> = (&'a str, f32);

/// A border around the input: a constant, or what is next to it.
pub(super) fn pad(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    let mode = node.string("mode", "constant")?;
    if !["constant", "reflect", "edge"].contains(&mode) {
        return Err(format!("attribute mode is {mode:?}; it must be \"constant\", \"reflect\" or \"edge\""));
    }
    let (pads, value) = match node.opset {
        ..2 => (node.ints("paddings")?.map(<[i64]>::to_vec), node.float("value", 0.0)?),
        2..11 => (node.ints("pads")?.map(<[i64]>::to_vec), node.float("value", 0.0)?),
        _ => (importer.integers(node, 1)?, importer.scalar(node, 2)?.unwrap_or(0.0)),
    };
    if !value.is_finite() {
        return Err(format!("it pads with {value}; it must be a finite number"));
    }
    let fill = (mode, value);
    let x = importer.activation(node, 0)?;
    let borders = borders(node, importer, &x, &pads.ok_or("the pads are missing")?)?;
    if let [[0, 0], rows, columns] = borders[..] {
        // The height and the width of an image go together.
        let shape = canonical(&x.sample);
        let x = bordered(node, importer, &x, &[(1, rows), (2, columns)], (shape, [rows, columns]), fill)?;
        return Ok(vec![Some(x.into())]);
    }
    let mut x = x;
    for (axis, border) in borders.into_iter().enumerate() {
        let image = match with_axis(&x.sample, axis) {
            (shape, 3) => (shape, [[0; 2], border]),
            (shape, 2) => (shape, [border, [0; 2]]),
            // Channels become the rows of a single one.
            (shape, _) => (Shape::new(1, shape.channels, shape.pixels()), [border, [0; 2]]),
        };
        x = bordered(node, importer, &x, &[(axis, border)], image, fill)?;
    }
    Ok(vec![Some(x.into())])
}

/// The border of each axis of a sample.
fn borders(
    node: &Node<'_>,
    importer: &Importer<'_>,
    x: &Activation,
    pads: &[i64],
) -> Result<Vec<Border>, Refusal> {
    let rank = importer.rank(x);
    let axes = match importer.integers(node, 3)? {
        Some(axes) => axes.iter().map(|index| dims::axis(*index, rank)).collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(format!("the pads are {pads:?}; there must be {} of them", 2 * axes.len()));
    }
    let (before, after) = pads.split_at(axes.len());
    let mut borders = vec![[0; 2]; rank];
    for ((axis, before), after) in axes.iter().zip(before).zip(after) {
        borders[*axis] = [*before, *after];
    }
    let sample = borders.split_off(rank - x.sample.len());
    if borders.iter().any(|border| *border != [0; 2]) {
        return Err(format!("the pads are {pads:?}; they must be 0 along axis 0, the batch"));
    }
    Ok(sample)
}

/// `x` with borders along `axes`, which are the rows and columns of an image of this shape.
fn bordered(
    node: &Node<'_>,
    importer: &mut Importer<'_>,
    x: &Activation,
    axes: &[(usize, Border)],
    (shape, [rows, columns]): (Shape, [Border; 2]),
    (mode, value): Fill<'_>,
) -> Result<Activation, Refusal> {
    let mut y = x.clone();
    for (axis, [before, after]) in axes {
        let size = y.sample[*axis] as i64;
        let padded = size.checked_add(*before).and_then(|size| size.checked_add(*after)).unwrap_or_default();
        if padded < 1 {
            return Err(format!("pads of {before} and {after} leave nothing of an axis of {size}"));
        }
        y.sample[*axis] = dims::size("a padded axis", padded)?;
    }
    let sides = [rows[0], columns[0], rows[1], columns[1]];
    let [added, cut] = [1, -1].map(|sign| sides.map(|side| side.saturating_mul(sign).max(0)));
    if added != [0; 4] {
        let op = Op::new("pad2d").with("padding", added).with("mode", mode);
        // Only a constant has a value.
        let op = if mode == "constant" { op.with("value", value) } else { op };
        let input = importer.seen(&y, shape)?;
        y.id = importer.apply(op.named(node), &[input])?;
    }
    if cut != [0; 4] {
        if mode != "constant" {
            return Err(format!(
                "it cuts off {cut:?} in mode {mode:?}; negative pads must be in mode \"constant\""
            ));
        }
        let input = if added == [0; 4] { importer.seen(&y, shape)? } else { y.id };
        y.id = importer.apply(Op::new("crop").with("sides", cut).named(node), &[input])?;
    }
    Ok(y)
}

//! Constants, and what hands its input on.

use crate::Tensor;

use super::super::constant::Constant;
use super::super::importer::{Importer, Value};
use super::super::node::Node;
use super::Outputs;

/// A tensor that is written in the node.
pub(super) fn constant(node: &Node<'_>, _importer: &mut Importer<'_>) -> Outputs {
    let float = |values: &[f32], shape: &[usize]| Tensor::new(shape, values.to_vec()).map(Constant::from);
    let integers = |values: &[i64], shape: &[usize]| Tensor::new(shape, values.to_vec()).map(Constant::from);
    let constant = if let Some(tensor) = node.tensor("value")? {
        Ok(tensor)
    } else if let Some(values) = node.floats("value_floats")? {
        float(values, &[values.len()])
    } else if let Some(values) = node.ints("value_ints")? {
        integers(values, &[values.len()])
    } else if let Some(value) = node.int("value_int")? {
        integers(&[value], &[])
    } else if let Some(value) = node.number("value_float")? {
        float(&[value], &[])
    } else {
        return Err(
            "it has none of the attributes value, value_float, value_floats, value_int and value_ints".into(),
        );
    };
    Ok(vec![Some(Value::Constant(constant.map_err(|e| e.to_string())?))])
}

/// The input itself.
pub(super) fn identity(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    Ok(vec![Some(importer.operand(node, 0)?)])
}

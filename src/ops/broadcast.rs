//! Sums and products of two values with broadcasting: an operand with one channel, row or column counts as if it
//! were repeated along that axis. No operator of its own.

use super::program::{Activation, Dispatch, Program, kernel};
use super::reduce::Parts;
use super::{Function, Refusal, elementwise};
use crate::shape::{Axis, Shape};

/// The number of invocations in a workgroup of the sum.
const SUM_WORKGROUP: usize = 64;

/// What two values become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Join {
    /// Their sum.
    Sum,
    /// Their product.
    Product,
}

/// The shape of two values joined: of each axis, the larger size.
///
/// # Errors
/// Where both have more than one along an axis, but not as many.
pub(super) fn output_shape(left: Shape, right: Shape) -> Result<Shape, Refusal> {
    let mut output = left.sizes();
    for axis in Axis::ALL {
        let [l, r] = [left, right].map(|shape| shape.sizes()[axis.index()]);
        if l != r && l != 1 && r != 1 {
            return Err(format!(
                "the inputs differ in {axis}, {l} and {r}; along each axis they must be equal, or \
                 one of them 1"
            ));
        }
        output[axis.index()] = l.max(r);
    }
    Ok(output.into())
}

/// Writes `output`, where the shapes of `left` and `right` differ or not; it ends with a function if there is one.
pub(super) fn forward(
    layer: &str,
    join: Join,
    left: Activation,
    right: Activation,
    output: Activation,
    activation: Option<&Function>,
) -> Dispatch {
    let [c, h, w] = output.shape.sizes();
    let [l_c, l_h, l_w] = left.shape.sizes();
    let [r_c, r_h, r_w] = right.shape.sizes();
    Dispatch::new(layer, kernel!("common/broadcast"))
        .size("C", c)
        .size("H", h)
        .size("W", w)
        .size("L_C", l_c)
        .size("L_H", l_h)
        .size("L_W", l_w)
        .size("R_C", r_c)
        .size("R_H", r_h)
        .size("R_W", r_w)
        .constant("MULTIPLY", u32::from(join == Join::Product))
        .activation(activation)
        .read(left.tensor)
        .read(right.tensor)
        .write(output.tensor)
        .uniform(output.batch as u32)
        .in_turn(output.total_quads(), 1)
        .flops(elementwise::elements(output))
}

/// Writes `grad_operand`, the sum of `grad_output`, times `factor` if there is one, over the axes along which the
/// operand was repeated.
pub(super) fn sum(
    program: &mut Program,
    layer: &str,
    grad_output: Activation,
    factor: Option<Activation>,
    grad_operand: Activation,
) {
    let [c, h, w] = grad_output.shape.sizes();
    let other = factor.unwrap_or(grad_output);
    let [f_c, f_h, f_w] = other.shape.sizes();
    let [k_c, k_h, k_w] = grad_operand.shape.sizes();
    let kept = grad_operand.total_quads();
    let terms = grad_output.total_quads() / kept;
    let parts = program.summation.parts(terms, 32, kept);
    let span = terms.div_ceil(parts);
    let parts = terms.div_ceil(span);
    let partial = Parts::of_activation(program, layer, grad_operand, parts, None);
    let dispatch = Dispatch::new(layer, kernel!("common/sum_broadcast"))
        .size("C", c)
        .size("H", h)
        .size("W", w)
        .size("F_C", f_c)
        .size("F_H", f_h)
        .size("F_W", f_w)
        .size("K_C", k_c)
        .size("K_H", k_h)
        .size("K_W", k_w)
        .constant("FACTOR", u32::from(factor.is_some()))
        .read(grad_output.tensor)
        .read(other.tensor);
    let dispatch = partial
        .written_by(dispatch)
        .uniform_sizes(&[grad_output.batch, span, parts])
        .invocations(kept * parts, SUM_WORKGROUP)
        .flops((1 + u64::from(factor.is_some())) * elementwise::elements(grad_output));
    program.push(dispatch);
    partial.finish(program, layer);
}

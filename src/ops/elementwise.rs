//! What operators that work on each element by itself have in common. No operator of its own.

use super::program::{Activation, Dispatch, Kernel};
use super::{Backward, Cost, Forward};
use crate::shape::Shape;

/// The invocations of a workgroup in every kernel in which an invocation owns one element or quad.
pub(crate) const WORKGROUP: usize = 256;

/// A dispatch of `kernel` with an invocation for each of `quads` vec4; their number is its uniform.
pub(crate) fn over_quads(layer: &str, kernel: Kernel, quads: usize) -> Dispatch {
    Dispatch::new(layer, kernel).uniform(quads as u32).invocations(quads, WORKGROUP)
}

/// The forward dispatch of a function of one variable: `kernel` binds the input and the output.
pub(crate) fn forward(pass: &Forward<'_>, kernel: Kernel) -> Dispatch {
    let output = pass.output;
    over_quads(pass.layer, kernel, output.total_quads())
        .read(pass.inputs[0].tensor)
        .write(output.tensor)
        .flops(elements(output))
}

/// The backward dispatch of a function whose derivative follows from its value: `kernel` binds the
/// output, the gradient to it, and the gradient to the input. `None` where nobody asks for that.
pub(crate) fn backward(pass: &Backward<'_>, kernel: Kernel) -> Option<Dispatch> {
    let grad_input = pass.grad_inputs[0]?;
    let dispatch = over_quads(pass.layer, kernel, grad_input.total_quads())
        .read(pass.output.tensor)
        .read(pass.grad_output.tensor)
        .write(grad_input.tensor)
        .flops(elements(grad_input));
    Some(dispatch)
}

/// How many elements a batch has, its padding left out.
pub(crate) fn elements(activation: Activation) -> u64 {
    (activation.batch * activation.shape.len()) as u64
}

/// One operation for each element: as is the custom, a function of one variable counts as one.
pub(crate) fn cost(output: Shape) -> Cost {
    Cost { flops: output.len() as u64 }
}

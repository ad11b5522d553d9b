//! Concatenation along channels, as where the branches of a block meet.

use super::program::{Activation, Dispatch, Kernel, TensorId, kernel};
use super::registry::{Attributes, FromAttributes};
use super::{Backward, Cost, Forward, Operator, Refusal, elementwise};
use crate::shape::Shape;

/// The inputs joined along channels, in their order. They must agree in height and width.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Concat;

impl FromAttributes for Concat {
    const NAME: &'static str = "concat";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        match attributes.i64("axis")? {
            None | Some(1) => Ok(Self),
            Some(axis) => Err(format!("attribute axis is {axis}; it must be 1, the channels")),
        }
    }
}

impl Operator for Concat {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        let Some(first) = inputs.first() else {
            return Err("concat takes one input or more, got none".into());
        };
        let size = |shape: &Shape| [shape.height, shape.width];
        match inputs.iter().find(|input| size(input) != size(first)) {
            Some(other) => Err(format!(
                "the inputs are of height and width {:?} and {:?}; they may differ in channels only",
                size(first),
                size(other)
            )),
            None => {
                let channels = inputs.iter().map(|input| input.channels).sum();
                Ok(Shape { channels, ..*first })
            }
        }
    }

    fn is_identity(&self, inputs: &[Shape], _training: bool) -> bool {
        inputs.len() == 1
    }

    fn cost(&self, _inputs: &[Shape], _output: Shape) -> Cost {
        Cost::default()
    }

    /// One dispatch for each input: together they write the output whole, the last with its pad lanes. The
    /// first is bound as the one that writes, the others as updating what it began.
    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        let output = pass.output;
        let pads = output.quads() * 4 - output.shape.channels;
        let last = pass.inputs.len() - 1;
        for (i, (input, offset)) in with_offsets(pass.inputs).enumerate() {
            let dispatch = slice(pass.layer, kernel!("concat/forward"), *input, offset, output)
                .size("PADS", if i == last { pads } else { 0 })
                .read(input.tensor);
            let dispatch =
                if i == 0 { dispatch.write(output.tensor) } else { dispatch.update(output.tensor) };
            pass.program.push(dispatch);
        }
        vec![]
    }

    fn backward(&self, pass: Backward<'_>) {
        let grad_output = pass.grad_output;
        for ((_, offset), grad_input) in with_offsets(pass.inputs).zip(pass.grad_inputs) {
            if let Some(grad_input) = *grad_input {
                let kernel = kernel!("concat/backward_input");
                let dispatch = slice(pass.layer, kernel, grad_input, offset, grad_output)
                    .read(grad_output.tensor)
                    .write(grad_input.tensor);
                pass.program.push(dispatch);
            }
        }
    }
}

/// Each input with its first channel's place in the output.
fn with_offsets(inputs: &[Activation]) -> impl Iterator<Item = (&Activation, usize)> {
    inputs.iter().scan(0, |next, input| {
        let offset = *next;
        *next += input.shape.channels;
        Some((input, offset))
    })
}

/// A dispatch over the quads of `part`, which is `whole` from channel `offset` on.
fn slice(layer: &str, kernel: Kernel, part: Activation, offset: usize, whole: Activation) -> Dispatch {
    elementwise::over_quads(layer, kernel, part.total_quads())
        .size("CHANNELS", part.shape.channels)
        .size("OFFSET", offset)
        .size("ROW", whole.quads() * 4)
}

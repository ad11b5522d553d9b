//! Concatenation along channels, height or width, as where the branches of a block meet.

use super::program::{Activation, TensorId};
use super::registry::{Attributes, FromAttributes};
use super::{Backward, Cost, Forward, Operator, Refusal, shift};
use crate::shape::{Axis, Shape};

/// The inputs joined along an axis, in their order; the channels by default. They must agree in the other two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Concat {
    pub(crate) axis: Axis,
}

impl Concat {
    /// A concatenation along `axis`.
    pub fn new(axis: Axis) -> Self {
        Self { axis }
    }

    /// The place of each input's first element in the output.
    fn places(&self, inputs: &[Activation]) -> impl Iterator<Item = [usize; 3]> {
        let axis = self.axis.index();
        inputs.iter().scan([0; 3], move |next, input| {
            let place = *next;
            next[axis] += input.shape.sizes()[axis];
            Some(place)
        })
    }
}

impl FromAttributes for Concat {
    const NAME: &'static str = "concat";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self::new(attributes.axis("axis")?))
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
        let axis = self.axis.index();
        let mut output = first.sizes();
        output[axis] = 0;
        for input in inputs {
            let sizes = input.sizes();
            for other in Axis::ALL.into_iter().filter(|other| *other != self.axis) {
                let [got, wanted] = [sizes, first.sizes()].map(|sizes| sizes[other.index()]);
                if got != wanted {
                    return Err(format!(
                        "the inputs differ in {other}, {wanted} and {got}; they may differ in \
                         {} only",
                        self.axis
                    ));
                }
            }
            output[axis] += sizes[axis];
        }
        Ok(output.into())
    }

    fn is_identity(&self, inputs: &[Shape], _training: bool) -> bool {
        inputs.len() == 1
    }

    fn cost(&self, _inputs: &[Shape], _output: Shape) -> Cost {
        Cost::default()
    }

    /// One dispatch for each input, in their order: together they write the output whole. The first is bound as
    /// the one that writes, the others as updating what it began.
    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        for (input, place) in pass.inputs.iter().zip(self.places(pass.inputs)) {
            pass.program.push(shift::paste(pass.layer, *input, pass.output, place));
        }
        vec![]
    }

    fn backward(&self, pass: Backward<'_>) {
        for (grad_input, place) in pass.grad_inputs.iter().zip(self.places(pass.inputs)) {
            if let Some(grad_input) = *grad_input {
                pass.program.push(shift::cut(pass.layer, pass.grad_output, place, grad_input));
            }
        }
    }
}

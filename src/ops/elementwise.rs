//! What operators that work on each element by itself have in common. No operator of its own.

use super::program::{Activation, Dispatch, Kernel, kernel};
use super::{Backward, Cost, Forward};
use crate::shape::Shape;

/// A function of one variable, as kernels: by itself, in place, or fused into the store of the layer before.
#[derive(Debug, Clone)]
pub struct Pointwise {
    /// Of one kernel, which binds the input and the output. Its section `activation` holds the function.
    pub forward: Function,
    /// Of one kernel, which binds what [`derivative`](Self::derivative) says, the gradient to the output and that to the
    /// input. Its section `gradient` holds the gradient.
    pub backward: Function,
    /// What the gradient is computed from.
    pub derivative: Derivative,
}

/// A function that other kernels may borrow: that of one kernel, or those of several, one after the other.
#[derive(Debug, Clone)]
pub struct Function {
    /// The kernels whose functions these are, in the order in which they are applied.
    pub kernels: Vec<Kernel>,
    /// The override constants in the functions' sections.
    pub constants: Vec<(&'static str, f64)>,
}

impl Function {
    /// The function of `kernel`, which has these constants.
    pub fn new(kernel: Kernel, constants: &[(&'static str, f32)]) -> Self {
        let constants = constants.iter().map(|(name, value)| (*name, f64::from(*value))).collect();
        Self { kernels: vec![kernel], constants }
    }

    /// This function and then `next`, if there is one. They must [fit](Self::fits) into one kernel.
    pub fn then(mut self, next: Option<&Self>) -> Self {
        if let Some(next) = next {
            self.kernels.extend(&next.kernels);
            self.constants.extend(&next.constants);
        }
        self
    }

    /// Whether a kernel can hold both functions: no constant of one has the name of one of the other's.
    pub fn fits(&self, other: &Self) -> bool {
        self.constants.iter().all(|(name, _)| other.constants.iter().all(|(taken, _)| taken != name))
    }
}

/// What the derivative of a function of one variable is computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Derivative {
    /// From the function's value: nobody need keep its input.
    Output,
    /// From the input: the output may be overwritten, the input not.
    Input,
}

/// The [`Operator`](super::Operator) of a function of one variable, for a type with a method
/// `pointwise(&self) -> Pointwise` and a registry name. `check` is a method that refuses bad settings.
macro_rules! operator {
    ($operator:ident, $check:expr) => {
        impl $crate::ops::Operator for $operator {
            fn name(&self) -> &'static str {
                <Self as $crate::ops::registry::FromAttributes>::NAME
            }

            fn output_shape(
                &self,
                inputs: &[$crate::shape::Shape],
            ) -> Result<$crate::shape::Shape, $crate::ops::Refusal> {
                $check(self)?;
                $crate::ops::single_input(inputs)
            }

            fn cost(
                &self,
                _inputs: &[$crate::shape::Shape],
                output: $crate::shape::Shape,
            ) -> $crate::ops::Cost {
                $crate::ops::elementwise::cost(output)
            }

            fn pointwise(&self) -> Option<$crate::ops::Pointwise> {
                Some(Self::pointwise(self))
            }

            fn fuses_activation(&self, _inputs: &[$crate::shape::Shape]) -> bool {
                true
            }

            fn reads_output(&self) -> bool {
                Self::pointwise(self).derivative == $crate::ops::Derivative::Output
            }

            fn forward(&self, pass: $crate::ops::Forward<'_>) -> Vec<$crate::ops::program::TensorId> {
                $crate::ops::elementwise::forward(pass, &Self::pointwise(self));
                vec![]
            }

            fn backward(&self, pass: $crate::ops::Backward<'_>) {
                $crate::ops::elementwise::backward(pass, &Self::pointwise(self));
            }
        }
    };
    ($operator:ident) => {
        $crate::ops::elementwise::operator!($operator, |_: &$operator| Ok::<(), $crate::ops::Refusal>(()));
    };
}
pub(crate) use operator;

/// A dispatch of `kernel` whose invocations take `quads` vec4 in turn; their number is its uniform.
pub(crate) fn over_quads(layer: &str, kernel: Kernel, quads: usize) -> Dispatch {
    Dispatch::new(layer, kernel).uniform(quads as u32).in_turn(quads, 1)
}

/// Appends the forward pass of a function of one variable, and of those that come after it: in place where output and
/// input are one tensor.
pub(crate) fn forward(pass: Forward<'_>, function: &Pointwise) {
    let (input, output) = (pass.inputs[0], pass.output);
    let whole = function.forward.clone().then(pass.activation);
    let quads = output.total_quads();
    let dispatch = if input.tensor == output.tensor {
        over_quads(pass.layer, kernel!("common/activation_in_place"), quads).wide().update(output.tensor)
    } else {
        over_quads(pass.layer, function.forward.kernels[0], quads).read(input.tensor).write(output.tensor)
    };
    let dispatch = dispatch.borrow("activation", &whole).channels(output.shape.channels);
    pass.program.push(dispatch.flops(elements(output)));
}

/// Appends the backward pass: in place where the gradient to the input is to lie where that to the output does.
pub(crate) fn backward(pass: Backward<'_>, function: &Pointwise) {
    let Some(grad_input) = pass.grad_inputs[0] else { return };
    let grad_output = pass.grad_output.tensor;
    let value = match function.derivative {
        Derivative::Output => pass.output.tensor,
        Derivative::Input => pass.inputs[0].tensor,
    };
    let quads = grad_input.total_quads();
    let dispatch = if grad_input.tensor == grad_output {
        over_quads(pass.layer, kernel!("common/gradient_in_place"), quads).read(value).update(grad_output)
    } else {
        over_quads(pass.layer, function.backward.kernels[0], quads)
            .read(value)
            .read(grad_output)
            .write(grad_input.tensor)
    };
    pass.program.push(dispatch.borrow("gradient", &function.backward).flops(elements(grad_input)));
}

/// The operands of a sum or a product, whose order does not matter, so that the one that is to go through a function comes
/// last, and that function.
pub(crate) fn operands<T>(
    operand: Option<(usize, &Function)>,
    [left, right]: [T; 2],
) -> (Option<&Function>, [T; 2]) {
    match operand {
        Some((0, function)) => (Some(function), [right, left]),
        other => (other.map(|(_, function)| function), [left, right]),
    }
}

/// How many elements a batch has, its padding left out.
pub(crate) fn elements(activation: Activation) -> u64 {
    (activation.batch * activation.shape.len()) as u64
}

/// One operation for each element: as is the custom, a function of one variable counts as one.
pub(crate) fn cost(output: Shape) -> Cost {
    Cost { flops: output.len() as u64 }
}

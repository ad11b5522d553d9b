//! PReLU: a ReLU whose slope for negative inputs is learned.

use super::elementwise;
use super::program::{Dispatch, Kernel, TensorId, kernel};
use super::reduce::{Parts, channel_splits};
use super::registry::{Attributes, FromAttributes};
use super::{Backward, Cost, Forward, Operator, ParameterSpec, Refusal, single_input};
use crate::network::Init;
use crate::shape::Shape;

/// PReLU: x where x > 0, otherwise a learned slope times x (He et al. 2015, arXiv:1502.01852).
///
/// Its parameter is `weight`, `[channels]`, or `[1]` where one slope serves all channels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prelu {
    shared: bool,
    init: f32,
}

impl Prelu {
    /// A slope for each channel, 0.25 before training.
    pub fn new() -> Self {
        Self { shared: false, init: 0.25 }
    }

    /// Whether one slope serves all channels.
    pub fn shared(mut self, shared: bool) -> Self {
        self.shared = shared;
        self
    }

    /// The slope before training.
    pub fn init(mut self, init: f32) -> Self {
        self.init = init;
        self
    }

    /// A dispatch with what all kernels are specialised for.
    fn dispatch(&self, layer: &str, kernel: Kernel, quads: usize) -> Dispatch {
        let shared = usize::from(self.shared);
        Dispatch::new(layer, kernel).size("QUADS", quads).size("SHARED", shared)
    }
}

impl Default for Prelu {
    fn default() -> Self {
        Self::new()
    }
}

impl FromAttributes for Prelu {
    const NAME: &'static str = "prelu";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        match attributes.parameter("weight") {
            Some([len]) => Ok(Self::new().shared(*len == 1)),
            Some(shape) => Err(format!("the weight has shape {shape:?}; it must be [channels] or [1]")),
            None => Err("there is no weight; its shape says whether each channel has a slope".into()),
        }
    }
}

impl Operator for Prelu {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        if !self.init.is_finite() {
            return Err(format!("the slope before training is {}; it must be a finite number", self.init));
        }
        single_input(inputs)
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let len = if self.shared { 1 } else { inputs[0].channels };
        vec![ParameterSpec::vector("weight", len, Init::Constant(self.init))]
    }

    fn reads_output(&self) -> bool {
        false
    }

    fn cost(&self, _inputs: &[Shape], output: Shape) -> Cost {
        elementwise::cost(output)
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        let output = pass.output;
        let dispatch = self
            .dispatch(pass.layer, kernel!("prelu/forward"), output.quads())
            .read(pass.inputs[0].tensor)
            .read(pass.parameters[0])
            .write(output.tensor)
            .uniform(output.total_quads() as u32)
            .in_turn(output.total_quads(), 1)
            .flops(elementwise::elements(output));
        pass.program.push(dispatch);
        vec![]
    }

    fn backward(&self, pass: Backward<'_>) {
        let (input, grad_output) = (pass.inputs[0], pass.grad_output);
        if let Some(grad_input) = pass.grad_inputs[0] {
            let dispatch = self
                .dispatch(pass.layer, kernel!("prelu/backward_input"), grad_input.quads())
                .read(input.tensor)
                .read(pass.parameters[0])
                .read(grad_output.tensor)
                .write(grad_input.tensor)
                .uniform(grad_input.total_quads() as u32)
                .in_turn(grad_input.total_quads(), 1)
                .flops(elementwise::elements(grad_input));
            pass.program.push(dispatch);
        }
        if let Some(grad_weight) = pass.grad_parameters[0] {
            // With one slope, all quads are terms of one sum.
            let quads = if self.shared { 1 } else { input.quads() };
            let pixels = input.total_quads() / quads;
            let (splits, uniform) = channel_splits(pass.program, pixels, quads);
            let parts = Parts::new(pass.program, pass.layer, grad_weight, splits, quads);
            let dispatch = self
                .dispatch(pass.layer, kernel!("prelu/backward_weight"), quads)
                .read(input.tensor)
                .read(grad_output.tensor)
                .write(parts.tensor)
                .uniform_sizes(&uniform)
                .invocations(quads * splits, 64)
                .flops(2 * elementwise::elements(input));
            pass.program.push(dispatch);
            parts.finish(pass.program, pass.layer);
        }
    }
}

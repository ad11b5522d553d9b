//! One pass through a convolution of known sizes, for which there are several variants.

use std::sync::Arc;

use super::super::choice::{self, Trial};
use super::super::elementwise::Function;
use super::super::operand::Operand;
use super::super::program::{Activation, ParameterLayout, Program, Storage, TensorId};
use super::super::weight::WeightShape;
use super::variant::{Place, Variant};
use super::{Convolution, Direction};
use crate::gpu::Capabilities;
use crate::shape::{Geometry, Shape};

/// The passes of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// From the layer's input to its output. The weight lies as this pass wants it.
    Forward,
    /// From the gradient to the output to that to the input, the other way through the convolution. The weight lies
    /// as the forward pass wants it.
    BackwardInput,
    /// From the input and the gradient to the output to the gradient to the weight.
    BackwardWeight,
}

/// A pass of a layer that goes through a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Problem {
    pub convolution: Convolution,
    /// Which way the layer's forward pass goes.
    pub direction: Direction,
    pub pass: Pass,
    pub batch: usize,
    pub storage: Storage,
}

/// What the forward pass and the gradient to the input read and write.
#[derive(Debug, Clone, Copy)]
pub(super) struct Image<'a> {
    /// The input, or the gradient to the output.
    pub input: Activation,
    /// The layer's weight.
    pub weight: TensorId,
    pub bias: Option<TensorId>,
    /// What the result goes through.
    pub activation: Option<&'a Function>,
    /// The output, or the gradient to the input.
    pub output: Activation,
}

/// What the gradient to the weight reads and writes.
#[derive(Debug, Clone, Copy)]
pub(super) struct WeightGradient {
    /// The layer's input.
    pub input: Activation,
    pub grad_output: Activation,
    pub grad_weight: TensorId,
}

impl Problem {
    pub fn new(
        convolution: &Convolution,
        direction: Direction,
        pass: Pass,
        batch: usize,
        storage: Storage,
    ) -> Self {
        Self { convolution: *convolution, direction, pass, batch, storage }
    }

    /// Which way the pass itself goes; the gradient to the weight belongs to the layer's way.
    pub fn way(&self) -> Direction {
        match self.pass {
            Pass::Forward | Pass::BackwardWeight => self.direction,
            Pass::BackwardInput => self.direction.turned(),
        }
    }

    /// The image that a forward pass or a gradient to the input reads.
    pub fn image_in(&self) -> Shape {
        self.convolution.image(self.way())
    }

    /// The image that it writes.
    pub fn image_out(&self) -> Shape {
        self.convolution.image(self.way().turned())
    }

    /// Appends the forward pass, or the gradient to the input, by the variant that is chosen.
    pub fn record_image(
        self,
        program: &mut Program,
        capabilities: &Capabilities,
        layer: &str,
        image: Image<'_>,
    ) {
        let variant = self.choose(program, capabilities);
        variant.image(&mut Place { program, layer, capabilities }, &self, image);
    }

    /// Appends the gradient to the weight by the variant that is chosen.
    pub fn record_weight(
        self,
        program: &mut Program,
        capabilities: &Capabilities,
        layer: &str,
        gradient: WeightGradient,
    ) {
        let variant = self.choose(program, capabilities);
        variant.weight(&mut Place { program, layer, capabilities }, &self, gradient);
    }

    /// The layer's weight as an operand of a trial.
    fn weight_operand(&self, program: &mut Program) -> Operand {
        let WeightShape { inputs, outputs, groups, .. } = self.convolution.weight(self.direction);
        let layout = self.convolution.layout(self.direction);
        let [rows, columns] = match layout {
            ParameterLayout::TransposedWeight { .. } => [inputs, outputs / groups],
            ParameterLayout::Weight | ParameterLayout::Vector => [outputs, inputs / groups],
        };
        let [height, width] = self.convolution.geometry.kernel;
        Operand::parameter(program, "weight", layout, [rows, columns, height, width])
    }

    /// The layer's weight as the kernels of a forward pass or a gradient to the input want it: `[kh][kw][in][out]` of
    /// their own pass.
    pub fn own_weight(&self, place: &mut Place<'_>, weight: TensorId) -> TensorId {
        match self.pass {
            Pass::BackwardInput => {
                self.convolution.weight(self.direction).transposed(place.program, place.layer, weight)
            }
            Pass::Forward | Pass::BackwardWeight => weight,
        }
    }

    fn choose(self, program: &mut Program, capabilities: &Capabilities) -> Variant {
        let candidate = program.choose(Arc::new(self), capabilities);
        Variant::candidates(&self, capabilities)[candidate]
    }
}

impl choice::Problem for Problem {
    fn key(&self) -> String {
        let Self { convolution, direction, pass, batch, storage } = self;
        let Convolution { geometry, groups, inputs, outputs } = convolution;
        let Geometry { kernel, stride, dilation, padding, input, output } = geometry;
        format!(
            "{direction:?} {pass:?} n{batch} {inputs}x{}x{} {outputs}x{}x{} k{kernel:?} s{stride:?} d{dilation:?} \
             p{padding:?} g{groups} {storage:?}",
            input[0], input[1], output[0], output[1],
        )
    }

    fn candidates(&self, capabilities: &Capabilities) -> Vec<String> {
        Variant::candidates(self, capabilities).iter().map(Variant::name).collect()
    }

    fn estimates(&self, capabilities: &Capabilities) -> Vec<f64> {
        let variants = Variant::candidates(self, capabilities);
        variants.iter().map(|variant| variant.estimate(self, capabilities)).collect()
    }

    fn trial(&self, program: &mut Program, capabilities: &Capabilities, candidate: usize) -> Trial {
        let Self { convolution, direction, pass, batch, storage } = *self;
        program.storage = storage;
        let input = program.activation("input", convolution.image(direction), batch);
        let output = program.activation("output", convolution.image(direction.turned()), batch);
        let shape = convolution.weight(direction);
        let weight = self.weight_operand(program);
        let variants = Variant::candidates(self, capabilities);
        let variant = variants[candidate.min(variants.len() - 1)];
        let layer = "trial";
        let place = &mut Place { program, layer, capabilities };
        let taps = convolution.geometry.taps();
        let kernel = weight.tensor();
        let image = |input, output| Image { input, weight: kernel, bias: None, activation: None, output };
        let [of_input, of_output] = [input, output].map(Operand::Activation);
        match pass {
            Pass::Forward => {
                variant.image(place, self, image(input, output));
                let terms = shape.inputs / shape.groups * taps;
                Trial { operands: vec![of_input, weight], result: of_output, terms }
            }
            Pass::BackwardInput => {
                variant.image(place, self, image(output, input));
                let terms = shape.outputs / shape.groups * taps;
                Trial { operands: vec![of_output, weight], result: of_input, terms }
            }
            Pass::BackwardWeight => {
                let gradient = WeightGradient { input, grad_output: output, grad_weight: kernel };
                variant.weight(place, self, gradient);
                let terms = output.pixels().max(input.pixels());
                Trial { operands: vec![of_input, of_output], result: weight, terms }
            }
        }
    }
}

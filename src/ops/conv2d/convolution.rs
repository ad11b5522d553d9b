//! A convolution of known sizes: which kernels it runs on, and the passes of a layer that goes through it.

use super::super::elementwise::Function;
use super::super::matmul::{self, Variant};
use super::super::program::{Activation, ParameterLayout, Program, TensorId};
use super::super::reduce::{MAX_TERMS, sum_pixels};
use super::super::weight::WeightShape;
use super::super::{Backward, Forward, Refusal};
use super::depthwise::{self, Steps};
use super::product;
use crate::shape::Geometry;

/// A convolution of known sizes. A transposed convolution goes through one from its end to its beginning: what it
/// calls its input is then the image of the positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Convolution {
    /// The window on the image that it slides over.
    pub geometry: Geometry,
    /// The groups of channels.
    pub groups: usize,
    /// The channels of the image that it slides over.
    pub inputs: usize,
    /// The channels of the image of its positions.
    pub outputs: usize,
}

/// Which way a layer goes through its convolution in its forward pass; in its backward pass it goes the other way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the image under the window to that of the positions: convolution.
    Forward,
    /// The other way: transposed convolution.
    Transposed,
}

impl Direction {
    fn turned(self) -> Self {
        match self {
            Self::Forward => Self::Transposed,
            Self::Transposed => Self::Forward,
        }
    }
}

/// Which kernels a convolution runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kernels {
    /// A window of one pixel that touches each pixel once: a matrix product.
    Pointwise,
    /// One input channel in each group.
    Depthwise(Steps),
    /// An implicit matrix product, for each group.
    Product,
}

/// Where the dispatches of a layer go.
pub(super) struct Place<'a> {
    pub program: &'a mut Program,
    pub layer: &'a str,
    pub variant: Variant,
}

/// What a pass through a convolution reads and writes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operands<'a> {
    pub input: Activation,
    pub weight: TensorId,
    pub bias: Option<TensorId>,
    /// What the result goes through.
    pub activation: Option<&'a Function>,
    pub output: Activation,
}

/// Checks that `groups` divides the channels on both sides of a layer.
///
/// # Errors
/// Says which numbers of groups would.
pub(crate) fn check_groups(groups: usize, inputs: usize, outputs: usize) -> Result<(), Refusal> {
    if outputs == 0 {
        return Err("out_channels is 0; it must be at least 1".into());
    }
    let fits = |groups: usize| inputs.is_multiple_of(groups) && outputs.is_multiple_of(groups);
    if groups == 0 || !fits(groups) {
        let fitting: Vec<_> = (1..=inputs.min(outputs)).filter(|g| fits(*g)).map(|g| g.to_string()).collect();
        return Err(format!(
            "groups is {groups}; it must divide the {inputs} input channels and the {outputs} output channels: \
             {} would fit",
            fitting.join(", "),
        ));
    }
    Ok(())
}

impl Convolution {
    /// How the weight of a layer that goes through in this direction lies in device memory: so that its forward
    /// pass finds it as it wants it.
    pub fn layout(&self, direction: Direction) -> ParameterLayout {
        match (direction, self.kernels()) {
            (Direction::Transposed, Kernels::Pointwise | Kernels::Product) => {
                ParameterLayout::TransposedWeight { groups: self.groups }
            }
            _ => ParameterLayout::Weight,
        }
    }

    /// Floating-point operations on one sample, a multiply-add counted as two.
    pub fn flops(&self) -> u64 {
        let positions = self.geometry.output[0] * self.geometry.output[1];
        let terms = self.inputs / self.groups * self.geometry.taps();
        2 * (positions * self.outputs * terms) as u64
    }

    /// Appends the forward pass of a layer whose parameters are a weight and perhaps a bias.
    pub fn forward(&self, pass: Forward<'_>, direction: Direction) {
        if self.kernels() == Kernels::Pointwise {
            return matmul::layer_forward(pass);
        }
        let operands = Operands {
            input: pass.inputs[0],
            weight: pass.parameters[0],
            bias: pass.parameters.get(1).copied(),
            activation: pass.activation,
            output: pass.output,
        };
        let variant = Variant::choose(pass.capabilities);
        self.pass(&mut Place { program: pass.program, layer: pass.layer, variant }, direction, operands);
    }

    /// Appends the backward pass of such a layer.
    pub fn backward(&self, pass: Backward<'_>, direction: Direction) {
        if self.kernels() == Kernels::Pointwise {
            return matmul::layer_backward(pass);
        }
        let Backward { program, layer, grad_output, .. } = pass;
        let input = pass.inputs[0];
        let place = &mut Place { program, layer, variant: Variant::choose(pass.capabilities) };
        if let Some(grad_input) = pass.grad_inputs[0] {
            let weight = self.turned_weight(place, direction, pass.parameters[0]);
            let operands =
                Operands { input: grad_output, weight, bias: None, activation: None, output: grad_input };
            self.pass(place, direction.turned(), operands);
        }
        if let Some(grad_weight) = pass.grad_parameters[0] {
            let images = match direction {
                Direction::Forward => [input, grad_output],
                Direction::Transposed => [grad_output, input],
            };
            self.backward_weight(place, direction, images, grad_weight);
        }
        if let Some(Some(grad_bias)) = pass.grad_parameters.get(1) {
            sum_pixels(place.program, layer, grad_output, *grad_bias);
        }
    }

    /// The sizes of the weight of a layer that goes through in this direction.
    fn weight(&self, direction: Direction) -> WeightShape {
        let Self { geometry, groups, inputs, outputs } = *self;
        let [inputs, outputs] = match direction {
            Direction::Forward => [inputs, outputs],
            Direction::Transposed => [outputs, inputs],
        };
        WeightShape { inputs, outputs, groups, taps: geometry.taps() }
    }

    fn kernels(&self) -> Kernels {
        let Geometry { kernel, stride, padding, input, output, .. } = self.geometry;
        if self.groups == 1 && (kernel, stride, padding) == ([1; 2], [1; 2], [0; 4]) && input == output {
            return Kernels::Pointwise;
        }
        // The depthwise kernels do not split this sum.
        let terms = self.geometry.taps() * (self.outputs / self.inputs);
        match Steps::of(&self.geometry) {
            Some(steps) if self.groups > 1 && self.groups == self.inputs && terms <= MAX_TERMS => {
                Kernels::Depthwise(steps)
            }
            _ => Kernels::Product,
        }
    }

    /// Appends one pass through the convolution.
    fn pass(&self, place: &mut Place<'_>, direction: Direction, operands: Operands<'_>) {
        match self.kernels() {
            Kernels::Depthwise(steps) => depthwise::pass(place, self, steps, direction, operands),
            Kernels::Pointwise | Kernels::Product => product::pass(place, self, direction, operands),
        }
    }

    /// The weight with which the backward pass goes through the convolution.
    fn turned_weight(&self, place: &mut Place<'_>, direction: Direction, weight: TensorId) -> TensorId {
        match self.kernels() {
            // Its kernels are of either direction.
            Kernels::Depthwise(_) => weight,
            Kernels::Pointwise | Kernels::Product => {
                self.weight(direction).transposed(place.program, place.layer, weight)
            }
        }
    }

    /// Appends the gradient to the weight from the images under the window and of the positions, of which one is the
    /// layer's input and the other the gradient to its output.
    fn backward_weight(
        &self,
        place: &mut Place<'_>,
        direction: Direction,
        images: [Activation; 2],
        grad_weight: TensorId,
    ) {
        match (self.kernels(), direction) {
            (Kernels::Depthwise(steps), _) => {
                depthwise::backward_weight(place, self, steps, images, grad_weight);
            }
            (_, Direction::Forward) => product::backward_weight(place, self, images, grad_weight),
            (_, Direction::Transposed) => {
                let shape = self.weight(Direction::Forward);
                let turned =
                    shape.tensor(place.program, format!("{}.weight.gradient (transposed)", place.layer));
                product::backward_weight(place, self, images, turned);
                shape.transpose(place.program, place.layer, turned, grad_weight);
            }
        }
    }
}

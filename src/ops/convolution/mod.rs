//! The passes of convolutions, which conv2d, conv_transpose2d and linear share. No operator of its own.
//!
//! A [`Convolution`] is the sizes; a [`Problem`] one pass through it, for which there are several [`Variant`]s.

mod cooperative;
mod cut;
mod depthwise;
mod depthwise_rows;
mod gathered;
mod pointwise;
mod problem;
mod product;
mod sizes;
mod slide;
mod subgroup;
mod tile;
mod tiling;
mod variant;
mod winograd;

use super::program::ParameterLayout;
use super::reduce::sum_pixels;
use super::weight::WeightShape;
use super::{Backward, Forward, Refusal};
use crate::shape::{Geometry, Shape};
use problem::{Image, Pass, Problem, WeightGradient};

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
    /// A matrix product over vectors of features: a linear layer.
    pub fn of_features(inputs: usize, outputs: usize) -> Self {
        let geometry = Geometry {
            kernel: [1; 2],
            stride: [1; 2],
            dilation: [1; 2],
            padding: [0; 4],
            input: [1; 2],
            output: [1; 2],
        };
        Self { geometry, groups: 1, inputs, outputs }
    }

    /// How the weight of a layer that goes through in this direction lies in device memory: so that its forward
    /// pass finds it as it wants it.
    pub fn layout(&self, direction: Direction) -> ParameterLayout {
        // The depthwise kernels are of either direction.
        if direction == Direction::Forward || depthwise::Steps::of(self).is_some() {
            ParameterLayout::Weight
        } else {
            ParameterLayout::TransposedWeight { groups: self.groups }
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
        let Forward { program, capabilities, layer, .. } = pass;
        let image = Image {
            input: pass.inputs[0],
            weight: pass.parameters[0],
            bias: pass.parameters.get(1).copied(),
            activation: pass.activation,
            output: pass.output,
        };
        let problem = Problem::new(self, direction, Pass::Forward, pass.output.batch, program.storage);
        problem.record_image(program, capabilities, layer, image);
    }

    /// Appends the backward pass of such a layer.
    pub fn backward(&self, pass: Backward<'_>, direction: Direction) {
        let Backward { program, capabilities, layer, grad_output, .. } = pass;
        let of = |pass: Pass, storage| Problem::new(self, direction, pass, grad_output.batch, storage);
        if let Some(grad_input) = pass.grad_inputs[0] {
            let weight = pass.parameters[0];
            let image =
                Image { input: grad_output, weight, bias: None, activation: None, output: grad_input };
            of(Pass::BackwardInput, program.storage).record_image(program, capabilities, layer, image);
        }
        if let Some(grad_weight) = pass.grad_parameters[0] {
            let gradient = WeightGradient { input: pass.inputs[0], grad_output, grad_weight };
            of(Pass::BackwardWeight, program.storage).record_weight(program, capabilities, layer, gradient);
        }
        if let Some(Some(grad_bias)) = pass.grad_parameters.get(1) {
            sum_pixels(program, layer, grad_output, *grad_bias);
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

    /// The image that a pass through it begins with in this direction.
    fn image(&self, direction: Direction) -> Shape {
        let ([height, width], channels) = match direction {
            Direction::Forward => (self.geometry.input, self.inputs),
            Direction::Transposed => (self.geometry.output, self.outputs),
        };
        Shape::new(channels, height, width)
    }

    /// Whether it is a product with one matrix for each pixel: a window of one pixel that touches each pixel once.
    fn is_pointwise(&self) -> bool {
        let Geometry { kernel, stride, padding, input, output, .. } = self.geometry;
        self.groups == 1 && (kernel, stride, padding) == ([1; 2], [1; 2], [0; 4]) && input == output
    }
}

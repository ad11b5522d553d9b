//! Normalisation by a mean and a deviation, which batch_norm and group_norm share. No operator of its own.

use super::elementwise::elements;
use super::program::{Activation, Dispatch, Kernel, Program, TensorId, kernel};
use super::reduce::splits;
use super::registry::Attributes;
use super::{Function, ParameterSpec, Refusal};
use crate::network::Init;

/// The invocations of a workgroup of the kernels here.
const WORKGROUP: usize = 64;

/// How many pixels an invocation should have at least.
const LEAST: usize = 16;

/// The size of a mean with an inverse deviation, or of two means, for a quad of channels.
const PAIR_BYTES: usize = 32;

/// How many operations each of the passes does for an element.
const MOMENTS_FLOPS: u64 = 4;
const FORWARD_FLOPS: u64 = 4;
const BACKWARD_WEIGHT_FLOPS: u64 = 5;
const BACKWARD_INPUT_FLOPS: u64 = 7;

/// What is added to the variance, and whether there is a weight and a bias: settings of every normalisation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Settings {
    pub eps: f32,
    pub affine: bool,
}

impl Default for Settings {
    /// PyTorch's.
    fn default() -> Self {
        Self { eps: 1e-5, affine: true }
    }
}

impl Settings {
    /// Reads `eps`; there is a weight and a bias if they come with the attributes.
    ///
    /// # Errors
    /// Where `eps` is not a number.
    pub fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        let default = Self::default();
        Ok(Self {
            eps: attributes.f64("eps", default.eps.into())? as f32,
            affine: attributes.parameter("weight").is_some(),
        })
    }

    /// Checks `eps`.
    ///
    /// # Errors
    /// Says what would be accepted.
    pub fn check(&self) -> Result<(), Refusal> {
        match self.eps.is_finite() && self.eps >= 0.0 {
            true => Ok(()),
            false => Err(format!("eps is {}; it must be a number from 0", self.eps)),
        }
    }

    /// The weight, ones before training, and the bias, zeros, of `channels` channels.
    pub fn parameters(&self, channels: usize) -> Vec<ParameterSpec> {
        match self.affine {
            true => vec![
                ParameterSpec::vector("weight", channels, Init::Constant(1.0)),
                ParameterSpec::bias(channels),
            ],
            false => vec![],
        }
    }
}

/// The operations of one sample forward, of so many elements.
pub(crate) fn flops(elements: usize) -> u64 {
    (MOMENTS_FLOPS + FORWARD_FLOPS) * elements as u64
}

/// As many lanes, a power of two, as share a sum of `terms` terms in one workgroup.
pub(crate) fn lanes(terms: usize) -> usize {
    terms.next_power_of_two().min(WORKGROUP)
}

/// A dispatch of a kernel that joins sums: `lanes` invocations for each of `columns` of them.
pub(crate) fn join(layer: &str, kernel: Kernel, columns: usize, lanes: usize) -> Dispatch {
    Dispatch::new(layer, kernel).groups(columns.div_ceil(WORKGROUP / lanes))
}

/// The pixels of a batch in sections, each of which has statistics of its own and is split over workgroups.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sections {
    of: Activation,
    /// How many there are.
    count: usize,
    /// The pixels of each.
    pixels: usize,
    /// Whether the samples that are not real are left out.
    limited: bool,
    /// How many ranges each is split in, and how many pixels such a range has.
    pub splits: usize,
    pub span: usize,
}

impl Sections {
    /// One section, the whole batch; the padding counts unless `limited`. It is split so that about `wanted` workgroups
    /// have work.
    pub fn batch(of: Activation, limited: bool, wanted: usize) -> Self {
        Self::new(of, 1, limited, wanted)
    }

    /// A section for each sample.
    pub fn samples(of: Activation, wanted: usize) -> Self {
        Self::new(of, of.batch, false, wanted)
    }

    fn new(of: Activation, count: usize, limited: bool, wanted: usize) -> Self {
        let pixels = of.pixels() / count.max(1);
        let (across, lanes) = Self::workgroups(of);
        let terms = pixels.div_ceil(lanes);
        let span = terms.div_ceil(splits(terms, LEAST, count * across, wanted)) * lanes;
        Self { of, count, pixels, limited, splits: pixels.div_ceil(span), span }
    }

    /// The same in as many ranges as suit a pass that writes each element for itself.
    fn elementwise(&self, program: &Program) -> Self {
        Self::new(self.of, self.count, self.limited, program.workgroups_in_turn)
    }

    /// How many workgroups lie side by side over the quads of a pixel, and how many invocations of each share a quad.
    fn workgroups(of: Activation) -> (usize, usize) {
        let columns = lanes(of.quads());
        (of.quads().div_ceil(columns), WORKGROUP / columns)
    }

    /// All ranges of all sections.
    pub fn ranges(&self) -> usize {
        self.count * self.splits
    }

    /// A tensor with a mean and an inverse deviation, or with two means, for each channel of each section.
    pub fn statistics(&self, program: &mut Program, label: String) -> TensorId {
        program.tensor(label, self.count * self.of.quads() * PAIR_BYTES)
    }

    /// A dispatch of the workgroups that the ranges have. All sizes are in its uniform, so that the layers of a network
    /// share one pipeline.
    fn dispatch(&self, layer: &str, kernel: Kernel, flops: u64) -> Dispatch {
        let (across, lanes) = Self::workgroups(self.of);
        Dispatch::new(layer, kernel)
            .constant("LIMITED", self.limited)
            .flops(flops * elements(self.of))
            .uniform_sizes(&[
                self.of.quads(),
                WORKGROUP / lanes,
                self.of.shape.pixels(),
                self.count,
                self.pixels,
                self.span,
                self.splits,
            ])
            .groups(self.ranges() * across)
    }
}

/// A normalisation in one pass of one layer.
pub(crate) struct Normalization<'a> {
    pub layer: &'a str,
    pub sections: Sections,
    /// Weight and bias.
    pub affine: Option<[TensorId; 2]>,
    /// The step's state.
    pub step: TensorId,
}

impl Normalization<'_> {
    /// Appends the pass over `x` that measures each range: mean and Σ (x − mean)² of each channel.
    pub fn moments(&self, program: &mut Program, x: Activation) -> TensorId {
        let Self { layer, sections, step, .. } = self;
        let bytes = sections.ranges() * x.quads() * PAIR_BYTES;
        let moments = program.tensor(format!("{layer}.moments"), bytes);
        let dispatch = sections
            .dispatch(layer, kernel!("common/channel_moments"), MOMENTS_FLOPS)
            .read(x.tensor)
            .read(*step)
            .write(moments);
        program.push(dispatch);
        moments
    }

    /// Appends the pass that normalises `x`, and ends with a function if there is one.
    pub fn forward(
        &self,
        program: &mut Program,
        x: Activation,
        statistics: TensorId,
        y: Activation,
        activation: Option<&Function>,
    ) {
        let dispatch = self.normalize(program, [x, y], statistics, false).activation(activation);
        program.push(dispatch);
    }

    /// Appends the gradient to the input where the statistics do not depend on it.
    pub fn backward_input_given(
        &self,
        program: &mut Program,
        grad_output: Activation,
        statistics: TensorId,
        grad_input: Activation,
    ) {
        let dispatch = self.normalize(program, [grad_output, grad_input], statistics, true);
        program.push(dispatch);
    }

    fn normalize(
        &self,
        program: &Program,
        [x, y]: [Activation; 2],
        statistics: TensorId,
        linear: bool,
    ) -> Dispatch {
        // Something must be bound; where there is no weight and bias it is not read.
        let [weight, bias] = self.affine.unwrap_or([statistics; 2]);
        self.sections
            .elementwise(program)
            .dispatch(self.layer, kernel!("common/normalize"), FORWARD_FLOPS)
            .uniform(x.shape.channels as u32)
            .constant("AFFINE", self.affine.is_some())
            .constant("LINEAR", linear)
            .read(x.tensor)
            .read(statistics)
            .read(weight)
            .read(bias)
            .read(self.step)
            .write(y.tensor)
    }

    /// Appends the sums that make up the gradients to weight and bias: to each of the two places go as many vectors
    /// of channels as there are ranges.
    pub fn backward_weight(
        &self,
        program: &mut Program,
        [x, grad_output]: [Activation; 2],
        statistics: TensorId,
        [weight, bias]: [TensorId; 2],
    ) {
        let dispatch = self
            .sections
            .dispatch(self.layer, kernel!("common/normalize_backward_weight"), BACKWARD_WEIGHT_FLOPS)
            .read(x.tensor)
            .read(grad_output.tensor)
            .read(statistics)
            .read(self.step)
            .write(bias)
            .write(weight);
        program.push(dispatch);
    }

    /// Appends the gradient to the input where the statistics depend on it; `means` are what it subtracts.
    pub fn backward_input(
        &self,
        program: &mut Program,
        [x, grad_output]: [Activation; 2],
        [statistics, means]: [TensorId; 2],
        grad_input: Activation,
    ) {
        let dispatch = self
            .sections
            .elementwise(program)
            .dispatch(self.layer, kernel!("common/normalize_backward_input"), BACKWARD_INPUT_FLOPS)
            .constant("AFFINE", self.affine.is_some())
            .read(x.tensor)
            .read(grad_output.tensor)
            .read(statistics)
            .read(self.affine.map_or(statistics, |[weight, _]| weight))
            .read(means)
            .read(self.step)
            .write(grad_input.tensor);
        program.push(dispatch);
    }
}

//! Batch normalisation.

use super::normalize::{self, Normalization, Sections, Settings};
use super::program::{Activation, Dispatch, ParameterLayout, Program, TensorId, kernel, quads};
use super::registry::{Attributes, FromAttributes};
use super::{Backward, Cost, Fold, Forward, Operator, ParameterSpec, Refusal, single_input};
use crate::shape::Shape;

/// The invocations of a workgroup of the kernel for running statistics.
const RUNNING: usize = 64;

/// `y = (x − mean) / √(variance + eps) · weight + bias` for each channel (Ioffe and Szegedy 2015, arXiv:1502.03167),
/// with PyTorch's semantics.
///
/// In training, mean and variance are those of the batch, taken over all its samples and pixels; the variance is
/// the biased one. Outside training they are `running_mean` and `running_var`, buffers that follow the batches of
/// training: `running ← (1 − momentum) · running + momentum · new`, the new variance being the unbiased one. Samples
/// that a batch lacks to its full size do not count, and their output is zero.
///
/// Its parameters are `weight` and `bias`, `[channels]`, and the buffers `running_mean` and `running_var`,
/// `[channels]`. A training step needs at least two values for each channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchNorm {
    pub(crate) settings: Settings,
    pub(crate) momentum: f32,
}

impl BatchNorm {
    /// With eps 10⁻⁵ and momentum 0.1, weight and bias.
    pub fn new() -> Self {
        Self { settings: Settings::default(), momentum: 0.1 }
    }

    /// What is added to the variance, 0 or more.
    pub fn eps(mut self, eps: f32) -> Self {
        self.settings.eps = eps;
        self
    }

    /// How much of the running statistics a batch replaces, from 0 to 1.
    pub fn momentum(mut self, momentum: f32) -> Self {
        self.momentum = momentum;
        self
    }

    /// Whether there is a weight and a bias.
    pub fn affine(mut self, affine: bool) -> Self {
        self.settings.affine = affine;
        self
    }

    /// The statistics of a training step, which updates the running ones.
    fn batch_statistics(
        &self,
        program: &mut Program,
        norm: &Normalization<'_>,
        input: Activation,
        running: [TensorId; 2],
    ) -> TensorId {
        let moments = norm.moments(program, input);
        let statistics = norm.sections.statistics(program, format!("{}.statistics", norm.layer));
        let Sections { splits, span, .. } = norm.sections;
        let lanes = normalize::lanes(splits);
        let dispatch = normalize::join(norm.layer, kernel!("batch_norm/statistics"), input.quads(), lanes)
            .constant("EPS", self.settings.eps)
            .constant("MOMENTUM", self.momentum)
            .read(moments)
            .read(norm.step)
            .write(statistics)
            .update(running[0])
            .update(running[1])
            .uniform_sizes(&[input.shape.channels, input.shape.pixels(), span, splits, lanes])
            .flops((12 * input.shape.channels * splits) as u64);
        program.push(dispatch);
        statistics
    }

    /// The running statistics, as normalisation takes them.
    fn running_statistics(
        &self,
        program: &mut Program,
        norm: &Normalization<'_>,
        input: Activation,
        running: [TensorId; 2],
    ) -> TensorId {
        let statistics = norm.sections.statistics(program, format!("{}.statistics", norm.layer));
        let dispatch = Dispatch::new(norm.layer, kernel!("batch_norm/running_statistics"))
            .constant("EPS", self.settings.eps)
            .read(running[0])
            .read(running[1])
            .write(statistics)
            .uniform(input.shape.channels as u32)
            .invocations(input.quads(), RUNNING)
            .flops(3 * input.shape.channels as u64);
        program.push(dispatch);
        statistics
    }
}

impl Default for BatchNorm {
    fn default() -> Self {
        Self::new()
    }
}

impl FromAttributes for BatchNorm {
    const NAME: &'static str = "batch_norm";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        let settings = Settings::from_attributes(attributes)?;
        Ok(Self { settings, momentum: attributes.f64("momentum", 0.1)? as f32 })
    }
}

/// The parameters by what they are: weight and bias where there are such, running mean and variance.
fn by_kind(parameters: &[TensorId]) -> Option<(Option<[TensorId; 2]>, [TensorId; 2])> {
    match parameters {
        [weight, bias, mean, variance] => Some((Some([*weight, *bias]), [*mean, *variance])),
        [mean, variance] => Some((None, [*mean, *variance])),
        _ => None,
    }
}

impl Operator for BatchNorm {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        let input = single_input(inputs)?;
        self.settings.check()?;
        if !(0.0..=1.0).contains(&self.momentum) {
            return Err(format!("momentum is {}; it must be from 0 to 1", self.momentum));
        }
        Ok(input)
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let channels = inputs.first().map_or(0, |input| input.channels);
        let mut parameters = self.settings.parameters(channels);
        parameters.push(ParameterSpec::buffer("running_mean", channels, 0.0));
        parameters.push(ParameterSpec::buffer("running_var", channels, 1.0));
        parameters
    }

    fn check_training(&self, inputs: &[Shape], samples: usize) -> Result<(), Refusal> {
        let pixels = single_input(inputs)?.pixels();
        if samples.saturating_mul(pixels) < 2 {
            return Err(format!(
                "a channel has {samples} x {pixels} (samples x pixels) values in a training step; its variance takes \
                 at least 2: more samples a step would do"
            ));
        }
        Ok(())
    }

    fn mixes_samples(&self, training: bool) -> bool {
        training
    }

    fn fuses_activation(&self, _inputs: &[Shape]) -> bool {
        true
    }

    fn reads_output(&self) -> bool {
        false
    }

    fn cost(&self, _inputs: &[Shape], output: Shape) -> Cost {
        Cost { flops: normalize::flops(output.len()) }
    }

    /// Returns the statistics.
    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        let Forward { program, layer, training, step, .. } = pass;
        let ([input], Some((affine, running))) = (pass.inputs, by_kind(pass.parameters)) else {
            return vec![];
        };
        let wanted = pass.capabilities.workgroups_wanted();
        let norm = Normalization { layer, sections: Sections::batch(*input, training, wanted), affine, step };
        let statistics = match training {
            true => self.batch_statistics(program, &norm, *input, running),
            false => self.running_statistics(program, &norm, *input, running),
        };
        norm.forward(program, *input, statistics, pass.output, pass.activation);
        vec![statistics]
    }

    fn backward(&self, pass: Backward<'_>) {
        let Backward { program, layer, training, grad_output, step, .. } = pass;
        let ([input], [statistics]) = (pass.inputs, pass.saved) else { return };
        let Some((affine, _)) = by_kind(pass.parameters) else { return };
        let wanted = pass.capabilities.workgroups_wanted();
        let norm = Normalization { layer, sections: Sections::batch(*input, training, wanted), affine, step };
        let grad_input = pass.grad_inputs.first().copied().flatten();
        let learned = affine.and(pass.grad_parameters.get(..2)).unwrap_or_default();
        if learned.iter().any(Option::is_some) || (training && grad_input.is_some()) {
            let means = self.backward_weight(program, &norm, [*input, grad_output], *statistics, learned);
            if let Some(grad_input) = grad_input.filter(|_| training) {
                norm.backward_input(program, [*input, grad_output], [*statistics, means], grad_input);
            }
        }
        if let Some(grad_input) = grad_input.filter(|_| !training) {
            norm.backward_input_given(program, grad_output, *statistics, grad_input);
        }
    }

    fn folds(&self) -> bool {
        true
    }

    fn fold(&self, fold: Fold<'_>) -> Option<[TensorId; 2]> {
        let Fold { program, layer, weight_shape, weight, bias, .. } = fold;
        let (affine, running) = by_kind(fold.parameters)?;
        let channels = *weight_shape.first()?;
        let floats = ParameterLayout::Weight.len(weight_shape);
        let folded_weight = program.tensor(format!("{layer}.folded_weight"), 4 * floats);
        let folded_bias = program.tensor(format!("{layer}.folded_bias"), 16 * quads(channels));
        // Something must be bound; what is not there is not read.
        let [norm_weight, norm_bias] = affine.unwrap_or(running);
        program.push(
            Dispatch::new(layer, kernel!("batch_norm/fold"))
                .constant("EPS", self.settings.eps)
                .constant("BIAS", bias.is_some())
                .constant("AFFINE", affine.is_some())
                .read(weight)
                .read(bias.unwrap_or(running[0]))
                .read(norm_weight)
                .read(norm_bias)
                .read(running[0])
                .read(running[1])
                .write(folded_weight)
                .write(folded_bias)
                .uniform_sizes(&[floats / (4 * quads(channels)), channels])
                .in_turn(floats / 4, 1)
                .flops(floats as u64),
        );
        Some([folded_weight, folded_bias])
    }
}

impl BatchNorm {
    /// Appends the gradients to weight and bias, for which `learned` has places where they are asked for, and
    /// returns the means that the gradient to the input subtracts.
    fn backward_weight(
        &self,
        program: &mut Program,
        norm: &Normalization<'_>,
        operands: [Activation; 2],
        statistics: TensorId,
        learned: &[Option<TensorId>],
    ) -> TensorId {
        let Normalization { layer, sections, affine, step } = norm;
        let (shape, quads) = (operands[0].shape, operands[0].quads());
        let mut vectors =
            |what: &str, count: usize| program.tensor(format!("{layer}.{what}"), 16 * quads * count);
        let parts = ["weight", "bias"].map(|of| vectors(&format!("{of}_parts"), sections.ranges()));
        let [grad_weight, grad_bias] = [0, 1].map(|i| {
            // The gradient to the input needs the sums even where weight and bias are frozen or not there.
            learned.get(i).copied().flatten().unwrap_or_else(|| vectors("sum", 1))
        });
        let means = sections.statistics(program, format!("{layer}.means"));
        norm.backward_weight(program, operands, statistics, parts);
        let lanes = normalize::lanes(sections.splits);
        let dispatch = normalize::join(layer, kernel!("batch_norm/backward_weight"), quads, lanes)
            .constant("AFFINE", affine.is_some())
            .read(parts[1])
            .read(parts[0])
            .read(affine.map_or(statistics, |[weight, _]| weight))
            .read(*step)
            .write(means)
            .write(grad_weight)
            .write(grad_bias)
            .uniform_sizes(&[quads, shape.pixels(), sections.splits, lanes])
            .flops((2 * shape.channels * sections.splits) as u64);
        program.push(dispatch);
        means
    }
}

//! Group normalisation, with instance and layer normalisation as its ends.

use super::normalize::{self, Normalization, Sections, Settings};
use super::program::{Activation, Program, TensorId, kernel};
use super::reduce::Parts;
use super::registry::{Attributes, FromAttributes};
use super::{Backward, Cost, Forward, Operator, ParameterSpec, Refusal, single_input};
use crate::gpu::Capabilities;
use crate::shape::Shape;

/// The most channels of a group: its kernels' lanes go through all of them.
const MAX_GROUP: usize = 1 << 20;

/// `y = (x − mean) / √(variance + eps) · weight + bias`, mean and (biased) variance taken over the pixels of each
/// group of channels of each sample (Wu and He 2018, arXiv:1803.08494), with PyTorch's semantics.
///
/// With as many groups as channels it is instance normalisation, with one group layer normalisation over a whole
/// sample. It does the same in training and outside. Its parameters are `weight` and `bias`, `[channels]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupNorm {
    pub(crate) groups: usize,
    pub(crate) settings: Settings,
}

impl GroupNorm {
    /// Over this many groups of channels, with eps 10⁻⁵, weight and bias.
    pub fn new(groups: usize) -> Self {
        Self { groups, settings: Settings::default() }
    }

    /// What is added to the variance, 0 or more.
    pub fn eps(mut self, eps: f32) -> Self {
        self.settings.eps = eps;
        self
    }

    /// Whether there is a weight and a bias.
    pub fn affine(mut self, affine: bool) -> Self {
        self.settings.affine = affine;
        self
    }

    /// The statistics of each group of each sample.
    fn statistics(&self, program: &mut Program, norm: &Normalization<'_>, input: Activation) -> TensorId {
        let moments = norm.moments(program, input);
        let statistics = norm.sections.statistics(program, format!("{}.statistics", norm.layer));
        let Sections { splits, span, .. } = norm.sections;
        let terms = input.shape.channels / self.groups * splits;
        let lanes = normalize::lanes(terms);
        let dispatch =
            normalize::join(norm.layer, kernel!("group_norm/statistics"), input.batch * self.groups, lanes)
                .constant("EPS", self.settings.eps)
                .read(moments)
                .write(statistics)
                .uniform_sizes(&[
                    input.shape.channels,
                    self.groups,
                    input.shape.pixels(),
                    input.batch,
                    span,
                    splits,
                    lanes,
                ])
                .flops((8 * input.batch * self.groups * terms) as u64);
        program.push(dispatch);
        statistics
    }

    /// The means that the gradient to the input subtracts, from the ranges' sums.
    fn means(
        &self,
        program: &mut Program,
        norm: &Normalization<'_>,
        input: Activation,
        [weight_parts, bias_parts]: [TensorId; 2],
    ) -> TensorId {
        let means = norm.sections.statistics(program, format!("{}.means", norm.layer));
        let Sections { splits, .. } = norm.sections;
        let terms = input.shape.channels / self.groups * splits;
        let lanes = normalize::lanes(terms);
        let dispatch = normalize::join(
            norm.layer,
            kernel!("group_norm/backward_means"),
            input.batch * self.groups,
            lanes,
        )
        .constant("AFFINE", norm.affine.is_some())
        .read(bias_parts)
        .read(weight_parts)
        // Something must be bound; without a weight it is not read.
        .read(norm.affine.map_or(bias_parts, |[weight, _]| weight))
        .write(means)
        .uniform_sizes(&[input.shape.channels, self.groups, input.shape.pixels(), input.batch, splits, lanes])
        .flops((4 * input.batch * self.groups * terms) as u64);
        program.push(dispatch);
        means
    }
}

/// The normalisation of a pass over a layer's input.
fn normalization<'a>(
    layer: &'a str,
    input: Activation,
    parameters: &[TensorId],
    step: TensorId,
    capabilities: &Capabilities,
) -> Normalization<'a> {
    let affine = parameters.first_chunk().copied();
    Normalization {
        layer,
        sections: Sections::samples(input, capabilities.workgroups_wanted()),
        affine,
        step,
    }
}

impl From<usize> for GroupNorm {
    fn from(groups: usize) -> Self {
        Self::new(groups)
    }
}

impl FromAttributes for GroupNorm {
    const NAME: &'static str = "group_norm";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        match attributes.usize("num_groups", 0)? {
            0 => Err("attribute num_groups is missing or 0; it must be at least 1".into()),
            groups => Ok(Self { groups, settings: Settings::from_attributes(attributes)? }),
        }
    }
}

impl Operator for GroupNorm {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        let input = single_input(inputs)?;
        self.settings.check()?;
        let channels = input.channels;
        if self.groups == 0 || !channels.is_multiple_of(self.groups) {
            let fitting: Vec<_> =
                (1..=channels).filter(|g| channels.is_multiple_of(*g)).map(|g| g.to_string()).collect();
            return Err(format!(
                "groups is {}; it must divide the {channels} channels: {} would fit",
                self.groups,
                fitting.join(", "),
            ));
        }
        let size = channels / self.groups;
        if size > MAX_GROUP {
            return Err(format!(
                "a group has {size} channels; it can have {MAX_GROUP}: more groups would fit"
            ));
        }
        Ok(input)
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        self.settings.parameters(inputs.first().map_or(0, |input| input.channels))
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
        let [input] = pass.inputs else { return vec![] };
        let norm = normalization(pass.layer, *input, pass.parameters, pass.step, pass.capabilities);
        let statistics = self.statistics(pass.program, &norm, *input);
        norm.forward(pass.program, *input, statistics, pass.output, pass.activation);
        vec![statistics]
    }

    fn backward(&self, pass: Backward<'_>) {
        let Backward { program, layer, grad_output, .. } = pass;
        let ([input], [statistics]) = (pass.inputs, pass.saved) else { return };
        let norm = normalization(layer, *input, pass.parameters, pass.step, pass.capabilities);
        let operands = [*input, grad_output];
        let quads = input.quads();
        let [weight, bias] = [0, 1].map(|i| {
            let asked = pass.grad_parameters.get(i).copied().flatten();
            // The gradient to the input needs the ranges' sums even where nobody asks for these gradients.
            let result = asked.unwrap_or_else(|| program.tensor(format!("{layer}.sum"), 16 * quads));
            (asked.is_some(), Parts::new(program, layer, result, norm.sections.ranges(), quads))
        });
        let parts = [weight.1.tensor, bias.1.tensor];
        norm.backward_weight(program, operands, *statistics, parts);
        if let Some(Some(grad_input)) = pass.grad_inputs.first() {
            let means = self.means(program, &norm, *input, parts);
            norm.backward_input(program, operands, [*statistics, means], *grad_input);
        }
        for (asked, parts) in [weight, bias] {
            if asked {
                parts.finish(program, layer);
            }
        }
    }
}

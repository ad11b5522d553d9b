//! The fully connected layer.

use super::convolution::{Convolution, Direction};
use super::program::TensorId;
use super::registry::{Attributes, FromAttributes};
use super::{Backward, Cost, Forward, Operator, ParameterSpec, Refusal, single_input};
use crate::network::Init;
use crate::shape::Shape;

/// `y[o] = bias[o] + Σ weight[o, i] · x[i]`.
///
/// Its input is a vector of features; an image goes through `flatten` before it. Its parameters are `weight`,
/// `[out, in]`, and `bias`, `[out]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Linear {
    pub(crate) out_features: usize,
    bias: bool,
    init: Init,
}

impl Linear {
    /// A layer to `out_features` features with a bias, and a weight from [`Init::KaimingNormal`].
    pub fn new(out_features: usize) -> Self {
        Self { out_features, bias: true, init: Init::KaimingNormal }
    }

    /// Whether there is a bias.
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// What the weight holds before training. The bias starts from 0.
    pub fn init(mut self, init: Init) -> Self {
        self.init = init;
        self
    }
}

impl From<usize> for Linear {
    fn from(out_features: usize) -> Self {
        Self::new(out_features)
    }
}

impl FromAttributes for Linear {
    const NAME: &'static str = "linear";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        match attributes.parameter("weight") {
            Some([out_features, _]) => {
                Ok(Self { bias: attributes.parameter("bias").is_some(), ..Self::new(*out_features) })
            }
            Some(shape) => Err(format!("the weight has shape {shape:?}; it must be [out, in]")),
            None => Err("there is no weight; its shape gives the output features".into()),
        }
    }
}

impl Operator for Linear {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        let input = single_input(inputs)?;
        if self.out_features == 0 {
            return Err("out_features is 0; it must be at least 1".into());
        }
        if input.pixels() != 1 {
            return Err(format!(
                "its input has shape {input}, but it takes features [n]: put flatten() before it"
            ));
        }
        Ok(Shape::features(self.out_features))
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let in_features = inputs.first().map_or(0, |input| input.channels);
        let mut parameters = vec![ParameterSpec::weight([self.out_features, in_features], self.init)];
        if self.bias {
            parameters.push(ParameterSpec::bias(self.out_features));
        }
        parameters
    }

    fn is_global(&self) -> bool {
        true
    }

    fn reads_output(&self) -> bool {
        false
    }

    fn fuses_activation(&self, _inputs: &[Shape]) -> bool {
        true
    }

    fn cost(&self, inputs: &[Shape], output: Shape) -> Cost {
        let in_features = inputs.first().map_or(0, |input| input.channels);
        Cost { flops: (output.channels * (2 * in_features + usize::from(self.bias))) as u64 }
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        let convolution = Convolution::of_features(pass.inputs[0].shape.channels, self.out_features);
        convolution.forward(pass, Direction::Forward);
        vec![]
    }

    fn backward(&self, pass: Backward<'_>) {
        let convolution = Convolution::of_features(pass.inputs[0].shape.channels, self.out_features);
        convolution.backward(pass, Direction::Forward);
    }
}

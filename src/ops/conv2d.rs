//! 2-D convolution (cross-correlation, as everywhere in deep learning).

use super::convolution::{Convolution, Direction, check_groups};
use super::program::TensorId;
use super::registry::{Attributes, FromAttributes};
use super::window::{self, window_setters};
use super::{Backward, Cost, Forward, Operator, ParameterSpec, Refusal, single_input};
use crate::network::Init;
use crate::shape::{Geometry, Padding, Pair, Shape, Window};

/// `y[o, oy, ox] = bias[o] + Σ weight[o, i, kh, kw] · x[i, oy·stride + kh·dilation − padding, …]`, the sum over
/// the input channels of o's group and the taps of the kernel.
///
/// Its parameters are `weight`, `[out, in / groups, kh, kw]`, and `bias`, `[out]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conv2d {
    out_channels: usize,
    window: Window,
    groups: usize,
    bias: bool,
    init: Init,
}

impl Conv2d {
    /// A convolution to `out_channels` channels with a `kernel` (height and width): stride 1, no padding, one
    /// group, with a bias, and a weight from [`Init::KaimingNormal`].
    pub fn new(out_channels: usize, kernel: impl Into<Pair>) -> Self {
        Self { out_channels, window: Window::new(kernel), groups: 1, bias: true, init: Init::KaimingNormal }
    }

    /// Pads so that with stride 1 the size is kept: [`Padding::Same`].
    pub fn same(self) -> Self {
        self.padding(Padding::Same)
    }

    /// The number of groups into which the channels are split; an output channel sees only the inputs of its
    /// group.
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
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

window_setters!(Conv2d: stride, padding, dilation, strict);

impl FromAttributes for Conv2d {
    const NAME: &'static str = "conv2d";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        let [out_channels, _, kernel_height, kernel_width] = match attributes.parameter("weight") {
            Some(shape) => shape.try_into().map_err(|_| {
                format!("the weight has shape {shape:?}; it must be [out, in / groups, kh, kw]")
            })?,
            None => {
                return Err("there is no weight; its shape gives the output channels and the kernel".into());
            }
        };
        let kernel = [kernel_height, kernel_width];
        let window = Window { strict: attributes.bool("strict", false)?, ..Window::new(kernel) };
        Ok(Self {
            window: window::from_attributes(attributes, window)?,
            groups: attributes.usize("groups", 1)?,
            bias: attributes.parameter("bias").is_some(),
            ..Self::new(out_channels, 1)
        })
    }
}

impl Operator for Conv2d {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        let convolution = self.convolution(inputs)?;
        let [height, width] = convolution.geometry.output;
        Ok(Shape::new(convolution.outputs, height, width))
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let in_channels = inputs.first().map_or(0, |input| input.channels);
        let [kernel_height, kernel_width] = self.window.kernel;
        let shape = [self.out_channels, in_channels / self.groups.max(1), kernel_height, kernel_width];
        let mut parameters = vec![ParameterSpec::weight(shape, self.init)];
        if self.bias {
            parameters.push(ParameterSpec::bias(self.out_channels));
        }
        parameters
    }

    fn geometry(&self, inputs: &[Shape]) -> Option<Geometry> {
        self.convolution(inputs).ok().map(|convolution| convolution.geometry)
    }

    fn reads_output(&self) -> bool {
        false
    }

    fn fuses_activation(&self, _inputs: &[Shape]) -> bool {
        true
    }

    fn cost(&self, inputs: &[Shape], output: Shape) -> Cost {
        let products = self.convolution(inputs).map_or(0, |convolution| convolution.flops());
        Cost { flops: products + (usize::from(self.bias) * output.len()) as u64 }
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        // What does not fit was refused by the shape rule.
        if let Ok(convolution) = self.convolution(&[pass.inputs[0].shape]) {
            convolution.forward(pass, Direction::Forward);
        }
        vec![]
    }

    fn backward(&self, pass: Backward<'_>) {
        if let Ok(convolution) = self.convolution(&[pass.inputs[0].shape]) {
            convolution.backward(pass, Direction::Forward);
        }
    }
}

impl Conv2d {
    /// The convolution of an input.
    ///
    /// # Errors
    /// Those of the shape rule.
    pub(crate) fn convolution(&self, inputs: &[Shape]) -> Result<Convolution, Refusal> {
        let input = single_input(inputs)?;
        check_groups(self.groups, input.channels, self.out_channels)?;
        Ok(Convolution {
            geometry: self.window.over([input.height, input.width])?,
            groups: self.groups,
            inputs: input.channels,
            outputs: self.out_channels,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_size_is_too_large_to_be_refused() {
        let message = Conv2d::new(4, usize::MAX).output_shape(&[Shape::new(6, 8, 8)]).unwrap_err();
        assert!(message.contains("kernel is 18446744073709551615"), "{message}");
    }

    #[test]
    fn the_weight_gives_channels_and_kernel() {
        let attributes = Attributes::from_json(r#"{"groups": 2, "stride": [1, 2], "padding": [0, 1, 2, 3]}"#);
        let attributes = attributes.unwrap().with_parameter("weight", &[6, 2, 5, 3]);
        let conv = Conv2d::from_attributes(&attributes).unwrap();
        assert_eq!(conv, Conv2d::new(6, [5, 3]).groups(2).stride([1, 2]).padding([0, 1, 2, 3]).bias(false));
        let inputs = [Shape::new(4, 7, 7)];
        assert_eq!(conv.output_shape(&inputs), Ok(Shape::new(6, 5, 5)));
        assert_eq!(conv.parameters(&inputs)[0].shape, [6, 2, 5, 3]);
        assert_eq!(conv.cost(&inputs, Shape::new(6, 5, 5)).flops, 6 * 25 * 2 * 30);
    }
}

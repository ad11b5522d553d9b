//! Transposed convolution: convolution from its output to its input, to make an image larger.
//!
//! It runs on the kernels of [`conv2d`](super::conv2d): its forward pass is that operator's gradient to the input, its
//! gradient to the input that operator's forward pass, and its gradient to the weight that of convolution with the
//! two images exchanged.

use super::convolution::{Convolution, Direction, check_groups};
use super::program::TensorId;
use super::registry::{Attributes, FromAttributes};
use super::window::{self, window_setters};
use super::{Backward, Cost, Forward, Operator, ParameterSpec, Refusal, single_input};
use crate::network::Init;
use crate::shape::{Geometry, Pair, Shape, Window, effective_kernel};

/// `y[o, iy·stride + kh·dilation − padding, …] = bias[o] + Σ weight[i, o, kh, kw] · x[i, iy, ix]`, the sum over the
/// input channels of o's group, the positions and the taps of the kernel that lead there
/// (Dumoulin and Visin 2016, arXiv:1603.07285).
///
/// Along an axis, n pixels become `(n − 1) · stride − padding + (kernel − 1) · dilation + 1 + output_padding`, with the
/// padding of both sides, which cuts pixels off here. With [`Padding::Same`](crate::shape::Padding::Same) they become
/// `n · stride`.
///
/// Its parameters are `weight`, `[in, out / groups, kh, kw]`, and `bias`, `[out]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConvTranspose2d {
    out_channels: usize,
    window: Window,
    output_padding: [usize; 2],
    groups: usize,
    bias: bool,
    init: Init,
}

impl ConvTranspose2d {
    /// A transposed convolution to `out_channels` channels with a `kernel` (height and width): stride 1, no padding,
    /// one group, with a bias, and a weight from [`Init::KaimingNormal`], whose fan in is the weight's second axis
    /// times the taps, as in PyTorch.
    pub fn new(out_channels: usize, kernel: impl Into<Pair>) -> Self {
        Self {
            out_channels,
            window: Window::new(kernel),
            output_padding: [0; 2],
            groups: 1,
            bias: true,
            init: Init::KaimingNormal,
        }
    }

    /// How many more rows at the bottom and columns at the right the output has: of all the sizes that a convolution
    /// would make the input's of, this chooses one. Less than the stride or the dilation.
    pub fn output_padding(mut self, output_padding: impl Into<Pair>) -> Self {
        self.output_padding = output_padding.into().0;
        self
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

    /// The convolution that it goes through from the end to the beginning.
    ///
    /// # Errors
    /// Those of the shape rule.
    pub(crate) fn convolution(&self, inputs: &[Shape]) -> Result<Convolution, Refusal> {
        let input = single_input(inputs)?;
        check_groups(self.groups, input.channels, self.out_channels)?;
        Ok(Convolution {
            geometry: self.window.transposed([input.height, input.width], self.output_padding)?,
            groups: self.groups,
            inputs: self.out_channels,
            outputs: input.channels,
        })
    }
}

window_setters!(ConvTranspose2d: stride, padding, dilation);

impl FromAttributes for ConvTranspose2d {
    const NAME: &'static str = "conv_transpose2d";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        let [_, group_outputs, kernel_height, kernel_width] = match attributes.parameter("weight") {
            Some(shape) => shape.try_into().map_err(|_| {
                format!("the weight has shape {shape:?}; it must be [in, out / groups, kh, kw]")
            })?,
            None => {
                return Err("there is no weight; its shape gives the output channels and the kernel".into());
            }
        };
        let groups = attributes.usize("groups", 1)?;
        Ok(Self {
            window: window::from_attributes(attributes, Window::new([kernel_height, kernel_width]))?,
            output_padding: attributes.sizes("output_padding", [0; 2])?,
            groups,
            bias: attributes.parameter("bias").is_some(),
            ..Self::new(group_outputs.saturating_mul(groups.max(1)), 1)
        })
    }
}

impl Operator for ConvTranspose2d {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        let convolution = self.convolution(inputs)?;
        let [height, width] = convolution.geometry.input;
        Ok(Shape::new(convolution.inputs, height, width))
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        // What does not fit was refused by the shape rule.
        let Ok(convolution) = self.convolution(inputs) else { return vec![] };
        let [kernel_height, kernel_width] = self.window.kernel;
        let Convolution { groups, inputs, outputs, .. } = convolution;
        let weight =
            ParameterSpec::weight([outputs, inputs / groups, kernel_height, kernel_width], self.init);
        let layout = convolution.layout(Direction::Transposed);
        let mut parameters = vec![ParameterSpec { layout, ..weight }];
        if self.bias {
            parameters.push(ParameterSpec::bias(self.out_channels));
        }
        parameters
    }

    /// An output sees `ceil(kernel / stride)` pixels of the input, of the kernel with its dilation. That its
    /// neighbour sees the same ones as often as not cannot be said in whole strides.
    fn geometry(&self, inputs: &[Shape]) -> Option<Geometry> {
        let Geometry { kernel, stride, dilation, input, output, .. } =
            self.convolution(inputs).ok()?.geometry;
        let seen = |axis: usize| effective_kernel(kernel[axis], dilation[axis]).div_ceil(stride[axis]);
        Some(Geometry {
            kernel: [seen(0), seen(1)],
            stride: [1; 2],
            dilation: [1; 2],
            padding: [0; 4],
            input: output,
            output: input,
        })
    }

    fn fuses_activation(&self, _inputs: &[Shape]) -> bool {
        true
    }

    fn reads_output(&self) -> bool {
        false
    }

    fn cost(&self, inputs: &[Shape], output: Shape) -> Cost {
        let products = self.convolution(inputs).map_or(0, |convolution| convolution.flops());
        Cost { flops: products + (usize::from(self.bias) * output.len()) as u64 }
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        if let Ok(convolution) = self.convolution(&[pass.inputs[0].shape]) {
            convolution.forward(pass, Direction::Transposed);
        }
        vec![]
    }

    fn backward(&self, pass: Backward<'_>) {
        if let Ok(convolution) = self.convolution(&[pass.inputs[0].shape]) {
            convolution.backward(pass, Direction::Transposed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Padding;

    fn shape(operator: ConvTranspose2d) -> Result<Shape, Refusal> {
        operator.output_shape(&[Shape::new(6, 4, 5)])
    }

    #[test]
    fn sizes_follow_the_formula() {
        let conv = ConvTranspose2d::new(4, 3);
        assert_eq!(shape(conv), Ok(Shape::new(4, 6, 7)));
        assert_eq!(shape(conv.stride(2).padding(1)), Ok(Shape::new(4, 7, 9)));
        assert_eq!(shape(conv.stride(2).padding(1).output_padding(1)), Ok(Shape::new(4, 8, 10)));
        assert_eq!(shape(conv.stride([3, 1]).padding([0, 1, 2, 0])), Ok(Shape::new(4, 10, 6)));
        assert_eq!(shape(conv.dilation([1, 4]).output_padding([0, 3])), Ok(Shape::new(4, 6, 16)));
        assert_eq!(shape(conv.stride(4).padding(Padding::Same)), Ok(Shape::new(4, 16, 20)));
        assert_eq!(shape(conv.padding(Padding::Same)), Ok(Shape::new(4, 4, 5)));
    }

    #[test]
    fn bad_attributes_say_what_would_fit() {
        let conv = ConvTranspose2d::new(4, 3);
        for (operator, expected) in [
            (ConvTranspose2d::new(0, 3), "out_channels is 0; it must be at least 1"),
            (
                conv.groups(3),
                "groups is 3; it must divide the 6 input channels and the 4 output channels: 1, 2",
            ),
            (conv.groups(0), "groups is 0; it must divide"),
            (conv.stride([0, 1]), "stride is 0 along the height; it must be at least 1"),
            (conv.dilation([1, 0]), "dilation is 0 along the width; it must be at least 1"),
            (ConvTranspose2d::new(4, [3, 0]), "kernel is 0 along the width; it must be at least 1"),
            (conv.padding([1, 70_000]), "padding is 70000 + 70000 along the width; it must be at most 65535"),
            (
                conv.padding([2, 3, 4, 3]),
                "padding is 2 + 4 along the height, as much as the 6 pixels from which it is taken; at most 5",
            ),
            (
                conv.stride([3, 2]).output_padding([1, 2]),
                "output_padding is 2 along the width; it must be less than the stride of 2 or the dilation of 1: at \
                 most 1 would fit",
            ),
            (conv.output_padding(1), "at most 0 would fit"),
            (
                conv.stride(2).padding(Padding::Same).output_padding([1, 0]),
                "output_padding is 1 along the height; with Padding::Same it must be 0",
            ),
        ] {
            let message = shape(operator).unwrap_err();
            assert!(message.contains(expected), "{message:?} lacks {expected:?}");
        }
        let message = conv.output_shape(&[Shape::new(6, 4, 5), Shape::new(6, 4, 5)]).unwrap_err();
        assert_eq!(message, "takes one input, got 2");
        let message = conv.output_shape(&[Shape::new(6, 0, 5)]).unwrap_err();
        assert!(message.contains("the input's height is 0"), "{message}");
    }

    #[test]
    fn the_weight_gives_channels_and_kernel() {
        let json = r#"{"groups": 2, "stride": [1, 2], "padding": [0, 1, 2, 1], "output_padding": [0, 1]}"#;
        let attributes = Attributes::from_json(json).unwrap();
        let message = ConvTranspose2d::from_attributes(&attributes).unwrap_err();
        assert!(message.contains("there is no weight"), "{message}");
        let message = ConvTranspose2d::from_attributes(&attributes.clone().with_parameter("weight", &[4, 3]));
        assert!(message.unwrap_err().contains("[4, 3]; it must be [in, out / groups, kh, kw]"));

        let attributes = attributes.with_parameter("weight", &[4, 3, 5, 2]).with_parameter("bias", &[6]);
        let conv = ConvTranspose2d::from_attributes(&attributes).unwrap();
        let wanted = ConvTranspose2d::new(6, [5, 2]).groups(2).stride([1, 2]).padding([0, 1, 2, 1]);
        assert_eq!(conv, wanted.output_padding([0, 1]));
        let inputs = [Shape::new(4, 7, 7)];
        let output = Shape::new(6, 9, 13);
        assert_eq!(conv.output_shape(&inputs), Ok(output));
        assert_eq!(conv.parameters(&inputs)[0].shape, [4, 3, 5, 2]);
        assert_eq!(conv.cost(&inputs, output).flops, 4 * 49 * 2 * 30 + 6 * 9 * 13);
    }

    #[test]
    fn an_output_sees_the_positions_that_reach_it() {
        let conv = ConvTranspose2d::new(4, [4, 3]).stride([2, 1]).dilation([1, 2]);
        let geometry = conv.geometry(&[Shape::new(6, 4, 5)]).unwrap();
        assert_eq!((geometry.kernel, geometry.stride), ([2, 5], [1, 1]));
    }
}

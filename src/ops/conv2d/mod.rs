//! 2-D convolution (cross-correlation, as everywhere in deep learning).

mod dense;
mod grouped;

use super::program::TensorId;
use super::registry::{Attributes, FromAttributes};
use super::window::{self, window_setters};
use super::{Backward, Cost, Forward, Operator, ParameterSpec, Refusal, matmul, single_input};
use crate::network::Init;
use crate::shape::{Geometry, Padding, Pair, Shape, Window};

/// The longest sum of one output in a convolution with groups, whose kernels give it to one invocation.
const MAX_GROUP_TERMS: usize = 1 << 15;

/// `y[o, oy, ox] = bias[o] + Σ weight[o, i, kh, kw] · x[i, oy·stride + kh·dilation − padding, …]`, the sum over
/// the input channels of o's group and the taps of the kernel.
///
/// Its parameters are `weight`, `[out, in / groups, kh, kw]`, and `bias`, `[out]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conv2d {
    pub(crate) out_channels: usize,
    pub(crate) window: Window,
    pub(crate) groups: usize,
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
        Ok(Self {
            window: window::from_attributes(attributes, Window::new([kernel_height, kernel_width]))?,
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
        let input = single_input(inputs)?;
        let (in_channels, out_channels) = (input.channels, self.out_channels);
        if out_channels == 0 {
            return Err("out_channels is 0; it must be at least 1".into());
        }
        let fits = |groups: usize| in_channels.is_multiple_of(groups) && out_channels.is_multiple_of(groups);
        if self.groups == 0 || !fits(self.groups) {
            let fitting: Vec<_> =
                (1..=in_channels.min(out_channels)).filter(|g| fits(*g)).map(|g| g.to_string()).collect();
            return Err(format!(
                "groups is {}; it must divide the {in_channels} input channels and the {out_channels} output \
                 channels: {} would fit",
                self.groups,
                fitting.join(", "),
            ));
        }
        let geometry = self.window.over([input.height, input.width])?;
        // The grouped kernels do not split this sum, neither of the output nor of the gradient to the input.
        let terms = in_channels.max(out_channels) / self.groups * geometry.taps();
        if self.groups > 1 && terms > MAX_GROUP_TERMS {
            return Err(format!(
                "with {} groups an output sums {terms} terms; more than one group can sum {MAX_GROUP_TERMS}: a \
                 smaller kernel, more groups or one group would fit",
                self.groups
            ));
        }
        let [height, width] = geometry.output;
        Ok(Shape::new(out_channels, height, width))
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
        let input = single_input(inputs).ok()?;
        self.window.over([input.height, input.width]).ok()
    }

    fn reads_output(&self) -> bool {
        false
    }

    fn cost(&self, inputs: &[Shape], output: Shape) -> Cost {
        let in_channels = inputs.first().map_or(0, |input| input.channels);
        let [kernel_height, kernel_width] = self.window.kernel;
        let terms = in_channels / self.groups.max(1) * kernel_height * kernel_width;
        Cost { flops: (output.len() * (2 * terms + usize::from(self.bias))) as u64 }
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        match self.path(&[pass.inputs[0].shape]) {
            Path::Pointwise => matmul::layer_forward(pass),
            Path::Dense(geometry) => dense::forward(pass, &geometry),
            Path::Grouped(geometry) => grouped::forward(pass, &geometry, self.groups),
            Path::Refused => {}
        }
        vec![]
    }

    fn backward(&self, pass: Backward<'_>) {
        match self.path(&[pass.inputs[0].shape]) {
            Path::Pointwise => matmul::layer_backward(pass),
            Path::Dense(geometry) => dense::backward(pass, &geometry),
            Path::Grouped(geometry) => grouped::backward(pass, &geometry, self.groups),
            Path::Refused => {}
        }
    }
}

/// Which kernels a convolution runs on.
enum Path {
    /// A 1x1 convolution that touches each pixel once is a matrix product.
    Pointwise,
    /// One group: an implicit matrix product.
    Dense(Geometry),
    /// Several groups.
    Grouped(Geometry),
    /// The window does not fit the input; [`Operator::output_shape`] said so before.
    Refused,
}

impl Conv2d {
    fn path(&self, inputs: &[Shape]) -> Path {
        match self.geometry(inputs) {
            None => Path::Refused,
            Some(geometry) if self.groups > 1 => Path::Grouped(geometry),
            Some(Geometry { kernel: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0], .. }) => Path::Pointwise,
            Some(geometry) => Path::Dense(geometry),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_attributes_say_what_would_fit() {
        let refusal = |operator: Conv2d| operator.output_shape(&[Shape::new(6, 8, 8)]).unwrap_err();
        for (message, expected) in [
            (refusal(Conv2d::new(0, 3)), "out_channels is 0"),
            (refusal(Conv2d::new(4, 3).groups(3)), "1, 2 would fit"),
            (refusal(Conv2d::new(4, 3).groups(0)), "1, 2 would fit"),
            (refusal(Conv2d::new(4, 9)), "a kernel of at most 8"),
            (refusal(Conv2d::new(4, 3).stride([0, 1])), "stride is 0 along the height"),
            (refusal(Conv2d::new(4, 3).stride(2).strict(true)), "strides that fit: 1, 5"),
            (refusal(Conv2d::new(4, usize::MAX)), "kernel is 18446744073709551615"),
        ] {
            assert!(message.contains(expected), "{message:?} lacks {expected:?}");
        }
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

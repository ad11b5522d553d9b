//! Local response normalisation: each channel divided by what its neighbours amount to.

use std::ops::Range;

use super::program::{Activation, Dispatch, Kernel, TensorId, kernel};
use super::registry::{Attributes, FromAttributes};
use super::{Backward, Cost, Forward, Operator, Refusal, elementwise, single_input};
use crate::shape::Shape;

/// The largest window: an invocation goes through its quads twice, and must end before 65,535 iterations.
const MAX_SIZE: usize = 131_000;

/// Local response normalisation (Krizhevsky et al. 2012): `x_c / (k + alpha / size · Σ x_j²)^beta` over a window of
/// `size` channels j around c, at the same pixel.
///
/// The window reaches from c − [`before`](Self::before) on; channels that it has beyond the first and the last count as
/// zero, and in the mean. Where the divisor is 0, the result is too, and so is its gradient. AlexNet in its paper's terms
/// is `LocalResponseNorm::new(5).alpha(5e-4).beta(0.75).k(2.0)`, whose alpha is not divided by the size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LocalResponseNorm {
    pub(crate) size: usize,
    pub(crate) before: usize,
    pub(crate) alpha: f32,
    pub(crate) beta: f32,
    pub(crate) k: f32,
}

impl LocalResponseNorm {
    /// Over windows of `size` channels, with PyTorch's defaults: alpha 0.0001, beta 0.75, k 1.
    pub fn new(size: usize) -> Self {
        Self { size, before: size / 2, alpha: 1e-4, beta: 0.75, k: 1.0 }
    }

    /// How much the mean of the squares counts in the divisor; 0 or more.
    pub fn alpha(mut self, alpha: f32) -> Self {
        self.alpha = alpha;
        self
    }

    /// The exponent of the divisor.
    pub fn beta(mut self, beta: f32) -> Self {
        self.beta = beta;
        self
    }

    /// What is added to the mean of the squares; 0 or more. ONNX calls it bias.
    pub fn k(mut self, k: f32) -> Self {
        self.k = k;
        self
    }

    /// How many channels of the window come before its own, less than its size. Unless said otherwise they are
    /// `size / 2`, rounded down, as in PyTorch; ONNX has `(size - 1) / 2`, which differs for an even size.
    pub fn before(mut self, before: usize) -> Self {
        self.before = before;
        self
    }

    /// How many channels of the window come after its own.
    fn after(&self) -> usize {
        self.size.saturating_sub(1).saturating_sub(self.before)
    }

    /// The channels of the window around `channel`, of `channels` in all.
    pub(crate) fn window(&self, channel: usize, channels: usize) -> Range<usize> {
        channel.saturating_sub(self.before)
            ..channels.min(channel.saturating_add(self.after()).saturating_add(1))
    }

    /// Alpha as it multiplies the sum of the squares.
    pub(crate) fn scale(&self) -> f64 {
        f64::from(self.alpha) / self.size as f64
    }

    /// A dispatch with what all kernels have in common.
    fn over_quads(&self, layer: &str, kernel: Kernel, of: Activation) -> Dispatch {
        let channels = of.shape.channels;
        Dispatch::new(layer, kernel)
            .size("CHANNELS", channels)
            .size("BEFORE", self.before.min(channels))
            .size("AFTER", self.after().min(channels))
            .constant("SCALE", self.scale())
            .constant("BETA", self.beta)
            .constant("K", self.k)
            .uniform(of.total_quads() as u32)
            .in_turn(of.total_quads(), 2 * (self.size.min(channels) / 4 + 2))
            .flops(self.cost(&[], of.shape).flops * of.batch as u64)
    }
}

impl From<usize> for LocalResponseNorm {
    fn from(size: usize) -> Self {
        Self::new(size)
    }
}

impl FromAttributes for LocalResponseNorm {
    const NAME: &'static str = "local_response_norm";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        let size = attributes.usize("size", 0)?;
        let default = Self::new(size);
        Ok(Self {
            size,
            before: attributes.usize("before", default.before)?,
            alpha: attributes.f64("alpha", default.alpha.into())? as f32,
            beta: attributes.f64("beta", default.beta.into())? as f32,
            k: attributes.f64("k", default.k.into())? as f32,
        })
    }
}

impl Operator for LocalResponseNorm {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        let shape = single_input(inputs)?;
        let Self { size, before, alpha, beta, k } = *self;
        if size == 0 {
            return Err("size is 0; it must be at least 1 channel".into());
        }
        if size.min(shape.channels) > MAX_SIZE {
            return Err(format!("size is {size}; at most {MAX_SIZE} channels fit"));
        }
        if before >= size {
            return Err(format!("before is {before}; it must be less than size, which is {size}"));
        }
        for (name, value, least) in [("alpha", alpha, 0.0), ("k", k, 0.0), ("beta", beta, f32::MIN)] {
            if !(value.is_finite() && value >= least) {
                let wanted = if least == 0.0 { "a finite number of at least 0" } else { "a finite number" };
                return Err(format!("{name} is {value}; it must be {wanted}"));
            }
        }
        Ok(shape)
    }

    /// A product and a sum for each channel of a window, and what comes of them.
    fn cost(&self, _inputs: &[Shape], output: Shape) -> Cost {
        let window = self.size.min(output.channels) as u64;
        Cost { flops: (2 * window + 4) * elementwise::cost(output).flops }
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        let [input] = pass.inputs else { return vec![] };
        pass.program.push(
            self.over_quads(pass.layer, kernel!("local_response_norm/forward"), pass.output)
                .read(input.tensor)
                .write(pass.output.tensor),
        );
        vec![]
    }

    fn backward(&self, pass: Backward<'_>) {
        let ([input], [Some(grad_input)]) = (pass.inputs, pass.grad_inputs) else { return };
        let (program, layer, grad_output) = (pass.program, pass.layer, pass.grad_output.tensor);
        let ratio = program.tensor(format!("{layer}.ratio"), input.total_quads() * 16);
        program.push(
            self.over_quads(layer, kernel!("local_response_norm/backward_ratio"), *input)
                .read(input.tensor)
                .read(grad_output)
                .write(ratio),
        );
        program.push(
            self.over_quads(layer, kernel!("local_response_norm/backward_input"), *input)
                .read(input.tensor)
                .read(grad_output)
                .read(ratio)
                .write(grad_input.tensor),
        );
    }
}

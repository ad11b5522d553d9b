//! Reshape: the same elements under another shape, in NCHW order.

use super::program::{Activation, Dispatch, TensorId, kernel};
use super::registry::{Attributes, FromAttributes};
use super::{Backward, Cost, Forward, Operator, Refusal, single_input};
use crate::shape::Shape;

/// Reshape: element `(c · H + y) · W + x` of a sample keeps its number and gets new channels, rows and columns.
///
/// ```
/// # use wgcnn::{network::Network, ops::Reshape};
/// let network = Network::builder([8, 3, 5]).reshape([2, 12, 5]).then(Reshape::infer([Some(6), None, Some(4)]));
/// assert_eq!(network.build()?.output_shape(), [6, 5, 4].into());
/// # Ok::<(), wgcnn::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reshape {
    /// Channels, height and width; `None` is what is left.
    sizes: [Option<usize>; 3],
}

impl Reshape {
    /// A reshape to `shape`, which must have as many elements as the input.
    pub fn new(shape: impl Into<Shape>) -> Self {
        Self { sizes: shape.into().sizes().map(Some) }
    }

    /// A reshape to channels, height and width, of which one may be `None`: it becomes what the others leave.
    pub fn infer(sizes: [Option<usize>; 3]) -> Self {
        Self { sizes }
    }
}

impl From<[usize; 3]> for Reshape {
    fn from(shape: [usize; 3]) -> Self {
        Self::new(shape)
    }
}

impl FromAttributes for Reshape {
    const NAME: &'static str = "reshape";

    /// `shape` is channels, height and width; −1 is what is left.
    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        let wanted = "it must be [channels, height, width], of which one may be -1";
        let Some(numbers) = attributes.numbers("shape")? else {
            return Err(format!("attribute shape is missing; {wanted}"));
        };
        let size = |number: f64| match number {
            -1.0 => Some(None),
            _ if number >= 0.0 && number <= f64::from(u32::MAX) && number.fract() == 0.0 => {
                Some(Some(number as usize))
            }
            _ => None,
        };
        let sizes = numbers.iter().map(|number| size(*number)).collect::<Option<Vec<_>>>();
        match sizes.map(<[_; 3]>::try_from) {
            Some(Ok(sizes)) => Ok(Self { sizes }),
            _ => Err(format!("attribute shape is {numbers:?}; {wanted}")),
        }
    }
}

impl Operator for Reshape {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        let input = single_input(inputs)?;
        let open = self.sizes.iter().filter(|size| size.is_none()).count();
        let known = self.sizes.iter().flatten().try_fold(1, |len: usize, size| len.checked_mul(*size));
        let left = known.and_then(|known| input.len().checked_div(known)).unwrap_or(0);
        let fits = known.is_some_and(|known| known * left == input.len() && (open == 1 || left == 1));
        if open > 1 || !fits {
            let sizes = self.sizes.map(|size| size.map_or("?".into(), |size| size.to_string()));
            return Err(format!(
                "the shape is [{}]; its sizes must make up the input's {} elements, and at most one may be left \
                 open",
                sizes.join(", "),
                input.len()
            ));
        }
        Ok(self.sizes.map(|size| size.unwrap_or(left)).into())
    }

    fn is_global(&self) -> bool {
        true
    }

    fn is_identity(&self, inputs: &[Shape], _training: bool) -> bool {
        // Pixels in their order, each with its channels: how many make a row does not show in memory.
        self.output_shape(inputs).is_ok_and(|output| output.channels == inputs[0].channels)
    }

    fn cost(&self, _inputs: &[Shape], _output: Shape) -> Cost {
        Cost::default()
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        forward(pass)
    }

    fn backward(&self, pass: Backward<'_>) {
        backward(pass);
    }
}

/// The forward pass of an operator that changes nothing but the shape.
pub(super) fn forward(pass: Forward<'_>) -> Vec<TensorId> {
    let dispatch = reshape(pass.layer, pass.inputs[0], pass.output);
    pass.program.push(dispatch);
    vec![]
}

/// Its backward pass.
pub(super) fn backward(pass: Backward<'_>) {
    if let Some(grad_input) = pass.grad_inputs[0] {
        let dispatch = reshape(pass.layer, pass.grad_output, grad_input);
        pass.program.push(dispatch);
    }
}

/// Writes `to`, the elements of `from` under its own shape.
fn reshape(layer: &str, from: Activation, to: Activation) -> Dispatch {
    Dispatch::new(layer, kernel!("reshape/forward"))
        .size("CHANNELS", from.shape.channels)
        .size("PIXELS", from.shape.pixels())
        .size("OUT_CHANNELS", to.shape.channels)
        .size("OUT_PIXELS", to.shape.pixels())
        .read(from.tensor)
        .write(to.tensor)
        .uniform(to.batch as u32)
        .in_turn(to.total_quads(), 1)
}

//! Adaptive max pooling.

use super::adaptive::Windows;
use super::program::{Dispatch, TensorId, kernel};
use super::registry::{Attributes, FromAttributes};
use super::{Backward, Cost, Forward, Operator, Refusal, adaptive, pool};
use crate::shape::{Geometry, Pair, Shape};

/// The largest element of each of so many rows and columns of windows, which together cover the image.
///
/// Along an axis window i of `output_size` covers `floor(i · size / output_size) .. ceil((i + 1) · size /
/// output_size)`, as in PyTorch: windows overlap where the size is not a multiple. The gradient goes to the first of
/// equal maxima in row-major order. A NaN in a window is its maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdaptiveMaxPool2d {
    output_size: [usize; 2],
}

impl AdaptiveMaxPool2d {
    /// A pool whose output is of `output_size` (height and width).
    pub fn new(output_size: impl Into<Pair>) -> Self {
        Self { output_size: output_size.into().0 }
    }

    /// The windows on the one input.
    ///
    /// # Errors
    /// As [`Windows::over`].
    pub(crate) fn windows(&self, inputs: &[Shape]) -> Result<Windows, Refusal> {
        Windows::over(self.output_size, inputs)
    }
}

impl FromAttributes for AdaptiveMaxPool2d {
    const NAME: &'static str = "adaptive_max_pool2d";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self { output_size: adaptive::output_size(attributes)? })
    }
}

impl Operator for AdaptiveMaxPool2d {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        Ok(self.windows(inputs)?.output_shape())
    }

    fn geometry(&self, inputs: &[Shape]) -> Option<Geometry> {
        self.windows(inputs).ok().map(|windows| windows.geometry())
    }

    fn is_identity(&self, inputs: &[Shape], _training: bool) -> bool {
        self.windows(inputs).is_ok_and(|windows| windows.is_identity())
    }

    fn picks(&self) -> bool {
        true
    }

    fn cost(&self, inputs: &[Shape], _output: Shape) -> Cost {
        adaptive::cost(self.windows(inputs))
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        let [input] = pass.inputs else { return vec![] };
        let Ok(windows) = self.windows(&[input.shape]) else { return vec![] };
        forward(&windows, input.tensor, pass)
    }

    fn backward(&self, pass: Backward<'_>) {
        let ([Some(grad_input)], [taps]) = (pass.grad_inputs, pass.saved) else { return };
        let Ok(windows) = self.windows(&[grad_input.shape]) else { return };
        pass.program.push(
            windows
                .gather(pass.layer, kernel!("adaptive_max_pool2d/backward_input"), *grad_input)
                .size("TAP_WORDS", pool::tap_words(windows.largest_pixels()))
                .read(*taps)
                .read(pass.grad_output.tensor)
                .write(grad_input.tensor),
        );
    }
}

/// Appends the dispatches of the maximum of each window, and returns the taps that won, in
/// [`pool::tap_words`] of the largest window's pixels.
pub(super) fn forward(windows: &Windows, input: TensorId, pass: Forward<'_>) -> Vec<TensorId> {
    let (program, layer, output) = (pass.program, pass.layer, pass.output);
    let (quads, parts) = (output.total_quads(), windows.parts(output));
    let tap_words = pool::tap_words(windows.largest_pixels());
    let taps = program.tensor(format!("{layer}.taps"), quads * tap_words * 4);
    let (values, positions) = match parts {
        1 => (output.tensor, taps),
        // A window that is split has more than 256 pixels, so that its taps take a word a channel there too.
        _ => (
            program.tensor(format!("{layer}.partial"), parts * quads * 16),
            program.tensor(format!("{layer}.partial_taps"), parts * quads * 16),
        ),
    };
    let dispatch = windows
        .reduce(layer, kernel!("adaptive_max_pool2d/forward"), output, parts)
        .size("TAP_WORDS", tap_words)
        .read(input)
        .write(values)
        .write(positions);
    program.push(if parts == 1 { dispatch.result_is_activation() } else { dispatch });
    if parts > 1 {
        program.push(
            Dispatch::new(layer, kernel!("adaptive_max_pool2d/join"))
                .read(values)
                .read(positions)
                .write(output.tensor)
                .write(taps)
                .uniform_sizes(&[quads, parts])
                .invocations(quads, adaptive::WORKGROUP_SIZE)
                .flops((4 * quads * (parts - 1)) as u64),
        );
    }
    vec![taps]
}

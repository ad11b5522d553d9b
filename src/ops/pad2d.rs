//! Padding of an image's rows and columns.

use super::program::{Activation, Dispatch, Kernel, MAX_ITERATIONS, TensorId, kernel};
use super::registry::{Attributes, FromAttributes};
use super::{Backward, Cost, Forward, Operator, Refusal, elementwise, shift, single_input};
use crate::shape::Shape;

/// The most rows or columns on a side: what comes of two of them fits in the 32 bits that kernels count in.
const LARGEST: usize = 65_535;

/// Puts rows and columns around an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pad2d {
    /// Top, left, bottom, right.
    pub(crate) padding: [usize; 4],
    pub(crate) mode: PadMode,
}

/// What padding holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PadMode {
    /// This value, which may be infinite: −∞ before a maximum.
    Constant(f32),
    /// The image mirrored at its outermost pixels, which are not repeated.
    Reflect,
    /// The nearest of the image's outermost pixels (ONNX's `edge`).
    Replicate,
}

impl Pad2d {
    /// Pads with zeros: top, left, bottom, right.
    pub fn new(padding: [usize; 4]) -> Self {
        Self { padding, mode: PadMode::Constant(0.0) }
    }

    /// Pads with what `mode` says.
    pub fn mode(mut self, mode: PadMode) -> Self {
        self.mode = mode;
        self
    }

    /// The place of the input's first element in the output.
    fn place(&self) -> [usize; 3] {
        [0, self.padding[0], self.padding[1]]
    }

    /// A dispatch of a kernel that reflects or replicates, which binds no tensor yet.
    fn dispatch(&self, layer: &str, kernel: Kernel, input: Activation, output: Activation) -> Dispatch {
        Dispatch::new(layer, kernel)
            .size("H", input.shape.height)
            .size("W", input.shape.width)
            .size("Q", input.quads())
            .size("OH", output.shape.height)
            .size("OW", output.shape.width)
            .size("TOP", self.padding[0])
            .size("LEFT", self.padding[1])
            .constant("REPLICATE", u32::from(self.mode == PadMode::Replicate))
            .uniform(input.batch as u32)
    }

    /// The loop iterations in which an element of the gradient to the input is summed, at most.
    fn iterations(&self) -> usize {
        let [top, left, bottom, right] = self.padding;
        (top + bottom + 3) * (left + right + 4)
    }
}

impl From<[usize; 4]> for Pad2d {
    fn from(padding: [usize; 4]) -> Self {
        Self::new(padding)
    }
}

impl FromAttributes for Pad2d {
    const NAME: &'static str = "pad2d";

    /// `padding` is top, left, bottom, right; `mode` is `constant`, with `value`, `reflect`, `replicate` or `edge`.
    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        let mode = match attributes.string("mode", "constant")? {
            "constant" => {
                let value = attributes.f64("value", 0.0)?;
                // An infinite one comes only of a number that is too large.
                if !(value as f32).is_finite() {
                    return Err(format!("value is {value}; it must be a number that f32 can hold"));
                }
                PadMode::Constant(value as f32)
            }
            "reflect" => PadMode::Reflect,
            "replicate" | "edge" => PadMode::Replicate,
            other => {
                return Err(format!(
                    "attribute mode is {other:?}; it must be \"constant\", \"reflect\", \"replicate\" or \"edge\""
                ));
            }
        };
        Ok(Self::new(attributes.sizes("padding", [0; 4])?).mode(mode))
    }
}

impl Operator for Pad2d {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        let input = single_input(inputs)?;
        if matches!(self.mode, PadMode::Constant(value) if value.is_nan()) {
            return Err("value is NaN; it must be a number".into());
        }
        let [top, left, bottom, right] = self.padding;
        let repeats = |name: &str, size: usize, before: usize, after: usize| {
            let most = if self.mode == PadMode::Reflect { size.saturating_sub(1) } else { LARGEST };
            if before.max(after) > most {
                return Err(format!(
                    "padding is {before} + {after} along the {name} of {size}; it must be at most {most} on each side"
                ));
            }
            // In the gradient, an outermost pixel is the sum over what it was repeated to.
            Ok(1 + if size == 1 { before + after } else { before.max(after) })
        };
        let repeats =
            [repeats("height", input.height, top, bottom)?, repeats("width", input.width, left, right)?];
        let iterations = repeats[0] * (repeats[1] + 1);
        if self.mode == PadMode::Replicate && iterations > MAX_ITERATIONS {
            return Err(format!(
                "padding of {:?} takes {iterations} loop iterations; at most {MAX_ITERATIONS} are allowed, to which \
                 127 on each side keep: pad in two steps",
                self.padding
            ));
        }
        Ok(Shape { height: input.height + top + bottom, width: input.width + left + right, ..input })
    }

    fn is_identity(&self, _inputs: &[Shape], _training: bool) -> bool {
        self.padding == [0; 4]
    }

    fn cost(&self, _inputs: &[Shape], _output: Shape) -> Cost {
        Cost::default()
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        let (input, output) = (pass.inputs[0], pass.output);
        let dispatch = match self.mode {
            PadMode::Constant(value) => shift::surround(pass.layer, input, output, self.place(), value),
            PadMode::Reflect | PadMode::Replicate => self
                .dispatch(pass.layer, kernel!("pad2d/forward"), input, output)
                .read(input.tensor)
                .write(output.tensor)
                .in_turn(output.total_quads(), 1),
        };
        pass.program.push(dispatch);
        vec![]
    }

    fn backward(&self, pass: Backward<'_>) {
        let Some(grad_input) = pass.grad_inputs[0] else { return };
        let grad_output = pass.grad_output;
        let dispatch = match self.mode {
            PadMode::Constant(_) => shift::cut(pass.layer, grad_output, self.place(), grad_input),
            PadMode::Reflect | PadMode::Replicate => self
                .dispatch(pass.layer, kernel!("pad2d/backward_input"), grad_input, grad_output)
                .read(grad_output.tensor)
                .write(grad_input.tensor)
                .flops(elementwise::elements(grad_output))
                .in_turn(grad_input.total_quads(), self.iterations()),
        };
        pass.program.push(dispatch);
    }
}

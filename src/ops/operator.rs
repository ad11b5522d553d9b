//! What an operator is: shape rule, parameters, cost, and the dispatches of its passes.

use std::fmt::Debug;

use super::program::{Activation, ParameterLayout, Program, TensorId};
use super::{Function, Pointwise};
use crate::gpu::Capabilities;
use crate::network::Init;
use crate::reference::Twin;
use crate::shape::{Geometry, Shape};

/// Why an operator refuses its attributes or inputs: what it got and what would have been accepted.
/// The network adds the layer's name and makes it an [`Error`](crate::Error).
pub type Refusal = String;

/// The input of an operator that takes one.
///
/// # Errors
/// Says how many it got.
pub(crate) fn single_input(inputs: &[Shape]) -> Result<Shape, Refusal> {
    match inputs {
        [input] => Ok(*input),
        _ => Err(format!("takes one input, got {}", inputs.len())),
    }
}

/// A tensor that a layer keeps: learned, or a buffer.
#[derive(Debug, Clone)]
pub struct ParameterSpec {
    /// `weight` or `bias`; the network puts the layer's name before it.
    pub name: &'static str,
    /// Its shape on the host: OIHW, `[out, in]` or `[n]`.
    pub shape: Vec<usize>,
    /// How it lies in device memory.
    pub layout: ParameterLayout,
    /// What it holds before training.
    pub init: Init,
    /// Whether it is a buffer: saved and loaded with the network like what is learned, but without a gradient
    /// and untouched by any optimizer. The operator itself changes it, in the forward pass of a training step.
    pub buffer: bool,
}

impl ParameterSpec {
    /// A `weight` of `shape`, OIHW or `[out, in]`.
    pub fn weight(shape: impl Into<Vec<usize>>, init: Init) -> Self {
        Self { name: "weight", shape: shape.into(), layout: ParameterLayout::Weight, init, buffer: false }
    }

    /// A vector of `len` elements.
    pub fn vector(name: &'static str, len: usize, init: Init) -> Self {
        Self { name, shape: vec![len], layout: ParameterLayout::Vector, init, buffer: false }
    }

    /// A bias of `len` elements, zero before training.
    pub fn bias(len: usize) -> Self {
        Self::vector("bias", len, Init::Constant(0.0))
    }

    /// A buffer of `len` elements, each of them `value` before training.
    pub fn buffer(name: &'static str, len: usize, value: f32) -> Self {
        Self { buffer: true, ..Self::vector(name, len, Init::Constant(value)) }
    }
}

/// What one sample costs in one pass forward.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Floating-point operations of the direct form, a multiply-add counted as two.
    pub flops: u64,
}

/// What the forward pass of a layer is given.
pub struct Forward<'a> {
    /// Where the dispatches go.
    pub program: &'a mut Program,
    /// What the device can do; the choice of a variant rests on it.
    pub capabilities: &'a Capabilities,
    /// The layer's name.
    pub layer: &'a str,
    /// A number no other layer of the network has; random operators mix it into their stream.
    pub stream: u32,
    /// The number of samples of the batch before those of the inputs: a batch may be taken in chunks.
    pub first_sample: usize,
    /// Whether the pass is part of a training step.
    pub training: bool,
    /// Whether a backward pass through this layer follows, in training or not.
    pub backward: bool,
    /// The inputs.
    pub inputs: &'a [Activation],
    /// The parameters, in the order of [`Operator::parameters`].
    pub parameters: &'a [TensorId],
    /// Where the output goes. A function of one variable may get the tensor of its input.
    pub output: Activation,
    /// A function to apply to the result before it is stored, where
    /// [`fuses_activation`](Operator::fuses_activation) offered it. Its value at 0 may not be 0: the lanes past the
    /// last channel are to be zero all the same.
    pub activation: Option<&'a Function>,
    /// An input, by its index, and a function that it is to go through first, where
    /// [`fuses_operand`](Operator::fuses_operand) offered it.
    pub operand: Option<(usize, &'a Function)>,
    /// The step's state: see [`StepState`](super::StepState).
    pub step: TensorId,
}

/// What the backward pass of a layer is given.
pub struct Backward<'a> {
    /// Where the dispatches go.
    pub program: &'a mut Program,
    /// What the device can do.
    pub capabilities: &'a Capabilities,
    /// The layer's name.
    pub layer: &'a str,
    /// As in [`Forward`].
    pub stream: u32,
    /// As in [`Forward`].
    pub first_sample: usize,
    /// As in [`Forward`].
    pub training: bool,
    /// The inputs of the forward pass.
    pub inputs: &'a [Activation],
    /// The parameters.
    pub parameters: &'a [TensorId],
    /// The output of the forward pass.
    pub output: Activation,
    /// What the forward pass returned.
    pub saved: &'a [TensorId],
    /// The gradient that arrives at the output.
    pub grad_output: Activation,
    /// Where the gradient to each input goes; `None` where nobody asks for it. A function of one variable may get the
    /// tensor of the gradient to its output.
    pub grad_inputs: &'a [Option<Activation>],
    /// Where the gradient to each parameter goes, in its layout; `None` where it is frozen.
    pub grad_parameters: &'a [Option<TensorId>],
    /// The step's state: see [`StepState`](super::StepState).
    pub step: TensorId,
}

/// What an operator is given to fold itself into the convolution or linear layer whose output is its only input.
pub struct Fold<'a> {
    /// Where the dispatches go.
    pub program: &'a mut Program,
    /// The operator's own layer.
    pub layer: &'a str,
    /// The shape of the weight on the host: OIHW or `[out, in]`. Its layout is [`ParameterLayout::Weight`].
    pub weight_shape: &'a [usize],
    /// The weight of the layer before.
    pub weight: TensorId,
    /// The bias of the layer before, if it has one.
    pub bias: Option<TensorId>,
    /// The operator's own parameters.
    pub parameters: &'a [TensorId],
}

/// An operator: a layer's arithmetic without its name and parameters.
pub trait Operator: Debug + Send + Sync + Twin<f32> + Twin<f64> {
    /// Its name in the registry, in the shaders' folder and in the test cases.
    fn name(&self) -> &'static str;

    /// The shape of one sample of the output.
    ///
    /// # Errors
    /// Says which attribute or input does not fit and what would.
    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal>;

    /// The tensors it keeps, for inputs that [`output_shape`](Self::output_shape) accepted: what is learned, and
    /// after that the buffers.
    fn parameters(&self, _inputs: &[Shape]) -> Vec<ParameterSpec> {
        vec![]
    }

    /// Checks that a training step can have so few samples.
    ///
    /// # Errors
    /// Says how many would do.
    fn check_training(&self, _inputs: &[Shape], _samples: usize) -> Result<(), Refusal> {
        Ok(())
    }

    /// The window that slides over the input, for the receptive field.
    fn geometry(&self, _inputs: &[Shape]) -> Option<Geometry> {
        None
    }

    /// Whether the operator mixes all positions (linear, flatten): its receptive field is the input.
    fn is_global(&self) -> bool {
        false
    }

    /// Whether the output is the one input under another name, for inputs that
    /// [`output_shape`](Self::output_shape) accepted. The scheduler then makes the output an alias of the
    /// input, and the gradient to the input one of the gradient to the output, and records nothing.
    fn is_identity(&self, _inputs: &[Shape], _training: bool) -> bool {
        false
    }

    /// Whether the gradient to input `input` is the gradient to the output, unchanged, for inputs that
    /// [`output_shape`](Self::output_shape) accepted. The scheduler then aliases it and does not ask the backward
    /// pass for it.
    fn passes_gradient(&self, _inputs: &[Shape], _input: usize) -> bool {
        false
    }

    /// Whether every element of the output is one of the elements of its one input, and the gradient to the input is that of
    /// those. Of a function of one variable before it, the scheduler may then compute the gradient from what was picked.
    fn picks(&self) -> bool {
        false
    }

    /// The function of one variable that it is, if it is one. The scheduler may fuse it into the layer before, or
    /// run it in place.
    fn pointwise(&self) -> Option<Pointwise> {
        None
    }

    /// Whether one of the inputs can go through another layer's function as it is read: see [`Forward::operand`].
    fn fuses_operand(&self, _inputs: &[Shape]) -> bool {
        false
    }

    /// Whether the forward pass can end with another layer's function: see [`Forward::activation`].
    fn fuses_activation(&self, _inputs: &[Shape]) -> bool {
        false
    }

    /// Whether a sample's output depends on other samples of the batch: then the batch cannot be taken in chunks.
    fn mixes_samples(&self, _training: bool) -> bool {
        false
    }

    /// Whether the backward pass reads the output of the forward pass. Where it does not, the layer after may
    /// overwrite it.
    fn reads_output(&self) -> bool {
        true
    }

    /// What one sample costs.
    fn cost(&self, inputs: &[Shape], output: Shape) -> Cost;

    /// Appends the forward dispatches and returns the tensors that the backward pass needs besides
    /// the inputs and the output.
    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId>;

    /// Appends the backward dispatches.
    fn backward(&self, pass: Backward<'_>);

    /// Whether [`fold`](Self::fold) gives something.
    fn folds(&self) -> bool {
        false
    }

    /// Outside training: appends the dispatches that fold the operator into the layer before, where it can be, and
    /// returns that layer's new weight and bias, with which it computes what both did.
    fn fold(&self, _fold: Fold<'_>) -> Option<[TensorId; 2]> {
        None
    }
}

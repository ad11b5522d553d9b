//! The operators: attributes, shape rules, costs, and which kernels run for them.
//!
//! An operator has one name, found in five places: its kernels in `shaders/<op>/`, its attributes and
//! dispatches in `src/ops/<op>.rs`, its CPU twin in `src/reference/<op>.rs`, its tests in `tests/ops/<op>.rs`
//! and its rows in the benchmark. [`registry`] holds the one list of them.

use std::fmt::Debug;

use crate::gpu::Capabilities;
use crate::network::Init;
use crate::reference::{LossTwin, OptimizerTwin, Twin};
use crate::shape::{Geometry, Shape};

pub mod adam;
pub mod adamw;
pub(crate) mod adaptive;
pub mod adaptive_avg_pool2d;
pub mod adaptive_max_pool2d;
pub mod add;
pub mod avg_pool2d;
pub mod batch_norm;
pub mod bce_with_logits;
mod broadcast;
mod class_loss;
pub mod concat;
pub mod conv2d;
pub mod conv_transpose2d;
pub mod crop;
pub mod cross_entropy;
pub mod dropout;
mod elementwise;
mod elementwise_loss;
pub mod elu;
pub mod flatten;
pub mod gelu;
pub mod giou;
pub mod global_avg_pool2d;
pub mod global_max_pool2d;
pub mod group_norm;
pub mod hard_sigmoid;
pub mod hard_swish;
pub mod hard_tanh;
pub(crate) mod host;
pub mod l1;
pub mod leaky_relu;
pub mod linear;
mod lines;
pub mod local_response_norm;
pub mod log_softmax;
pub mod lp_pool2d;
mod matmul;
pub mod max_pool2d;
pub(crate) mod moments;
pub mod mse;
pub mod mul;
mod nearest;
pub mod nll_loss;
mod normalize;
pub mod pad2d;
mod pool;
pub mod prelu;
pub mod program;
mod reduce;
pub mod registry;
pub mod relu;
pub mod relu6;
pub mod reshape;
mod resize;
pub mod rmsprop;
mod section;
mod setting;
pub mod sgd;
mod shift;
pub mod sigmoid;
pub mod sigmoid_focal;
pub mod silu;
pub mod smooth_l1;
pub mod softmax;
pub mod softplus;
pub mod split;
pub mod tanh;
pub mod target;
pub(crate) mod update_control;
pub mod upsample_bilinear2d;
pub mod upsample_nearest2d;
mod weight;
mod window;

pub use adam::Adam;
pub use adamw::AdamW;
pub use adaptive_avg_pool2d::AdaptiveAvgPool2d;
pub use adaptive_max_pool2d::AdaptiveMaxPool2d;
pub use add::Add;
pub use avg_pool2d::AvgPool2d;
pub use batch_norm::BatchNorm;
pub use bce_with_logits::BceWithLogits;
pub(crate) use class_loss::ClassLoss;
pub use concat::Concat;
pub use conv_transpose2d::ConvTranspose2d;
pub use conv2d::Conv2d;
pub use crop::Crop;
pub use cross_entropy::CrossEntropy;
pub use dropout::Dropout;
pub use elementwise::{Derivative, Function, Pointwise};
pub use elu::Elu;
pub use flatten::Flatten;
pub use gelu::Gelu;
pub use giou::Giou;
pub use global_avg_pool2d::GlobalAvgPool2d;
pub use global_max_pool2d::GlobalMaxPool2d;
pub use group_norm::GroupNorm;
pub use hard_sigmoid::HardSigmoid;
pub use hard_swish::HardSwish;
pub use hard_tanh::HardTanh;
pub use l1::L1;
pub use leaky_relu::LeakyRelu;
pub use linear::Linear;
pub use local_response_norm::LocalResponseNorm;
pub use log_softmax::LogSoftmax;
pub use lp_pool2d::LpPool2d;
pub use max_pool2d::MaxPool2d;
pub use mse::Mse;
pub use mul::Mul;
pub use nearest::{Coordinates, NearestMode};
pub use nll_loss::NllLoss;
pub use pad2d::{Pad2d, PadMode};
pub use prelu::Prelu;
pub use relu::Relu;
pub use relu6::Relu6;
pub use reshape::Reshape;
pub use rmsprop::RmsProp;
pub use sgd::Sgd;
pub use sigmoid::Sigmoid;
pub use sigmoid_focal::SigmoidFocal;
pub use silu::Silu;
pub use smooth_l1::SmoothL1;
pub use softmax::Softmax;
pub use softplus::Softplus;
pub use split::Split;
pub use tanh::Tanh;
pub use target::{Target, TargetSpec};
pub use update_control::{LossScaling, UpdateControl, UpdateOptions};
pub use upsample_bilinear2d::UpsampleBilinear2d;
pub use upsample_nearest2d::UpsampleNearest2d;

use program::{Activation, ParameterLayout, Program, TensorId};

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
    /// The step's state: see [`StepState`].
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
    /// The step's state: see [`StepState`].
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

/// The few words that change from one step to the next, as they lie in device memory
/// (`array<u32, 8>` or a struct of that size in the kernels).
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct StepState {
    /// The low word of the seed.
    pub seed_low: u32,
    /// The high word of the seed.
    pub seed_high: u32,
    /// The number of training steps taken before this one.
    pub step: u32,
    /// How many samples of the batch are real; the rest is padding that no loss counts.
    pub samples: u32,
    /// The learning rate of this step.
    pub learning_rate: f32,
    /// Zero; keeps the struct a multiple of 16 bytes.
    pub reserved: [u32; 3],
}

impl StepState {
    /// The state of a step; `step` counts the training steps taken before it, `samples` the real samples.
    pub fn new(seed: u64, step: u32, samples: usize, learning_rate: f32) -> Self {
        Self {
            seed_low: seed as u32,
            seed_high: (seed >> 32) as u32,
            step,
            samples: samples as u32,
            learning_rate,
            reserved: [0; 3],
        }
    }
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

    /// The function of one variable that it is, if it is one. The scheduler may fuse it into the layer before, or
    /// run it in place.
    fn pointwise(&self) -> Option<Pointwise> {
        None
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

/// Where a loss puts what it measured: `array<f32, 4>` in device memory.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct LossOutput {
    /// The reduced loss.
    pub loss: f32,
    /// The sum of the weights of the predictions that counted, by which a mean was divided.
    pub weight: f32,
    /// How many predictions were right; 0 where the targets are no classes.
    pub correct: f32,
    /// How many predictions counted.
    pub count: f32,
}

/// How the losses of single predictions become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// Their sum, divided by the sum of their weights.
    Mean,
    /// Their sum.
    Sum,
}

/// What a loss is given to record its forward pass or its gradient.
pub struct LossPass<'a> {
    /// Where the dispatches go.
    pub program: &'a mut Program,
    /// What the device can do.
    pub capabilities: &'a Capabilities,
    /// What the network puts out.
    pub prediction: Activation,
    /// The target, as [`Loss::target`] describes it: one `i32` class a pixel, or values that lie like an
    /// activation in `f32`.
    pub target: TensorId,
    /// The step's state: see [`StepState`].
    pub step: TensorId,
    /// Where the result goes: see [`LossOutput`].
    pub result: TensorId,
}

/// A loss: prediction and target to one number.
pub trait Loss: Debug + Send + Sync + LossTwin<f32> + LossTwin<f64> {
    /// Its name in the registry.
    fn name(&self) -> &'static str;

    /// How it joins the predictions of a batch.
    fn reduction(&self) -> Reduction;

    /// Checks that a network with this output can be trained with it.
    ///
    /// # Errors
    /// Says what output would fit.
    fn check(&self, prediction: Shape) -> Result<(), Refusal>;

    /// What a prediction that [`check`](Self::check) accepted is compared with.
    fn target(&self, prediction: Shape) -> TargetSpec;

    /// Appends the dispatches that compute the loss, and returns what the gradient needs besides
    /// the prediction and the target.
    fn forward(&self, pass: LossPass<'_>) -> Vec<TensorId>;

    /// Appends the dispatches that compute the gradient of the loss to the prediction, which lies like an activation
    /// in `f32`: it may be scaled before it is stored in less.
    fn backward(&self, pass: LossPass<'_>, saved: &[TensorId], grad_prediction: Activation);
}

/// Records updates of parameters.
pub struct UpdatePass<'a> {
    /// Where the dispatches go.
    pub program: &'a mut Program,
    /// The parameters: a run of floats, whole quads.
    pub parameters: TensorId,
    /// Their gradients, laid out alike.
    pub gradients: TensorId,
    /// As many tensors of the same size as [`Optimizer::state_tensors`] says, zero before the first step.
    pub state: &'a [TensorId],
    /// The number of vec4.
    pub quads: usize,
    /// The step's state: see [`StepState`].
    pub step: TensorId,
    /// What gradients are multiplied by, and whether the step is skipped: see [`UpdateControl`].
    pub control: TensorId,
}

/// An optimizer: gradients to new parameters.
pub trait Optimizer: Debug + Send + Sync + OptimizerTwin<f32> + OptimizerTwin<f64> {
    /// Its name in the registry.
    fn name(&self) -> &'static str;

    /// Checks its settings.
    ///
    /// # Errors
    /// [`Error::Option`](crate::Error::Option) names the setting.
    fn check(&self) -> crate::Result<()>;

    /// How many floats it remembers for each parameter.
    fn state_tensors(&self) -> usize;

    /// The learning rate it starts with.
    fn learning_rate(&self) -> f32;

    /// Appends the dispatches of one update. Those of a step that is skipped leave everything as it is.
    fn update(&self, pass: UpdatePass<'_>);
}

//! The CPU reference: every operator again, as the plainest loops that are right.
//!
//! It is the oracle of the tests, in f64, and what a machine without any adapter trains with, in f32.
//! Tensors are NCHW here, without padding. Nothing in this module knows of a GPU.

mod adam;
mod adamw;
mod adaptive;
mod adaptive_avg_pool2d;
mod adaptive_max_pool2d;
mod add;
mod avg_pool2d;
mod batch_norm;
mod bce_with_logits;
mod broadcast;
mod class_loss;
mod concat;
mod conv2d;
mod conv_transpose2d;
mod convolution;
mod crop;
mod cross_entropy;
mod dropout;
mod elementwise;
mod elementwise_loss;
mod elu;
mod executor;
mod flatten;
mod gather;
mod gelu;
mod giou;
mod global_avg_pool2d;
mod global_max_pool2d;
mod group_norm;
mod hard_sigmoid;
mod hard_swish;
mod hard_tanh;
mod l1;
mod leaky_relu;
mod linear;
mod lines;
mod local_response_norm;
mod log_softmax;
mod lp_pool2d;
mod matrix;
mod max_pool2d;
mod moments;
mod mse;
mod mul;
mod nll_loss;
mod normalize;
mod pad2d;
mod philox;
mod pool;
mod precision;
mod prelu;
mod relu;
mod relu6;
mod reshape;
mod rmsprop;
mod sgd;
mod sigmoid;
mod sigmoid_focal;
mod silu;
mod smooth_l1;
mod softmax;
mod softplus;
mod split;
mod tanh;
mod trainer;
mod update_control;
mod upsample_bilinear2d;
mod upsample_nearest2d;
mod window;

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

use crate::Tensor;
use crate::ops::{StepState, Target, UpdateControl};

pub use executor::{backward, forward, parameters, update_buffers, vjp};
pub use precision::Precision;
pub use trainer::Trainer;

/// The arithmetic that the reference is generic over: `f32` or `f64`.
pub trait Real:
    Copy
    + Default
    + Debug
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + 'static
{
    /// The nearest value to `x`.
    fn of(x: f64) -> Self;
    /// The value in double precision.
    fn f64(self) -> f64;
    /// e to this power.
    fn exp(self) -> Self;
    /// e to this power, minus 1, without cancellation near 0.
    fn exp_m1(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// The natural logarithm of 1 plus this, without cancellation near 0.
    fn ln_1p(self) -> Self;
    /// The complementary error function.
    fn erfc(self) -> Self;
    /// Hyperbolic tangent.
    fn tanh(self) -> Self;
    /// Absolute value.
    fn abs(self) -> Self;
    /// This to the power `p`.
    fn powf(self, p: Self) -> Self;
}

macro_rules! real {
    ($t:ty) => {
        impl Real for $t {
            fn of(x: f64) -> Self {
                x as $t
            }
            fn f64(self) -> f64 {
                f64::from(self)
            }
            fn exp(self) -> Self {
                <$t>::exp(self)
            }
            fn exp_m1(self) -> Self {
                <$t>::exp_m1(self)
            }
            fn ln_1p(self) -> Self {
                <$t>::ln_1p(self)
            }
            fn erfc(self) -> Self {
                libm::erfc(f64::from(self)) as $t
            }
            fn ln(self) -> Self {
                <$t>::ln(self)
            }
            fn tanh(self) -> Self {
                <$t>::tanh(self)
            }
            fn abs(self) -> Self {
                <$t>::abs(self)
            }
            fn powf(self, p: Self) -> Self {
                <$t>::powf(self, p)
            }
        }
    };
}
real!(f32);
real!(f64);

/// What a pass is told besides its tensors.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pass {
    /// Whether it is part of a training step.
    pub training: bool,
    /// A number that no other layer of the network has.
    pub stream: u32,
    /// The step's state, the same as the GPU gets.
    pub step: StepState,
}

impl Pass {
    /// How many samples of a batch of `batch` are real: the rest is padding.
    pub fn samples(&self, batch: usize) -> usize {
        batch.min(self.step.samples as usize)
    }
}

/// The gradients that a layer sends back.
#[derive(Debug, Clone)]
pub struct Gradients<T> {
    /// To each input.
    pub inputs: Vec<Tensor<T>>,
    /// To each parameter that is learned. In a network's gradients buffers have one too, which is zero.
    pub parameters: Vec<Tensor<T>>,
}

/// The CPU twin of an operator.
pub trait Twin<T> {
    /// The output for the inputs, NCHW, and parameters in the order of
    /// [`Operator::parameters`](crate::ops::Operator::parameters).
    fn forward(&self, inputs: &[&Tensor<T>], parameters: &[&Tensor<T>], pass: &Pass) -> Tensor<T>;

    /// The gradients for a gradient that arrives at the output.
    fn backward(
        &self,
        inputs: &[&Tensor<T>],
        parameters: &[&Tensor<T>],
        output: &Tensor<T>,
        grad_output: &Tensor<T>,
        pass: &Pass,
    ) -> Gradients<T>;

    /// What the buffers hold after a forward pass in training, with their places among the parameters.
    fn updated_buffers(
        &self,
        _inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        _pass: &Pass,
    ) -> Vec<(usize, Tensor<T>)> {
        vec![]
    }
}

/// What a loss measured.
#[derive(Debug, Clone)]
pub struct Measured<T> {
    /// The reduced loss.
    pub loss: T,
    /// The sum of the weights of the predictions that counted, by which a mean was divided.
    pub weight: T,
    /// How many predictions were right; 0 where the target is no classes.
    pub correct: usize,
    /// How many counted.
    pub count: usize,
    /// The gradient of the loss to the prediction.
    pub grad: Tensor<T>,
}

/// The CPU twin of a loss.
pub trait LossTwin<T> {
    /// The loss of `prediction` (NCHW) against a target of the kind and size that
    /// [`Loss::target`](crate::ops::Loss::target) describes; only the first `samples` samples count.
    fn measure(&self, prediction: &Tensor<T>, target: Target<'_, T>, samples: usize) -> Measured<T>;
}

/// The CPU twin of an optimizer.
pub trait OptimizerTwin<T> {
    /// Updates `parameter` in place; `state` holds [`Optimizer::state_tensors`](crate::ops::Optimizer::state_tensors)
    /// runs of the same length, zero before the first step. A step that is skipped changes nothing.
    fn apply(
        &self,
        parameter: &mut [T],
        gradient: &[T],
        state: &mut [Vec<T>],
        step: &StepState,
        control: &UpdateControl,
    );
}

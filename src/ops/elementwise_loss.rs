//! What losses have in common that compare each element, or each quad, with its target by itself. No
//! operator of its own.

use super::program::{Activation, Dispatch, Kernel, TensorId};
use super::{LossPass, Reduction, elementwise, reduce};
use crate::shape::Shape;

/// The quads that a workgroup of the forward kernels owns, and its invocations.
const QUADS: usize = 1024;
const WORKGROUP: u32 = 64;

/// A loss that is a sum, or a mean, over comparisons of predictions with their targets.
pub(crate) struct ElementwiseLoss {
    pub name: &'static str,
    /// Measures and sums. Binds prediction, target, weights, the partial sums and step.
    pub forward: Kernel,
    /// Binds prediction, target, weights, the gradient to the prediction and step.
    pub backward: Kernel,
    pub reduction: Reduction,
    /// The least and the greatest target; any where there is none.
    pub range: Option<[f32; 2]>,
    /// How many predictions a sample has: its elements, or boxes of four elements.
    pub predictions: fn(Shape) -> usize,
    /// The constants of both kernels beside those that all such kernels have.
    pub constants: Vec<(&'static str, f64)>,
    /// A weight for each channel; none of them is bound where the kernels take none.
    pub weights: Option<Vec<f32>>,
    /// About how many floating-point operations a comparison takes, each way.
    pub flops: u64,
}

/// The [`Loss`](super::Loss) of a type with a registry name, a field `reduction`, and two methods of the shape
/// of a prediction: `check`, which refuses what does not suit it, and `kernels`, an [`ElementwiseLoss`].
macro_rules! loss {
    ($loss:ident) => {
        impl $crate::ops::Loss for $loss {
            fn name(&self) -> &'static str {
                <Self as $crate::ops::registry::FromAttributes>::NAME
            }

            fn reduction(&self) -> $crate::ops::Reduction {
                self.reduction
            }

            fn check(&self, prediction: $crate::shape::Shape) -> Result<(), $crate::ops::Refusal> {
                Self::check(self, prediction)
            }

            fn target(&self, prediction: $crate::shape::Shape) -> $crate::ops::TargetSpec {
                let range = self.kernels(prediction).range;
                $crate::ops::TargetSpec::Values { shape: prediction, range }
            }

            fn forward(&self, pass: $crate::ops::LossPass<'_>) -> Vec<$crate::ops::program::TensorId> {
                self.kernels(pass.prediction.shape).forward(pass)
            }

            fn backward(
                &self,
                pass: $crate::ops::LossPass<'_>,
                saved: &[$crate::ops::program::TensorId],
                grad_prediction: $crate::ops::program::Activation,
            ) {
                self.kernels(pass.prediction.shape).backward(pass, saved, grad_prediction);
            }
        }
    };
}
pub(crate) use loss;

impl ElementwiseLoss {
    /// Appends the dispatches that compute the loss, and returns the weights.
    pub fn forward(self, pass: LossPass<'_>) -> Vec<TensorId> {
        let LossPass { prediction, target, step, .. } = pass;
        let groups = prediction.total_quads().div_ceil(QUADS);
        let weights = |weights| pass.program.constant_tensor(format!("{}.weights", self.name), weights);
        let weights: Vec<TensorId> = self.weights.clone().map(weights).into_iter().collect();
        let partials = pass.program.tensor(format!("{}.partials", self.name), groups * 16);
        let dispatch = self.dispatch(self.forward, prediction, target, &weights);
        pass.program.push(dispatch.uniform(WORKGROUP).write(partials).read_uniform(step).groups(groups));
        reduce::finish_loss(pass, self.name, self.reduction, partials, 0..groups);
        weights
    }

    /// Appends the dispatch that computes the gradient; `weights` is what the forward pass returned.
    pub fn backward(self, pass: LossPass<'_>, weights: &[TensorId], grad_prediction: Activation) {
        let dispatch = self
            .dispatch(self.backward, pass.prediction, pass.target, weights)
            .constant("MEAN", self.reduction == Reduction::Mean)
            .write(grad_prediction.tensor)
            .read_uniform(pass.step)
            .in_turn(grad_prediction.total_quads(), 1);
        pass.program.push(dispatch);
    }

    /// What both dispatches have in common.
    fn dispatch(
        &self,
        kernel: Kernel,
        prediction: Activation,
        target: TensorId,
        weights: &[TensorId],
    ) -> Dispatch {
        let shape = prediction.shape;
        let dispatch = Dispatch::new(self.name, kernel)
            .size("SAMPLE_QUADS", shape.pixels() * prediction.quads())
            .size("PREDICTIONS", (self.predictions)(shape))
            .read(prediction.tensor)
            .read(target);
        weights
            .iter()
            .fold(dispatch, |dispatch, weights| dispatch.read(*weights))
            .constants(&self.constants)
            .uniform(prediction.batch as u32)
            .flops(self.flops * elementwise::elements(prediction))
    }
}

//! A loss on the GPU against the f64 reference, and its gradient against differences too. No operator of its own.

use std::sync::Arc;

use wgcnn::Tensor;
use wgcnn::gpu::Capabilities;
use wgcnn::network::Network;
use wgcnn::ops::program::Access;
use wgcnn::ops::registry::{Attributes, Build, REGISTRY};
use wgcnn::ops::{Dropout, Loss, Operator, Reduction, Target};
use wgcnn::reference::{LossTwin, Measured};
use wgcnn::schedule::{Plan, PlanOptions};
use wgcnn::shape::Shape;

use crate::check::close;
use crate::common::differences::{STEP, TOLERANCE, spread};
use crate::common::{bound, gpu};
use crate::contexts::contexts;

/// The most elements of a prediction for which differences are computed as well.
const FEW: usize = 250;

/// Checks all that a loss measures of the first `samples` samples, and its gradient, which is zero for the rest. How far
/// the loss and an element of the gradient may be off may rest on what the reference measures.
pub fn check(
    loss: &dyn Loss,
    prediction: &Tensor,
    target: Target<'_, f32>,
    samples: usize,
    loss_bound: impl Fn(&Measured<f64>) -> f64,
    gradient_bound: impl Fn(&Measured<f64>, usize) -> f64,
) {
    check_within(loss, prediction, target, samples, &loss_bound, &gradient_bound);
}

fn check_within(
    loss: &dyn Loss,
    prediction: &Tensor,
    target: Target<'_, f32>,
    samples: usize,
    loss_bound: &dyn Fn(&Measured<f64>) -> f64,
    gradient_bound: &dyn Fn(&Measured<f64>, usize) -> f64,
) {
    let name = format!("{loss:?} on {samples} of {:?}", prediction.shape());
    let wanted = reference(loss, &prediction.map(f64::from), target, samples);
    let numeric = (prediction.len() <= FEW).then(|| differences(loss, prediction, target, samples));
    for context in contexts() {
        let (got, grad) = gpu::measure(context, loss, prediction, target, samples, false).unwrap();
        close(&name, &[got.loss.into()], &[wanted.loss], |_| loss_bound(&wanted));
        assert_eq!((got.correct as usize, got.count as usize), (wanted.correct, wanted.count), "{name}");
        close(&format!("{name}: weight"), &[got.weight.into()], &[wanted.weight], |_| {
            bound::of_sum(wanted.count as f64, wanted.weight)
        });
        close(&format!("{name}: gradient"), &grad, wanted.grad.data(), |i| gradient_bound(&wanted, i));
        if let Some(numeric) = &numeric {
            let largest = wanted.grad.data().iter().fold(1.0, |largest: f64, grad| largest.max(grad.abs()));
            // A difference of two large losses loses their last digits.
            let lost = f64::EPSILON * wanted.loss.abs() / STEP;
            close(&format!("{name}: gradient by differences"), &grad, numeric, |i| {
                gradient_bound(&wanted, i) + TOLERANCE * largest + lost
            });
        }
    }
}

/// Checks a loss that compares each element x of the prediction with its target t by itself. `value` and `slope` say
/// how many roundings, times the magnitudes that they round, lie in an element's loss and in its derivative.
pub fn check_elementwise(
    loss: &dyn Loss,
    prediction: &Tensor,
    values: &Tensor,
    samples: usize,
    value: impl Fn(f64, f64) -> f64,
    slope: impl Fn(f64, f64) -> f64,
) {
    let pair = |i: usize| (f64::from(prediction.data()[i]), f64::from(values.data()[i]));
    let elements = prediction.len() / prediction.nchw()[0] * samples;
    let divisor = |measured: &Measured<f64>| match loss.reduction() {
        Reduction::Mean => measured.weight,
        Reduction::Sum => 1.0,
    };
    let rounded: f64 = (0..elements).map(pair).map(|(x, t)| value(x, t)).sum();
    let loss_bound = |measured: &Measured<f64>| {
        bound::of_units(rounded / divisor(measured), 1.0) + bound::of_sum(elements as f64, measured.loss)
    };
    let gradient_bound = |measured: &Measured<f64>, i: usize| {
        let (x, t) = pair(i);
        if i < elements { bound::of_units(slope(x, t) / divisor(measured), 1.0) } else { 0.0 }
    };
    check(loss, prediction, Target::Values(values.data()), samples, loss_bound, gradient_bound);
}

/// A prediction, from −1.2 to 1.2, of shape NCHW with its target, from −1.2 to 1.2 too.
pub fn regression(shape: [usize; 4]) -> [Tensor; 2] {
    [spread(&shape, 0), spread(&shape, 1)]
}

/// Logits and their targets, of which many are 0 or 1.
pub fn logits(shape: [usize; 4]) -> [Tensor; 2] {
    let [x, t] = regression(shape);
    [x.map(|x| 3.0 * x), t.map(|t| (0.5 + t).clamp(0.0, 1.0))]
}

/// Logits of all magnitudes, each against several targets.
pub fn edges() -> [Tensor; 2] {
    let magnitudes = [0.0, 1e-30, 1e-4, 0.5, 9.0, 20.0, 50.0, 87.0, 100.0, 104.0, 1e4];
    let logits: Vec<f32> = magnitudes.into_iter().flat_map(|x| [x, -x]).collect();
    let shape = [5, 11, 2, 1];
    let x = Tensor::from_fn(shape, |i| logits[i % 22]);
    [x, Tensor::from_fn(shape, |i| [0.0, 1.0, 0.25, 1e-6, 0.5][i / 22])]
}

/// The same prediction with nothing but NaN in the samples from `samples` on.
pub fn spoiled(prediction: &Tensor, samples: usize) -> Tensor {
    let elements = prediction.len() / prediction.nchw()[0] * samples;
    Tensor::from_fn(prediction.shape(), |i| if i < elements { prediction.data()[i] } else { f32::NAN })
}

/// Every loss, of the registry's defaults.
fn all() -> Vec<Box<dyn Loss>> {
    let losses = REGISTRY.iter().filter_map(|entry| match entry.build {
        Build::Loss(build) => Some(build(&Attributes::default()).unwrap()),
        _ => None,
    });
    losses.collect()
}

/// WebGPU's least device binds four tensors at once, and more as uniforms.
#[test]
fn four_bindings_are_enough() {
    let identity: Arc<dyn Operator> = Arc::new(Dropout::new(0.0));
    let network = Network::from_operator(identity, &[Shape::new(4, 3, 5)]).unwrap();
    for loss in &all() {
        let options = PlanOptions { input_gradients: true, ..PlanOptions::evaluation(2, &**loss) };
        let plan = Plan::new(&network, &options, &Capabilities::webgpu()).unwrap();
        for dispatch in &plan.program().dispatches {
            let storage = dispatch.bindings.iter().filter(|binding| binding.access != Access::Uniform);
            assert!(storage.count() <= 4, "{dispatch:?}");
        }
    }
}

/// Numbers that half precision holds lose nothing but in their gradients.
#[test]
fn predictions_may_be_stored_in_half_precision() {
    let shape = [3, 4, 3, 5];
    let prediction = spread(&shape, 0).map(|x| (x * 64.0).round() / 64.0);
    let values = spread(&shape, 1).map(f32::abs).map(|t| t.min(1.0));
    let labels: Vec<i32> = (0..45).map(|i| i % 4).collect();
    for loss in &all() {
        let loss = &**loss;
        let target = match loss.target([4, 3, 5].into()).is_classes() {
            true => Target::Classes(&labels),
            false => Target::Values(values.data()),
        };
        let wanted = reference(loss, &prediction.map(f64::from), target, 2);
        for context in contexts() {
            let (got, grad) = gpu::measure(context, loss, &prediction, target, 2, true).unwrap();
            let name = loss.name();
            close(name, &[got.loss.into()], &[wanted.loss], |_| 1e-5 * wanted.loss.abs());
            close(&format!("{name}: gradient"), &grad, wanted.grad.data(), |i| {
                wanted.grad.data()[i].abs() / 1024.0 + 1e-7
            });
        }
    }
}

/// What the reference measures.
fn reference(
    loss: &dyn Loss,
    prediction: &Tensor<f64>,
    target: Target<'_, f32>,
    samples: usize,
) -> Measured<f64> {
    let values: Vec<f64> = target.values().iter().copied().map(f64::from).collect();
    let target = match target {
        Target::Classes(labels) => Target::Classes(labels),
        Target::Values(_) => Target::Values(&values),
    };
    LossTwin::<f64>::measure(loss, prediction, target, samples)
}

/// The gradient by central differences of the reference's loss.
fn differences(loss: &dyn Loss, prediction: &Tensor, target: Target<'_, f32>, samples: usize) -> Vec<f64> {
    let mut moved = prediction.map(f64::from);
    let mut loss_at = |i: usize, value: f64| {
        let before = std::mem::replace(&mut moved.data_mut()[i], value);
        let measured = reference(loss, &moved, target, samples).loss;
        moved.data_mut()[i] = before;
        measured
    };
    let derivative = |i: usize| {
        let value = f64::from(prediction.data()[i]);
        (loss_at(i, value + STEP) - loss_at(i, value - STEP)) / (2.0 * STEP)
    };
    (0..prediction.len()).map(derivative).collect()
}

//! Batch normalisation: by the batch's statistics and by the running ones.

use std::sync::Arc;

use wgcnn::network::Network;
use wgcnn::ops::program::TensorId;
use wgcnn::ops::{
    Backward, BatchNorm, Conv2d, Cost, Fold, Forward, Linear, Operator, ParameterSpec, Refusal, StepState,
};
use wgcnn::reference::{self, Gradients, Pass, Twin};
use wgcnn::shape::Shape;
use wgcnn::{Error, Tensor};

use crate::check::{Rounding, check_as_gpu, check_network, check_pass, close, training};
use crate::common::bound::UNIT;
use crate::common::gpu;
use crate::contexts::contexts;

/// How far rounding takes an element off: statistics, a difference, a few products and a sum.
const ROUNDING: Rounding = Rounding::OfLargest(32.0);

fn evaluation() -> Pass {
    Pass::default()
}

fn check(norm: BatchNorm, input: [usize; 4], pass: Pass) {
    check_pass(norm, &[input], ROUNDING, ROUNDING, pass);
}

#[test]
fn odd_sizes() {
    for input in [[3, 1, 1, 1], [2, 3, 4, 5], [1, 5, 3, 1], [3, 17, 2, 3], [2, 68, 3, 1]] {
        check(BatchNorm::new(), input, training(input[0]));
        check(BatchNorm::new(), input, evaluation());
    }
}

#[test]
fn every_setting() {
    let norm = BatchNorm::new;
    for pass in [training(3), evaluation()] {
        check(norm().eps(0.5).momentum(0.75), [3, 6, 2, 2], pass);
        check(norm().affine(false).momentum(1.0), [3, 6, 2, 2], pass);
        check(norm().eps(0.0).momentum(0.0), [3, 6, 2, 2], pass);
    }
}

/// There more workgroups write elements than take sums.
#[test]
fn what_a_gpu_takes() {
    check_as_gpu(BatchNorm::new(), &[[3, 5, 97, 61]], ROUNDING, ROUNDING);
}

/// What a batch lacks to its full size has no part in anything.
#[test]
fn padding_does_not_count() {
    check(BatchNorm::new(), [5, 3, 2, 2], training(2));
    check(BatchNorm::new(), [300, 6, 1, 1], training(7));
    let network = network(BatchNorm::new(), Shape::new(2, 1, 3));
    let images = Tensor::from_fn([3, 2, 1, 3], |i| if i < 12 { i as f32 } else { f32::NAN });
    for context in contexts() {
        let results = gpu::differentiate(context, &network, &[&images], Some(&images), &training(2)).unwrap();
        assert!(results["output"][..12].iter().all(|y| y.is_finite()));
        assert_eq!(results["output"][12..], [0.0; 6]);
        assert_eq!(results["grad.input.0"][12..], [0.0; 6]);
    }
}

/// Sums that are split over workgroups, and those of one channel over more terms than an invocation may take.
#[test]
fn many_values() {
    check(BatchNorm::new(), [3, 5, 97, 61], training(3));
    check(BatchNorm::new(), [70_001, 3, 1, 1], training(70_000));
}

fn network(norm: BatchNorm, input: Shape) -> Network {
    Network::from_operator(Arc::new(norm) as Arc<dyn Operator>, &[input]).unwrap()
}

/// Numbers without visible order, roughly normal: the sum of twelve uniform ones less six.
fn normal(len: usize) -> Vec<f32> {
    let mut state = 1_u64;
    let mut uniform = || {
        state = state * 48_271 % 0x7fff_ffff;
        state as f64 / f64::from(0x7fff_ffff)
    };
    (0..len).map(|_| ((0..12).map(|_| uniform()).sum::<f64>() - 6.0) as f32).collect()
}

/// A mean far from zero costs nothing but the rounding of the mean itself: no square of it cancels. Nor does it where
/// the first of the values that are summed together is an outlier, and no good guess of their mean.
#[test]
fn a_mean_of_50_with_a_variance_of_1() {
    let (shape, mean) = ([2, 3, 128, 130], 50.0);
    let values = normal(shape.iter().product());
    for outliers in [false, true] {
        // A sample has 16640 pixels, and sums begin at multiples of 1088 pixels of the batch.
        let is_first = |i: usize| (i / (3 * 16640) * 16640 + i % 16640).is_multiple_of(1088);
        let value = |i: usize| if outliers && is_first(i) { 0.0 } else { values[i] + mean };
        let images = Tensor::from_fn(shape, value);
        let grad = Tensor::new(shape, values.iter().rev().copied().collect()).unwrap();
        let network = network(BatchNorm::new(), Shape::new(3, 128, 130));
        let mut parameters = reference::parameters::<f64>(&network);
        let (inputs, pass) = ([images.map(f64::from)], training(2));
        let wanted = reference::forward(&network, &parameters, &inputs, &pass).unwrap();
        let gradients =
            reference::backward(&network, &parameters, &wanted, &grad.map(f64::from), &pass).unwrap();
        reference::update_buffers(&network, &mut parameters, &wanted, &pass).unwrap();
        for context in contexts() {
            let got = gpu::differentiate(context, &network, &[&images], Some(&grad), &pass).unwrap();
            // Three roundings of the mean, and of values of a few deviations.
            let bound = 3.0 * UNIT * 64.0;
            close("output", &got["output"], wanted[1].data(), |_| bound);
            close("gradient", &got["grad.input.0"], gradients.inputs[0].data(), |_| bound);
            let running = |name: &str| &got[&format!("output.batch_norm.{name}")];
            close("mean", running("running_mean"), parameters[2].data(), |_| 0.1 * bound);
            close("variance", running("running_var"), parameters[3].data(), |_| bound);
        }
    }
}

#[test]
fn a_channel_of_one_value_becomes_the_bias() {
    let mut network = network(BatchNorm::new(), Shape::new(1, 3, 3));
    network.set_parameter("batch_norm.bias", Tensor::full([1], 0.75)).unwrap();
    let images = Tensor::full([2, 1, 3, 3], 7.3);
    let grad = Tensor::from_fn([2, 1, 3, 3], |i| i as f32);
    for context in contexts() {
        let got = gpu::differentiate(context, &network, &[&images], Some(&grad), &training(2)).unwrap();
        assert_eq!(got["output"], [0.75; 18]);
        // The mean's gradient is taken off, and the rest multiplied by 1 / √eps.
        let wanted: Vec<f64> = (0..18).map(|i| (f64::from(i) - 8.5) / 1e-5_f64.sqrt()).collect();
        close("gradient", &got["grad.input.0"], &wanted, |_| 1e-6 * 2700.0);
        assert_eq!(got["grad.param.batch_norm.weight"], [0.0]);
    }
}

#[test]
fn within_a_graph() {
    // Without a bias before it, whose gradient is nothing but rounding: the mean takes it off again.
    let network = Network::builder([3, 3, 4])
        .conv2d("before", Conv2d::new(6, 1).bias(false))
        .batch_norm("subject")
        .relu()
        .conv2d("after", Conv2d::new(5, 1));
    check_network(network.build().unwrap(), 3);
}

#[test]
fn nan_is_refused() {
    let norm = BatchNorm::new;
    for (norm, message) in [
        (norm().eps(f32::NAN), "eps is NaN; it must be a number from 0"),
        (norm().momentum(f32::NAN), "momentum is NaN; it must be from 0 to 1"),
    ] {
        assert_eq!(norm.output_shape(&[Shape::features(3)]).unwrap_err(), message);
    }
}

/// One value has no variance.
#[test]
fn a_single_value_cannot_be_trained_on() {
    let network = network(BatchNorm::new(), Shape::features(3));
    let image = Tensor::full([1, 3, 1, 1], 1.0);
    let says = |result: Result<(), Error>| {
        let wanted = "layer \"batch_norm\" (batch_norm): a channel has 1 x 1 (samples x pixels) values in a training \
                      step; its variance takes at least 2: more samples a step would do (input [3])";
        assert_eq!(result.unwrap_err().to_string(), wanted);
    };
    says(network.check_training(1));
    says(gpu::differentiate(&contexts()[0], &network, &[&image], None, &training(1)).map(|_| ()));
    let parameters = reference::parameters::<f32>(&network);
    let forward =
        |pass| reference::forward(&network, &parameters, std::slice::from_ref(&image), &pass).map(|_| ());
    says(forward(training(1)));
    forward(evaluation()).unwrap();
    gpu::differentiate(&contexts()[0], &network, &[&image], None, &evaluation()).unwrap();
    network.check_training(2).unwrap();
}

/// A layer with batch normalisation folded into it, and its parameters behind those of the layer.
#[derive(Debug)]
struct Folded<O> {
    layer: O,
    norm: BatchNorm,
}

impl<O: Operator> Folded<O> {
    fn layer_parameters(&self, inputs: &[Shape]) -> usize {
        self.layer.parameters(inputs).len()
    }
}

impl<O: Operator> Operator for Folded<O> {
    fn name(&self) -> &'static str {
        "folded"
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        self.layer.output_shape(inputs)
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let mut parameters = self.layer.parameters(inputs);
        let names = ["norm_weight", "norm_bias", "running_mean", "running_var"];
        let own = self.norm.parameters(&[self.layer.output_shape(inputs).unwrap()]);
        let skipped = names.len() - own.len();
        let named = |(name, spec)| ParameterSpec { name, ..spec };
        parameters.extend(names.into_iter().skip(skipped).zip(own).map(named));
        parameters
    }

    fn cost(&self, _: &[Shape], _: Shape) -> Cost {
        Cost::default()
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        let shapes: Vec<Shape> = pass.inputs.iter().map(|input| input.shape).collect();
        let (of_layer, parameters) = pass.parameters.split_at(self.layer_parameters(&shapes));
        let folded = self.norm.fold(Fold {
            program: &mut *pass.program,
            layer: pass.layer,
            weight_shape: &self.layer.parameters(&shapes)[0].shape,
            weight: of_layer[0],
            bias: of_layer.get(1).copied(),
            parameters,
        });
        Operator::forward(&self.layer, Forward { parameters: &folded.unwrap(), ..pass })
    }

    fn backward(&self, _: Backward<'_>) {
        unreachable!("folding is for inference")
    }
}

impl<O: Operator> Twin<f64> for Folded<O> {
    fn forward(&self, inputs: &[&Tensor<f64>], parameters: &[&Tensor<f64>], pass: &Pass) -> Tensor<f64> {
        let [_, c, h, w] = inputs[0].nchw();
        let (of_layer, own) = parameters.split_at(self.layer_parameters(&[Shape::new(c, h, w)]));
        let between = Twin::<f64>::forward(&self.layer, inputs, of_layer, pass);
        Twin::<f64>::forward(&self.norm, &[&between], own, pass)
    }

    fn backward(
        &self,
        _: &[&Tensor<f64>],
        _: &[&Tensor<f64>],
        _: &Tensor<f64>,
        _: &Tensor<f64>,
        _: &Pass,
    ) -> Gradients<f64> {
        unreachable!("folding is for inference")
    }
}

impl<O: Operator> Twin<f32> for Folded<O> {
    fn forward(&self, _: &[&Tensor], _: &[&Tensor], _: &Pass) -> Tensor {
        unreachable!("the oracle is in f64")
    }

    fn backward(&self, _: &[&Tensor], _: &[&Tensor], _: &Tensor, _: &Tensor, _: &Pass) -> Gradients<f32> {
        unreachable!("folding is for inference")
    }
}

fn check_folded(layer: impl Operator + 'static, norm: BatchNorm, input: [usize; 4]) {
    let [batch, c, h, w] = input;
    let folded: Arc<dyn Operator> = Arc::new(Folded { layer, norm });
    let mut network = Network::from_operator(folded, &[Shape::new(c, h, w)]).unwrap();
    for parameter in network.clone().parameters() {
        // Positive, for the variance.
        let value = normal(parameter.value.len()).into_iter().map(|x| x.abs() + 0.1).collect();
        network.set_parameter(&parameter.name, Tensor::new(parameter.value.shape(), value).unwrap()).unwrap();
    }
    let image = Tensor::new(input, normal(input.iter().product())).unwrap();
    let parameters = reference::parameters::<f64>(&network);
    let wanted = reference::forward(&network, &parameters, &[image.map(f64::from)], &evaluation()).unwrap();
    let pass = Pass { step: StepState::new(0, 0, batch, 0.0), ..evaluation() };
    for context in contexts() {
        let got = gpu::differentiate(context, &network, &[&image], None, &pass).unwrap();
        let largest = wanted[1].data().iter().fold(0.0, |largest: f64, y| largest.max(y.abs()));
        close(&format!("{network:?}"), &got["output"], wanted[1].data(), |_| 64.0 * UNIT * largest);
    }
}

#[test]
fn folded_into_the_layer_before() {
    let norm = BatchNorm::new;
    check_folded(Conv2d::new(5, 3).same(), norm(), [2, 3, 4, 5]);
    check_folded(Conv2d::new(8, 3).groups(2).bias(false), norm().eps(0.25), [2, 4, 4, 5]);
    check_folded(Conv2d::new(6, 1).bias(false), norm().affine(false), [2, 5, 3, 3]);
    check_folded(Linear::new(7), norm().affine(false).eps(0.0), [3, 9, 1, 1]);
}

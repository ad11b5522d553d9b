//! Convolutions by Winograd's minimal filtering: a variant of conv2d and conv_transpose2d with an error of its own.

use half::f16;
use wgcnn::Tensor;
use wgcnn::gpu::{Capabilities, Context};
use wgcnn::network::Network;
use wgcnn::ops::{Choices, Conv2d, ConvTranspose2d, Operator};
use wgcnn::reference;
use wgcnn::schedule::{Plan, PlanOptions};

use crate::check::{Rounding, check, check_variants, close, training};
use crate::common::differences::spread;
use crate::common::gpu;
use crate::contexts::contexts;

/// The passes of a layer that have a variant by this filtering, as `Forward` for instance.
fn passes(operator: impl Operator + 'static, [batch, channels, height, width]: [usize; 4]) -> Vec<String> {
    let network = Network::builder([channels, height, width]).layer("layer", operator).build().unwrap();
    let options = PlanOptions { input_gradients: true, ..PlanOptions::gradients(batch) };
    let plan = Plan::new(&network, &options, &Capabilities::webgpu()).unwrap();
    let filtered = plan.program().problems.iter().filter(|problem| {
        problem.candidates(&Capabilities::webgpu()).iter().any(|name| name.starts_with("winograd_tiled"))
    });
    filtered.map(|problem| problem.key().split(' ').nth(1).unwrap().to_owned()).collect()
}

/// Checks a layer of which these passes have the variant.
fn filtered(operator: impl Operator + Clone + 'static, input: [usize; 4], expected: &[&str]) {
    assert_eq!(passes(operator.clone(), input), expected, "{operator:?} on {input:?}");
    check(operator, &[input], Rounding::Sum, Rounding::Sum);
}

const ALL: [&str; 3] = ["Forward", "BackwardInput", "BackwardWeight"];
const IMAGES: [&str; 2] = ["Forward", "BackwardInput"];

#[test]
fn three_by_three() {
    filtered(Conv2d::new(33, 3).same(), [3, 33, 13, 9], &ALL);
    filtered(Conv2d::new(64, 3).same().bias(false), [2, 64, 13, 13], &ALL);
    filtered(Conv2d::new(32, 3).same(), [1, 32, 2, 2], &IMAGES);
    filtered(Conv2d::new(36, 3).same(), [3, 34, 4, 3], &IMAGES);
    filtered(Conv2d::new(32, 3).same(), [1, 32, 5, 8], &IMAGES);
    filtered(Conv2d::new(17, 3).same(), [1, 40, 6, 7], &["Forward"]);
    filtered(Conv2d::new(40, 3).same(), [3, 20, 12, 10], &["BackwardInput", "BackwardWeight"]);
}

#[test]
fn three_by_three_padded_otherwise() {
    filtered(Conv2d::new(32, 3), [1, 32, 7, 6], &["Forward"]);
    filtered(Conv2d::new(32, 3).padding([1, 0, 0, 1]), [3, 33, 9, 5], &["Forward"]);
    filtered(Conv2d::new(33, 3).padding(2), [3, 20, 11, 12], &["BackwardInput", "BackwardWeight"]);
    filtered(Conv2d::new(33, 3).padding([1, 2, 1, 2]), [1, 5, 21, 19], &["BackwardInput", "BackwardWeight"]);
    filtered(Conv2d::new(33, 3).padding([4, 3, 3, 4]), [1, 32, 5, 6], &["BackwardInput"]);
}

#[test]
fn five_by_five() {
    filtered(Conv2d::new(20, 5).same(), [1, 17, 38, 37], &ALL);
    filtered(Conv2d::new(64, 5).same(), [1, 32, 9, 11], &IMAGES);
    filtered(Conv2d::new(16, 5).same().bias(false), [1, 16, 2, 3], &IMAGES);
    filtered(Conv2d::new(16, 5).padding([1, 2, 0, 1]), [1, 16, 9, 8], &["Forward"]);
    filtered(Conv2d::new(17, 5).padding([4, 3, 2, 2]), [3, 5, 7, 6], &["BackwardInput"]);
}

/// From 32 channels and four pixels on a tile has 64 points, not 36.
#[test]
fn five_by_five_of_many_channels() {
    filtered(Conv2d::new(35, 5).same(), [2, 33, 25, 31], &ALL);
    filtered(Conv2d::new(32, 5).same().bias(false), [1, 32, 4, 5], &IMAGES);
    filtered(Conv2d::new(32, 5).same(), [1, 32, 3, 5], &IMAGES);
    filtered(Conv2d::new(32, 5).padding([1, 2, 0, 1]), [1, 32, 9, 8], &["Forward"]);
    filtered(Conv2d::new(33, 5).padding([4, 3, 2, 2]), [3, 5, 7, 6], &["BackwardInput"]);
    let points = |channels, height| {
        let network = Network::builder([channels, height, 9]).conv2d("conv", Conv2d::new(16, 5).same());
        let (network, capabilities) = (network.build().unwrap(), Capabilities::webgpu());
        let choices = filtering(&network, 1, &capabilities, false);
        let options = PlanOptions { choices: Some(&choices), ..PlanOptions::inference(1) };
        let plan = Plan::new(&network, &options, &capabilities).unwrap();
        let input = plan.program().tensors.iter().find(|tensor| tensor.label.starts_with("conv.input ("));
        input.expect("the image at the points").label.clone()
    };
    assert_eq!(points(32, 4), "conv.input (64 points)");
    assert_eq!([points(31, 9), points(32, 3)], ["conv.input (36 points)"; 2]);
}

/// A GPU's invocations own half of the lines of points, of 36 as of 64, and loops count up to constants.
#[test]
fn as_on_a_gpu() {
    for (kernel, padding) in [(3, 1), (3, 0), (5, 2), (5, 1)] {
        let convolution = Conv2d::new(34, kernel).padding(padding);
        let network = Network::builder([33, 20, 21]).conv2d("conv", convolution).build().unwrap();
        for context in contexts() {
            let capabilities = Capabilities { software: false, ..context.capabilities().clone() };
            agrees(&network, 3, context, &capabilities, false);
        }
    }
}

/// The way back is its forward pass.
#[test]
fn transposed() {
    filtered(ConvTranspose2d::new(33, 3).padding(1), [3, 34, 9, 7], &IMAGES);
    filtered(ConvTranspose2d::new(17, 5).padding(2), [1, 20, 6, 5], &IMAGES);
}

/// Where nobody knows the error to be small, or there is no transform.
#[test]
fn not_filtered() {
    let none: [&str; 0] = [];
    assert_eq!(passes(Conv2d::new(16, 3).same(), [1, 16, 9, 9]), none);
    assert_eq!(passes(Conv2d::new(64, 3).stride(2).padding(1), [8, 64, 20, 20]), none);
    assert_eq!(passes(Conv2d::new(64, 3).dilation(2).padding(2), [8, 64, 20, 20]), none);
    assert_eq!(passes(Conv2d::new(64, 3).groups(2).same(), [8, 64, 20, 20]), none);
    assert_eq!(passes(Conv2d::new(64, 4).same(), [8, 64, 20, 20]), none);
    assert_eq!(passes(Conv2d::new(64, [3, 5]).same(), [8, 64, 20, 20]), none);
    assert_eq!(passes(Conv2d::new(64, 3).same(), [1, 64, 1, 1]), none);
}

/// The points of all tiles, or of the weight, would not fit in one binding.
#[test]
fn in_chunks_that_can_be_bound() {
    assert_eq!(passes(Conv2d::new(16, 5).same(), [1, 16, 1440, 1440]), ALL);
    assert_eq!(passes(Conv2d::new(1024, 3).same(), [8, 1024, 14, 14]), ALL);
}

#[test]
fn with_an_activation() {
    let network =
        Network::builder([32, 6, 9]).conv2d("conv", Conv2d::new(33, 3).same()).sigmoid().build().unwrap();
    check_variants(network, 2);
}

/// The rounding of f16, and how many of them a result may be off by, relative to its largest element.
const F16: f64 = 1.0 / (1 << 11) as f64;
const UNITS: f64 = 8.0;

#[test]
fn activations_in_half_precision() {
    let network =
        Network::builder([33, 10, 9]).conv2d("conv", Conv2d::new(34, 3).same()).relu().build().unwrap();
    for context in contexts() {
        agrees(&network, 4, context, context.capabilities(), true);
    }
}

/// Of tiles where only some of their points fit in one binding, and of output channels where those of the weight do not.
#[test]
fn in_chunks() {
    let single = |channels, input| Network::builder(input).conv2d("conv", Conv2d::new(channels, 3).same());
    // The gradient to the weight is filtered in the last two, the others in the first two.
    for (network, batch, limit) in [
        (single(40, [36, 20, 20]), 4, 256 << 10),
        (single(128, [32, 8, 8]), 1, 200 << 10),
        (single(8, [8, 20, 20]), 4, 64 << 10),
        (single(64, [8, 18, 18]), 1, 96 << 10),
    ] {
        let network = network.build().unwrap();
        for context in contexts() {
            let capabilities = Capabilities { max_storage_binding: limit, ..context.capabilities().clone() };
            let passes = agrees(&network, batch, context, &capabilities, false);
            assert!(passes > 2, "{passes} transforms");
        }
    }
}

/// The rounding of the transforms in f32, a share of the largest element.
const F32: f64 = 1e-5;

/// Compares all passes by this filtering with the reference; says how many transforms on the side of the outputs they take.
fn agrees(
    network: &Network,
    batch: usize,
    context: &Context,
    capabilities: &Capabilities,
    half: bool,
) -> usize {
    let held = |tensor: Tensor| if half { tensor.map(|x| f16::from_f32(x).to_f32()) } else { tensor };
    let input = held(spread(&network.input_shape().nchw(batch), 1));
    let grad_output = held(spread(&network.output_shape().nchw(batch), 2));
    let pass = training(batch);
    let (output, gradients) = reference::vjp(
        network,
        &reference::parameters(network),
        &[input.map(f64::from)],
        &grad_output.map(f64::from),
        &pass,
    )
    .unwrap();
    let choices = filtering(network, batch, capabilities, half);
    let by = |options| PlanOptions { half, choices: Some(&choices), ..options };
    let plan = Plan::new(network, &by(PlanOptions::gradients(batch)), capabilities).unwrap();
    let got =
        gpu::differentiate_for(context, capabilities, network, &[&input], Some(&grad_output), &pass, by)
            .unwrap();
    let wanted = [("output", &output), ("grad.input.0", &gradients.inputs[0])];
    let names: Vec<String> =
        network.parameters().iter().map(|parameter| format!("grad.param.{}", parameter.name)).collect();
    let parameters = names.iter().map(String::as_str).zip(&gradients.parameters);
    for (name, wanted) in wanted.into_iter().chain(parameters) {
        let largest = wanted.data().iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
        close(name, &got[name], wanted.data(), |_| if half { UNITS * F16 } else { F32 } * largest);
    }
    let transforms = ["conv2d/winograd_output", "conv2d/winograd_grad_output"];
    let kernels = plan.program().dispatches.iter().map(|dispatch| dispatch.kernel.name);
    kernels.filter(|kernel| transforms.contains(kernel)).count()
}

/// The choice of this variant for all passes that have it.
fn filtering(network: &Network, batch: usize, capabilities: &Capabilities, half: bool) -> Choices {
    let options = PlanOptions { half, ..PlanOptions::gradients(batch) };
    let plan = Plan::new(network, &options, capabilities).unwrap();
    let mut choices = Choices::default();
    for problem in &plan.program().problems {
        let mut names = problem.candidates(capabilities).into_iter();
        if let Some(name) = names.find(|name| name.starts_with("winograd")) {
            choices.set(problem.key(), name);
        }
    }
    choices
}

//! Convolutions and linear layers on matrix units: a variant where activations are in half precision and the adapter has
//! cooperative matrices. Where it has none there is nothing to check here; the choice itself and the validity of the
//! kernels are checked anywhere.

use half::f16;
use wgcnn::Tensor;
use wgcnn::gpu::Context;
use wgcnn::network::Network;
use wgcnn::ops::program::Dispatch;
use wgcnn::ops::{Choices, Conv2d, ConvTranspose2d, Linear, Operator};
use wgcnn::reference;
use wgcnn::schedule::{Plan, PlanOptions};

use crate::check::{close, training};
use crate::common::differences::spread;
use crate::common::{bound, gpu};
use crate::half::{UNIT, UNITS, contexts, in_half};

/// The choice of this variant for every pass of a network that has it, if one has.
pub fn choices(network: &Network, batch: usize, context: &Context) -> Option<Choices> {
    let capabilities = context.capabilities();
    let plan = Plan::new(network, &in_half(PlanOptions::gradients(batch)), capabilities).unwrap();
    let mut choices = Choices::default();
    for problem in &plan.program().problems {
        if problem.candidates(capabilities).iter().any(|name| name == NAME) {
            choices.set(problem.key(), NAME);
        }
    }
    Some(choices).filter(|choices| choices.iter().next().is_some())
}

const NAME: &str = "cooperative";

/// How many dispatches of a plan by such choices multiply on matrix units.
fn dispatches(network: &Network, batch: usize, context: &Context, choices: &Choices) -> usize {
    let options = in_half(PlanOptions { choices: Some(choices), ..PlanOptions::gradients(batch) });
    let plan = Plan::new(network, &options, context.capabilities()).unwrap();
    let of_matrices = |dispatch: &&Dispatch| dispatch.kernel.name.ends_with("_cooperative");
    plan.program().dispatches.iter().filter(of_matrices).count()
}

/// Numbers that f16 holds.
fn held(tensor: &Tensor) -> Tensor {
    tensor.map(|x| f16::from_f32(x).to_f32())
}

/// Checks a layer, of which so many passes have the variant.
fn check(operator: impl Operator + 'static, [batch, channels, height, width]: [usize; 4], passes: usize) {
    let name = format!("{operator:?} on {:?}", [batch, channels, height, width]);
    let network = Network::builder([channels, height, width]).layer("layer", operator).build().unwrap();
    check_sums(&name, network, batch, passes);
}

/// Checks a network of one layer. Its weight is one that f16 holds, so that nothing is rounded but sums, as those of f32
/// are, and images when they are stored.
fn check_sums(name: &str, mut network: Network, batch: usize, passes: usize) {
    for (i, parameter) in (100..).zip(network.clone().parameters()) {
        network.set_parameter(&parameter.name, held(&spread(&parameter.spec.shape, i))).unwrap();
    }
    let input = held(&spread(&network.input_shape().nchw(batch), 1));
    let grad_output = held(&spread(&network.output_shape().nchw(batch), 2));
    let pass = training(batch);
    // What the reference gives where all numbers are changed.
    let reference = |change: fn(f64) -> f64| {
        let parameters: Vec<_> = reference::parameters(&network).iter().map(|x| x.map(change)).collect();
        let [input, grad_output] = [&input, &grad_output].map(|x| x.map(|x| change(x.into())));
        let (output, gradients) =
            reference::vjp(&network, &parameters, &[input], &grad_output, &pass).unwrap();
        let names = network.parameters().iter().map(|parameter| format!("grad.param.{}", parameter.name));
        let images = [output, gradients.inputs[0].clone()];
        let images = ["output".into(), "grad.input.0".into()].into_iter().zip(images);
        images.chain(names.zip(gradients.parameters)).collect::<Vec<_>>()
    };
    let (wanted, absolute, counts) = (reference(|x| x), reference(f64::abs), reference(|_| 1.0));
    for context in contexts() {
        let Some(choices) = choices(&network, batch, context) else {
            assert!(context.capabilities().cooperative_matrix.is_none() || passes == 0, "{name}");
            continue;
        };
        assert_eq!(dispatches(&network, batch, context, &choices), passes, "{name}: passes");
        let by = |options| in_half(PlanOptions { choices: Some(&choices), ..options });
        let run = || gpu::differentiate_as(context, &network, &[&input], Some(&grad_output), &pass, by);
        let got = run().unwrap();
        for (at, (what, wanted)) in wanted.iter().enumerate() {
            let sums = |i: usize| bound::of_sum(counts[at].1.data()[i], absolute[at].1.data()[i]);
            // Those of images are stored; below the normal numbers of f16 the rounding is absolute.
            let stored = |i: usize| if at < 2 { UNIT * wanted.data()[i].abs() + SMALLEST } else { 0.0 };
            close(&format!("{name}: {what}"), &got[what], wanted.data(), |i| sums(i) + stored(i));
        }
        assert!(run().unwrap() == got, "{name}: not the same bits twice");
    }
}

/// Half the smallest f16.
const SMALLEST: f64 = 1.0 / (1 << 25) as f64;

#[test]
fn convolutions() {
    check(Conv2d::new(17, 3).same(), [2, 5, 9, 7], 3);
    check(Conv2d::new(70, 3).same(), [2, 40, 13, 9], 3);
    check(Conv2d::new(33, 3).stride(2).padding([1, 0, 0, 1]), [1, 33, 11, 6], 3);
    check(Conv2d::new(5, [3, 1]).stride([2, 3]).dilation([2, 1]).padding([2, 1, 0, 1]), [3, 17, 12, 10], 3);
    check(Conv2d::new(8, 5).padding(2).bias(false), [3, 16, 6, 5], 3);
}

#[test]
fn from_and_to_few_channels() {
    check(Conv2d::new(4, 1), [1, 4, 1, 1], 3);
    check(Conv2d::new(3, 3).same(), [2, 5, 4, 3], 2);
    check(Conv2d::new(5, 3).same(), [2, 3, 4, 5], 1);
    check(Conv2d::new(1, 1), [2, 1, 4, 3], 0);
}

#[test]
fn split_sums() {
    check(Conv2d::new(8, 3).same(), [1, 512, 3, 3], 3);
    check(Conv2d::new(6, 1).bias(false), [2, 9, 40, 37], 3);
    check(Linear::new(5), [3, 2049, 1, 1], 3);
}

#[test]
fn linear_layers() {
    check(Linear::new(19), [7, 130, 1, 1], 3);
    check(Linear::new(40), [65, 8, 1, 1], 3);
}

#[test]
fn transposed_convolutions() {
    check(ConvTranspose2d::new(10, 3).stride(2).padding(1), [2, 6, 5, 4], 3);
    check(ConvTranspose2d::new(5, [2, 3]).stride([1, 3]).dilation([2, 1]), [1, 17, 6, 5], 3);
}

/// A function at the end of the kernel, and a layer that reads its channels past the last.
#[test]
fn with_an_activation() {
    let network = Network::builder([9, 6, 5])
        .conv2d("conv", Conv2d::new(6, 3).same())
        .sigmoid()
        .conv2d("after", Conv2d::new(5, 3))
        .build()
        .unwrap();
    let input = held(&spread(&network.input_shape().nchw(2), 1));
    let parameters = reference::parameters(&network);
    let pass = training(2);
    let values = reference::forward(&network, &parameters, &[input.map(f64::from)], &pass).unwrap();
    let wanted = &values[network.output().0];
    let largest = wanted.data().iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    for context in contexts() {
        let Some(choices) = choices(&network, 2, context) else { continue };
        let by = |options| in_half(PlanOptions { choices: Some(&choices), ..options });
        let got = gpu::differentiate_as(context, &network, &[&input], None, &pass, by).unwrap();
        close("output", &got["output"], wanted.data(), |_| UNITS * UNIT * largest);
    }
}

//! What is planned, and what is not because nobody needs it.

use wgcnn::gpu::Capabilities;
use wgcnn::network::Network;
use wgcnn::ops::CrossEntropy;
use wgcnn::schedule::{Plan, PlanOptions};

use crate::fixture::{BATCH, batch, contexts, network, optimizer, trainer, values};

/// Layer and kernel of every dispatch of a training step, but for the images' way in.
fn training_step(network: &Network) -> Vec<(String, &'static str)> {
    let (loss, optimizer) = (CrossEntropy::mean(), optimizer());
    dispatches(network, &PlanOptions::training(BATCH, &loss, &optimizer))
}

fn dispatches(network: &Network, options: &PlanOptions<'_>) -> Vec<(String, &'static str)> {
    let plan = Plan::new(network, options, &Capabilities::webgpu()).unwrap();
    let dispatches = plan.program().dispatches.iter().filter(|dispatch| dispatch.layer != "input");
    dispatches.map(|dispatch| (dispatch.layer.clone(), dispatch.kernel.name)).collect()
}

/// Whether a plan keeps which taps of a max pool won, for its gradient.
fn keeps_taps(network: &Network, options: &PlanOptions<'_>) -> bool {
    let plan = Plan::new(network, options, &Capabilities::webgpu()).unwrap();
    plan.program().tensors.iter().any(|tensor| tensor.label == "max_pool2d1.taps")
}

/// The layers with a dispatch whose kernel is for a backward pass.
fn backward_layers<'a>(dispatches: &'a [(String, &'static str)]) -> Vec<&'a str> {
    let mut layers: Vec<&'a str> = vec![];
    for (layer, kernel) in dispatches {
        if kernel.contains("backward") && layers.last() != Some(&layer.as_str()) {
            layers.push(layer);
        }
    }
    layers
}

#[test]
fn no_gradient_goes_to_the_images() {
    let network = network();
    let step = training_step(&network);
    let of_first: Vec<_> =
        step.iter().filter(|(layer, _)| layer == "conv1").map(|(_, kernel)| *kernel).collect();
    assert!(of_first.contains(&"conv2d/backward_weight_tiled"), "{of_first:?}");
    // The gradient to the input would need the transposed weight.
    assert!(!of_first.contains(&"common/transpose_weight"), "{of_first:?}");
    let of_second: Vec<_> =
        step.iter().filter(|(layer, _)| layer == "conv2").map(|(_, kernel)| *kernel).collect();
    assert!(of_second.contains(&"common/transpose_weight"), "{of_second:?}");
}

#[test]
fn nothing_is_planned_below_frozen_layers() {
    let mut network = network();
    network.freeze("conv1").unwrap();
    network.freeze("conv2").unwrap();
    let step = training_step(&network);
    let layers = backward_layers(&step);
    for frozen in ["conv1", "relu1", "max_pool2d1", "conv2", "tanh1"] {
        assert!(!layers.contains(&frozen), "{frozen} is among {layers:?}");
    }
    assert!(layers.contains(&"body") && layers.contains(&"fc1"), "{layers:?}");
    let (loss, optimizer) = (CrossEntropy::mean(), optimizer());
    assert!(!keeps_taps(&network, &PlanOptions::training(BATCH, &loss, &optimizer)));

    network.freeze("").unwrap();
    let step = training_step(&network);
    assert!(backward_layers(&step).is_empty(), "{step:?}");
    assert!(!step.iter().any(|(_, kernel)| kernel.starts_with("sgd")), "{step:?}");
}

#[test]
fn frozen_parameters_stay_as_they_are() {
    let mut network = network();
    network.freeze("conv2").unwrap();
    network.freeze("fc1.bias").unwrap();
    for context in contexts() {
        let mut trainer = trainer(context, network.clone());
        for _ in 0..3 {
            trainer.step(&batch(BATCH)).unwrap();
        }
        let after = values(&trainer.network().unwrap());
        for ((parameter, before), after) in network.parameters().iter().zip(values(&network)).zip(after) {
            assert_eq!(before == after, !parameter.trainable, "{}", parameter.name);
        }
    }
}

#[test]
fn inference_has_no_dropout_and_keeps_no_taps() {
    let kernels: Vec<_> = dispatches(&network(), &PlanOptions::inference(BATCH))
        .into_iter()
        .map(|(_, kernel)| kernel)
        .collect();
    assert!(!kernels.contains(&"dropout/mask"), "{kernels:?}");
    assert!(!kernels.iter().any(|kernel| kernel.contains("backward")), "{kernels:?}");
    assert!(!keeps_taps(&network(), &PlanOptions::inference(BATCH)));
    let (loss, optimizer) = (CrossEntropy::mean(), optimizer());
    assert!(keeps_taps(&network(), &PlanOptions::training(BATCH, &loss, &optimizer)));
}

#[test]
fn gradients_to_the_images_alone_need_none_to_the_parameters() {
    let options = PlanOptions { input_gradients: true, ..PlanOptions::inference(BATCH) };
    let kernels = dispatches(&network(), &options);
    let of_weights = |kernel: &str| kernel.contains("backward_weight") || kernel.contains("sum_pixels");
    assert!(!kernels.iter().any(|(_, kernel)| of_weights(kernel)), "{kernels:?}");
    assert!(kernels.contains(&("conv1".into(), "common/transpose_weight")), "{kernels:?}");
}

//! What a trainer accepts, checked before anything is computed. The same for every trainer.

use crate::data::{Batch, Dataset, Targets};
use crate::network::Network;
use crate::ops::{Loss, Optimizer, TargetSpec, UpdateOptions};
use crate::{Error, Result, Tensor};

/// Checks that `network` can be trained with this loss, optimizer, number of images a step, and way to treat
/// gradients.
pub(crate) fn check_setup(
    network: &Network,
    loss: &dyn Loss,
    optimizer: &dyn Optimizer,
    batch: usize,
    update: &UpdateOptions,
) -> Result<()> {
    if batch == 0 {
        return Err(Error::Option { option: "batch", got: "0".into(), expected: "at least 1" });
    }
    let inputs = network.inputs().len();
    if inputs != 1 {
        return Err(Error::Network(format!("it has {inputs} inputs; a trainer feeds exactly one")));
    }
    let output = network.output_shape();
    loss.check(output).map_err(|refusal| {
        Error::Network(format!("its output {output} does not suit the loss {}: {refusal}", loss.name()))
    })?;
    network.check_training(batch)?;
    optimizer.check()?;
    update.check()
}

/// Checks the images and targets of one training step, of which there may be `capacity`, and returns how many images
/// there are.
pub(crate) fn check_batch(
    network: &Network,
    loss: &dyn Loss,
    batch: &Batch,
    capacity: usize,
) -> Result<usize> {
    let samples = check_images(network, &batch.images, capacity)?;
    let (target, name) = (self::target(network, loss), loss.name());
    target.check_kind(name, batch.targets.as_target())?;
    target.check_labels(samples, batch.labels().iter().copied())?;
    if let Targets::Values(values) = &batch.targets {
        target.check_values(name, samples, values, values.data().chunks(target.len().max(1)))?;
    }
    network.check_training(samples)?;
    Ok(samples)
}

/// What `loss` compares the output of `network` with.
pub(crate) fn target(network: &Network, loss: &dyn Loss) -> TargetSpec {
    loss.target(network.output_shape())
}

/// Checks images, of which there may be `capacity`, and returns how many there are.
pub(crate) fn check_images(network: &Network, images: &Tensor, capacity: usize) -> Result<usize> {
    let shape = network.input_shape();
    let [samples, channels, height, width] = images.nchw();
    let fits = images.shape().len() <= 4 && [channels, height, width] == sizes(network);
    if fits && (1..=capacity).contains(&samples) {
        return Ok(samples);
    }
    let most = if capacity == usize::MAX { String::new() } else { format!(" to {capacity}") };
    let expected = format!("[n, {}, {}, {}] with n from 1{most}", shape.channels, shape.height, shape.width);
    Err(Error::Input { what: "images".into(), expected, got: images.shape().into() })
}

/// Checks a whole data set that a network is to be evaluated on.
pub(crate) fn check_dataset(network: &Network, loss: &dyn Loss, dataset: &Dataset) -> Result<()> {
    let shape = dataset.shape();
    if shape != network.input_shape() || dataset.is_empty() {
        let expected = format!("at least one image of {:?}", sizes(network));
        return Err(Error::Input { what: "data set".into(), expected, got: shape.nchw(dataset.len()) });
    }
    let (target, name) = (self::target(network, loss), loss.name());
    target.check_kind(name, dataset.targets().as_target())?;
    target.check_labels(dataset.len(), dataset.labels())?;
    if let Targets::Values(values) = dataset.targets() {
        target.check_values(name, values.nchw()[0], values, dataset.values())?;
    }
    Ok(())
}

/// The sizes of the network's input, always three.
fn sizes(network: &Network) -> [usize; 3] {
    let shape = network.input_shape();
    [shape.channels, shape.height, shape.width]
}

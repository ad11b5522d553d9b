//! What a trainer accepts, checked before anything is computed. The same for every trainer.

use crate::data::{Batch, Dataset};
use crate::network::Network;
use crate::ops::{Loss, Optimizer, UpdateOptions};
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

/// Checks the images and labels of one training step, of which there may be `capacity`, and returns how many images
/// there are.
pub(crate) fn check_batch(
    network: &Network,
    loss: &dyn Loss,
    batch: &Batch,
    capacity: usize,
) -> Result<usize> {
    let samples = check_images(network, &batch.images, capacity)?;
    check_labels(network, loss, samples, batch.labels.iter().copied())?;
    network.check_training(samples)?;
    Ok(samples)
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
    check_labels(network, loss, dataset.len(), dataset.labels())
}

/// Checks that there is one label a pixel of the output, and that each is a class or what the loss ignores.
fn check_labels(
    network: &Network,
    loss: &dyn Loss,
    samples: usize,
    labels: impl ExactSizeIterator<Item = i32>,
) -> Result<()> {
    let output = network.output_shape();
    let pixels = output.pixels();
    if labels.len() != samples * pixels {
        let each = if pixels == 1 { "image" } else { "pixel of the output" };
        let expected = format!("[{}], one label for each {each}", samples * pixels);
        return Err(Error::Input { what: "labels".into(), expected, got: vec![labels.len()] });
    }
    let (classes, ignored) = loss.classes(output);
    for (at, label) in labels.enumerate() {
        let is_class = usize::try_from(label).is_ok_and(|label| label < classes);
        if !is_class && Some(label) != ignored {
            return Err(Error::Label { image: at / pixels, label: label.into(), classes });
        }
    }
    Ok(())
}

/// The sizes of the network's input, always three.
fn sizes(network: &Network) -> [usize; 3] {
    let shape = network.input_shape();
    [shape.channels, shape.height, shape.width]
}

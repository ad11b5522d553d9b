//! No network is timed that computes something wrong.

use wgcnn::gpu::Context;
use wgcnn::ops::{CrossEntropy, StepState};
use wgcnn::reference::{self, Pass};
use wgcnn::schedule::{DeviceParameters, Execution, Plan, PlanOptions};

use super::super::Result;
use super::{Model, images, optimizer, trainer};

/// How far a prediction may be off, relative to the largest, and how far a loss.
const TOLERANCE: f64 = 1e-3;

/// Compares the prediction for one image with the f64 reference, and the loss of two training steps with one image, of
/// which the second rests on all gradients, with the reference's trainer.
///
/// # Errors
/// Says what is wrong.
pub fn check(context: &Context, model: &Model) -> Result<()> {
    let network = model.network()?;
    let batch = images(&network, 1);

    let plan = Plan::new(&network, &PlanOptions::inference(1), context.capabilities())?;
    let parameters = DeviceParameters::upload(context, &network)?;
    let execution = Execution::new(context, plan, &parameters, None)?;
    execution.write_input(0, batch.images.data())?;
    execution.run()?;
    let got = execution.read_output()?.wait()?;
    let pass = Pass { training: false, stream: 0, step: StepState::new(0, 0, 1, 0.0) };
    let input = batch.images.map(f64::from);
    let values = reference::forward(&network, &reference::parameters(&network), &[input], &pass)?;
    let wanted = values[network.output().0].data();
    let largest = wanted.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    for (got, wanted) in got.iter().zip(wanted) {
        agree("a prediction", f64::from(*got), *wanted, largest)?;
    }

    let mut trainer = trainer(context, network.clone(), 1)?;
    let mut twin = reference::Trainer::<f32>::new(network, CrossEntropy::mean(), optimizer(), 1)?;
    for step in ["the first loss", "the loss after an update"] {
        let (got, wanted) = (trainer.step(&batch)?.wait()?, twin.step(&batch)?);
        agree(step, got.loss.into(), wanted.loss.into(), 1.0)?;
    }
    Ok(())
}

fn agree(what: &str, got: f64, wanted: f64, scale: f64) -> Result<()> {
    let off = (got - wanted).abs();
    if off.is_nan() || off > TOLERANCE * scale {
        return Err(format!("{what} is {got}, not {wanted}").into());
    }
    Ok(())
}

//! Runs a network once, outside training: on a GPU, or in f64 on the CPU.

use wgcnn::gpu::Context;
use wgcnn::network::Network;
use wgcnn::ops::{Loss, StepState};
use wgcnn::reference::{self, LossTwin, Pass};
use wgcnn::schedule::{DeviceParameters, Execution, Plan, PlanOptions};
use wgcnn::{Error, Tensor};

/// A loss and the labels it compares with.
pub type Head<'a> = (&'a dyn Loss, &'a [i32]);

/// The output of a network for inputs in NCHW, or a loss of it.
pub fn on_gpu(
    context: &Context,
    network: &Network,
    inputs: &[Tensor],
    head: Option<Head<'_>>,
) -> Result<Vec<f64>, Error> {
    let batch = inputs.first().map_or(1, |input| input.nchw()[0]);
    let options = match head {
        Some((loss, _)) => PlanOptions::evaluation(batch, loss),
        None => PlanOptions::inference(batch),
    };
    let parameters = DeviceParameters::upload(context, network)?;
    let plan = Plan::new(network, &options, context.capabilities())?;
    let execution = Execution::new(context, plan, &parameters, None)?;
    for (i, input) in inputs.iter().enumerate() {
        execution.write_input(i, input.data())?;
    }
    execution.write_step(StepState::new(0, 0, batch, 0.0))?;
    if let Some((_, labels)) = head {
        execution.write_target(labels)?;
        return Ok(vec![execution.run_for_loss()?.wait()?.loss.into()]);
    }
    execution.run()?;
    let output = execution.read_output()?.wait()?;
    Ok(output[..batch * network.output_shape().len()].iter().copied().map(f64::from).collect())
}

/// What [`on_gpu`] computes, on the CPU.
pub fn on_reference(network: &Network, inputs: &[Tensor], head: Option<Head<'_>>) -> Result<Vec<f64>, Error> {
    let inputs: Vec<Tensor<f64>> = inputs.iter().map(|input| input.map(f64::from)).collect();
    let parameters = reference::parameters(network);
    let mut values = reference::forward(network, &parameters, &inputs, &Pass::default())?;
    let output = values.swap_remove(network.output().0);
    let Some((loss, labels)) = head else { return Ok(output.into_data()) };
    let batch = output.nchw()[0];
    Ok(vec![LossTwin::<f64>::measure(loss, &output, labels, batch).loss])
}

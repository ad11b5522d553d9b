//! Runs a network or an update once: on a GPU, or in f64 on the CPU.

use std::sync::Arc;

use wgcnn::gpu::Context;
use wgcnn::network::Network;
use wgcnn::ops::{Linear, Loss, Operator, Optimizer, StepState, Target, TargetSpec, UpdateControl};
use wgcnn::reference::{self, LossTwin, OptimizerTwin, Pass};
use wgcnn::schedule::{DeviceParameters, Execution, Plan, PlanOptions};
use wgcnn::shape::Shape;
use wgcnn::{Error, Tensor};

/// What runs it.
pub enum Engine<'a> {
    Gpu(&'a Context),
    Reference,
}

/// A loss of class labels and those it compares with.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    pub loss: &'a dyn Loss,
    pub labels: &'a [i32],
    /// Whether the loss of each prediction by itself is wanted, of which `loss` is the sum.
    pub apart: bool,
}

impl Head<'_> {
    /// The losses of a network with this output, `measure` being that against these labels.
    fn losses(
        &self,
        output: Shape,
        mut measure: impl FnMut(&[i32]) -> Result<f64, Error>,
    ) -> Result<Vec<f64>, Error> {
        if !self.apart {
            return Ok(vec![measure(self.labels)?]);
        }
        let TargetSpec::Classes { ignore_index: Some(ignored), .. } = self.loss.target(output) else {
            return Err(Error::Network("the loss ignores no label".into()));
        };
        // Of a sum of which one prediction counts, the rest is zero.
        let mut one = vec![ignored; self.labels.len()];
        let loss = |(at, label): (usize, &i32)| {
            one[at] = *label;
            let loss = measure(&one);
            one[at] = ignored;
            loss
        };
        self.labels.iter().enumerate().map(loss).collect()
    }
}

impl Engine<'_> {
    /// The output of a network outside training for inputs in NCHW, or a loss of it.
    pub fn evaluate(
        &self,
        network: &Network,
        inputs: &[Tensor],
        head: Option<Head<'_>>,
    ) -> Result<Vec<f64>, Error> {
        match self {
            Self::Gpu(context) => evaluate_on_gpu(context, network, inputs, head),
            Self::Reference => evaluate_on_reference(network, inputs, head),
        }
    }

    /// A parameter, and after it what the optimizer remembers, after the update that is this step.
    pub fn update(
        &self,
        optimizer: &dyn Optimizer,
        step: u32,
        parameter: &Tensor,
        gradient: &Tensor,
        state: &[Tensor],
    ) -> Result<Vec<Vec<f64>>, Error> {
        let step = StepState::new(0, step, 1, optimizer.learning_rate());
        if let Self::Gpu(context) = self {
            return update_on_gpu(context, optimizer, step, parameter, gradient, state);
        }
        let mut parameter = double(parameter).into_data();
        let mut state: Vec<Vec<f64>> = state.iter().map(|state| double(state).into_data()).collect();
        let (gradient, control) = (double(gradient), UpdateControl::default());
        OptimizerTwin::<f64>::apply(optimizer, &mut parameter, gradient.data(), &mut state, &step, &control);
        Ok([vec![parameter], state].concat())
    }
}

fn evaluate_on_gpu(
    context: &Context,
    network: &Network,
    inputs: &[Tensor],
    head: Option<Head<'_>>,
) -> Result<Vec<f64>, Error> {
    let batch = inputs.first().map_or(1, |input| input.nchw()[0]);
    let options = match head {
        Some(head) => PlanOptions::evaluation(batch, head.loss),
        None => PlanOptions::inference(batch),
    };
    let parameters = DeviceParameters::upload(context, network)?;
    let plan = Plan::new(network, &options, context.capabilities())?;
    let execution = Execution::new(context, plan, &parameters, None)?;
    for (i, input) in inputs.iter().enumerate() {
        execution.write_input(i, input.data())?;
    }
    execution.write_step(StepState::new(0, 0, batch, 0.0))?;
    if let Some(head) = head {
        return head.losses(network.output_shape(), |labels| {
            execution.write_target(Target::Classes(labels))?;
            Ok(execution.run_for_loss()?.wait()?.loss.into())
        });
    }
    execution.run()?;
    let output = execution.read_output()?.wait()?;
    Ok(output[..batch * network.output_shape().len()].iter().copied().map(f64::from).collect())
}

fn evaluate_on_reference(
    network: &Network,
    inputs: &[Tensor],
    head: Option<Head<'_>>,
) -> Result<Vec<f64>, Error> {
    let inputs: Vec<Tensor<f64>> = inputs.iter().map(double).collect();
    let parameters = reference::parameters(network);
    let mut values = reference::forward(network, &parameters, &inputs, &Pass::default())?;
    let output = values.swap_remove(network.output().0);
    let Some(head) = head else { return Ok(output.into_data()) };
    let batch = output.nchw()[0];
    head.losses(network.output_shape(), |labels| {
        Ok(LossTwin::<f64>::measure(head.loss, &output, Target::Classes(labels), batch).loss)
    })
}

/// The parameter is the weight of a linear layer of one input, which is 1: the gradient to the weight is then that to
/// the output.
fn update_on_gpu(
    context: &Context,
    optimizer: &dyn Optimizer,
    step: StepState,
    parameter: &Tensor,
    gradient: &Tensor,
    state: &[Tensor],
) -> Result<Vec<Vec<f64>>, Error> {
    const WEIGHT: &str = "linear.weight";
    let column = |tensor: &Tensor| tensor.clone().reshape([tensor.len(), 1]);
    let linear: Arc<dyn Operator> = Arc::new(Linear::new(parameter.len()).bias(false));
    let mut network = Network::from_operator(linear, &[Shape::features(1)])?;
    network.set_parameter(WEIGHT, column(parameter)?)?;
    let options =
        PlanOptions { parameter_gradients: true, optimizer: Some(optimizer), ..PlanOptions::inference(1) };
    let parameters = DeviceParameters::upload(context, &network)?;
    let plan = Plan::new(&network, &options, context.capabilities())?;
    let execution = Execution::new(context, plan, &parameters, None)?;
    for (index, state) in state.iter().enumerate() {
        execution.write_optimizer_state(index, &[(WEIGHT.into(), column(state)?)])?;
    }
    execution.write_input(0, &[1.0])?;
    execution.write_grad_output(gradient.data())?;
    execution.write_step(step)?;
    execution.run()?;

    let updated = parameters.download(context, &network)?;
    let mut results = vec![double(&updated.parameter(WEIGHT)?.value).into_data()];
    for index in 0..state.len() {
        let state = execution.read_optimizer_state(index)?;
        results.extend(state.iter().map(|(_, state)| double(state).into_data()));
    }
    Ok(results)
}

fn double(tensor: &Tensor) -> Tensor<f64> {
    tensor.map(f64::from)
}

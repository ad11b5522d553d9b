//! Runs operator cases on a GPU, through the scheduler like any network.

use std::sync::Arc;

use wgcnn::gpu::{Capabilities, Context};
use wgcnn::network::Network;
use wgcnn::ops::registry::{Build, Entry};
use wgcnn::ops::{
    Dropout, Loss, LossOutput, Operator, Optimizer, Prelu, StepState, Target, UpdateControl, UpdateOptions,
};
use wgcnn::reference::Pass;
use wgcnn::schedule::{DeviceParameters, Execution, Plan, PlanOptions};
use wgcnn::shape::Shape;
use wgcnn::{Error, Tensor};

use super::case::{Case, Results};

/// What the kernels of `context` compute for `case`, whose operator is `entry`.
pub fn run(context: &Context, case: &Case, entry: &Entry) -> Result<Results, String> {
    match entry.build {
        Build::Operator(build) => operator(context, case, build(&case.attributes)?),
        Build::Loss(build) => loss(context, case, build(&case.attributes)?.as_ref()),
        Build::Optimizer(build) => optimizer(context, case, build(&case.attributes)?.as_ref()).map_err(text),
    }
}

/// The output of one operator and all gradients, as named in [`Case::wanted`].
fn operator(context: &Context, case: &Case, operator: Box<dyn Operator>) -> Result<Results, String> {
    let name = operator.name();
    let shapes: Vec<Shape> = case.inputs.iter().map(sample_shape).collect();
    let mut network = Network::from_operator(operator, &shapes).map_err(text)?;
    for (parameter, value) in &case.parameters {
        network.set_parameter(&format!("{name}.{parameter}"), value.clone()).map_err(text)?;
    }
    if network.parameters().len() != case.parameters.len() {
        return Err("the operator has parameters that the case does not".into());
    }
    let inputs: Vec<&Tensor> = case.inputs.iter().collect();
    let results =
        differentiate(context, &network, &inputs, case.grad_output.as_ref(), &case.pass()).map_err(text)?;
    let rename = |key: String| {
        let of_layer = |prefix: &str| {
            let parameter = key.strip_prefix(&format!("{prefix}.{name}."))?;
            Some(format!("{prefix}.{parameter}"))
        };
        of_layer("grad.param").or_else(|| of_layer("output")).unwrap_or(key)
    };
    Ok(results.into_iter().map(|(key, values)| (rename(key), values)).collect())
}

/// The output of `network`, what its buffers hold afterwards (`output.norm1.running_mean`) and, where a gradient to the
/// output is given, those to its inputs (`grad.input.0`) and parameters (`grad.param.conv1.weight`).
pub fn differentiate(
    context: &Context,
    network: &Network,
    inputs: &[&Tensor],
    grad_output: Option<&Tensor>,
    pass: &Pass,
) -> Result<Results, Error> {
    differentiate_as(context, network, inputs, grad_output, pass, |options| options)
}

/// [`differentiate`], by a plan whose options somebody changes: activations in half precision, or other variants.
pub fn differentiate_as<'a>(
    context: &Context,
    network: &Network,
    inputs: &[&Tensor],
    grad_output: Option<&Tensor>,
    pass: &Pass,
    change: impl FnOnce(PlanOptions<'a>) -> PlanOptions<'a>,
) -> Result<Results, Error> {
    differentiate_for(context, context.capabilities(), network, inputs, grad_output, pass, change)
}

/// [`differentiate_as`], by a plan for a device that can do what `capabilities` say.
pub fn differentiate_for<'a>(
    context: &Context,
    capabilities: &Capabilities,
    network: &Network,
    inputs: &[&Tensor],
    grad_output: Option<&Tensor>,
    pass: &Pass,
    change: impl FnOnce(PlanOptions<'a>) -> PlanOptions<'a>,
) -> Result<Results, Error> {
    let batch = inputs[0].nchw()[0];
    let options = match grad_output {
        Some(_) => PlanOptions::gradients(batch),
        None => PlanOptions::inference(batch),
    };
    let options = change(PlanOptions { training: pass.training, ..options });
    let parameters = DeviceParameters::upload(context, network)?;
    let plan = Plan::new(network, &options, capabilities)?;
    let execution = Execution::new(context, plan, &parameters, None)?;
    for (i, input) in inputs.iter().enumerate() {
        execution.write_input(i, input.data())?;
    }
    if let Some(grad_output) = grad_output {
        execution.write_grad_output(grad_output.data())?;
    }
    execution.write_step(pass.step)?;
    execution.run()?;

    let elements = batch * network.output_shape().len();
    let mut results = Results::new();
    results.insert("output".into(), double(&execution.read_output()?.wait()?[..elements]));
    if grad_output.is_some() {
        for (i, input) in inputs.iter().enumerate() {
            let gradient = execution.read_grad_input(i)?.wait()?;
            results.insert(format!("grad.input.{i}"), double(&gradient[..input.len()]));
        }
        for (name, gradient) in execution.read_parameter_gradients()? {
            results.insert(format!("grad.param.{name}"), double(gradient.data()));
        }
    }
    if network.parameters().iter().any(|parameter| parameter.spec.buffer) {
        let after = parameters.download(context, network)?;
        for buffer in after.parameters().iter().filter(|parameter| parameter.spec.buffer) {
            results.insert(format!("output.{}", buffer.name), double(buffer.value.data()));
        }
    }
    Ok(results)
}

fn loss(context: &Context, case: &Case, loss: &dyn Loss) -> Result<Results, String> {
    let prediction = &case.inputs[0];
    let (target, samples) = (case.target()?, prediction.nchw()[0]);
    let (measured, grad) = measure(context, loss, prediction, target, samples, false).map_err(text)?;
    Ok(Results::from([("output".into(), vec![measured.loss.into()]), ("grad.input.0".into(), grad)]))
}

/// A loss over an input that goes straight through, of which the first `samples` samples count: what it measures
/// and its gradient. `half` says whether both are stored in half precision.
pub fn measure(
    context: &Context,
    loss: &dyn Loss,
    prediction: &Tensor,
    target: Target<'_, f32>,
    samples: usize,
    half: bool,
) -> Result<(LossOutput, Vec<f64>), Error> {
    let batch = prediction.nchw()[0];
    let identity: Arc<dyn Operator> = Arc::new(Dropout::new(0.0));
    let network = Network::from_operator(identity, &[sample_shape(prediction)])?;
    let options = PlanOptions { input_gradients: true, half, ..PlanOptions::evaluation(batch, loss) };
    let parameters = DeviceParameters::upload(context, &network)?;
    let plan = Plan::new(&network, &options, context.capabilities())?;
    let execution = Execution::new(context, plan, &parameters, None)?;
    execution.write_input(0, prediction.data())?;
    execution.write_target(target)?;
    execution.write_step(StepState::new(0, 0, samples, 0.0))?;
    let measured = execution.run_for_loss()?.wait()?;
    let gradient = execution.read_grad_input(0)?.wait()?;
    Ok((measured, double(&gradient[..prediction.len()])))
}

fn optimizer(context: &Context, case: &Case, optimizer: &dyn Optimizer) -> Result<Results, Error> {
    let [parameter, gradients] = &case.inputs[..] else {
        let got = vec![case.inputs.len()];
        return Err(Error::Input { what: "inputs".into(), expected: "[2] tensors".into(), got });
    };
    let (updated, _) = update(context, optimizer, UpdateOptions::default(), parameter, gradients.data())?;
    Ok(Results::from([("output".into(), updated)]))
}

/// A parameter after an optimizer's steps, one for each run of `gradients` that is as long as it, and what the last
/// update was told. It is the weight of a PReLU whose inputs are -1: the gradient to the weight is then the negated
/// gradient to the output. Its kernels are compiled sooner than those of a linear layer.
pub fn update(
    context: &Context,
    optimizer: &dyn Optimizer,
    update: UpdateOptions,
    parameter: &Tensor,
    gradients: &[f32],
) -> Result<(Vec<f64>, UpdateControl), Error> {
    let len = parameter.len();
    let prelu: Arc<dyn Operator> = Arc::new(Prelu::new());
    let mut network = Network::from_operator(prelu, &[Shape::features(len)])?;
    network.set_parameter("prelu.weight", parameter.clone().reshape([len])?)?;
    let options = PlanOptions {
        parameter_gradients: true,
        optimizer: Some(optimizer),
        update,
        ..PlanOptions::inference(1)
    };
    let parameters = DeviceParameters::upload(context, &network)?;
    let plan = Plan::new(&network, &options, context.capabilities())?;
    let execution = Execution::new(context, plan, &parameters, None)?;
    for (step, gradient) in gradients.chunks(len).enumerate() {
        execution.write_input(0, &vec![-1.0; len])?;
        execution.write_grad_output(&gradient.iter().map(|gradient| -gradient).collect::<Vec<_>>())?;
        execution.write_step(StepState::new(0, step as u32, 1, optimizer.learning_rate()))?;
        execution.run()?;
    }
    let control = execution.read_update_control()?.wait()?;
    let network = parameters.download(context, &network)?;
    Ok((double(network.parameters()[0].value.data()), control))
}

fn sample_shape(tensor: &Tensor) -> Shape {
    let [_, channels, height, width] = tensor.nchw();
    Shape::new(channels, height, width)
}

fn double(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

fn text(error: Error) -> String {
    error.to_string()
}

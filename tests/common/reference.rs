//! Runs operator cases on the CPU reference, in f64.

use wgcnn::Tensor;
use wgcnn::ops::registry::{Build, Entry};
use wgcnn::ops::{Loss, Operator, Optimizer, StepState, Target, UpdateControl};
use wgcnn::reference::{LossTwin, OptimizerTwin, Twin};
use wgcnn::shape::Shape;

use super::case::{Case, Results};

/// What the reference computes for `case`, whose operator is `entry`.
pub fn run(case: &Case, entry: &Entry) -> Result<Results, String> {
    match entry.build {
        Build::Operator(build) => operator(case, build(&case.attributes)?.as_ref()),
        Build::Loss(build) => loss(case, build(&case.attributes)?.as_ref()),
        Build::Optimizer(build) => optimizer(case, build(&case.attributes)?.as_ref()),
    }
}

fn operator(case: &Case, operator: &dyn Operator) -> Result<Results, String> {
    let inputs: Vec<Tensor<f64>> = case.inputs.iter().map(double).collect();
    let shapes: Vec<Shape> = case.inputs.iter().map(sample_shape).collect();
    let output_shape = operator.output_shape(&shapes)?;

    let specs = operator.parameters(&shapes);
    let mut parameters = Vec::new();
    for spec in &specs {
        let parameter = case.parameters.get(spec.name);
        let parameter = parameter.ok_or_else(|| format!("the case has no parameter {:?}", spec.name))?;
        if parameter.shape() != spec.shape {
            return Err(format!("{:?} is {:?}, not {:?}", spec.name, parameter.shape(), spec.shape));
        }
        parameters.push(double(parameter));
    }
    if parameters.len() != case.parameters.len() {
        return Err("the case has parameters that the operator does not".into());
    }

    let (inputs, parameters): (Vec<_>, Vec<_>) = (inputs.iter().collect(), parameters.iter().collect());
    let pass = case.pass();
    if pass.training {
        operator.check_training(&shapes, pass.samples(usize::MAX))?;
    }
    let output = Twin::<f64>::forward(operator, &inputs, &parameters, &pass);
    let [_, channels, height, width] = output.nchw();
    if Shape::new(channels, height, width) != output_shape {
        return Err(format!("the output is of shape {:?}, not {output_shape}", output.shape()));
    }

    let mut results = Results::new();
    if let Some(grad_output) = &case.grad_output {
        let grad_output = double(grad_output);
        let grads = Twin::<f64>::backward(operator, &inputs, &parameters, &output, &grad_output, &pass);
        for (i, grad) in grads.inputs.into_iter().enumerate() {
            results.insert(format!("grad.input.{i}"), grad.into_data());
        }
        for (spec, grad) in specs.iter().zip(grads.parameters) {
            results.insert(format!("grad.param.{}", spec.name), grad.into_data());
        }
    }
    for (spec, parameter) in specs.iter().zip(&parameters).filter(|(spec, _)| spec.buffer) {
        results.insert(format!("output.{}", spec.name), parameter.data().to_vec());
    }
    if pass.training {
        for (at, buffer) in Twin::<f64>::updated_buffers(operator, &inputs, &parameters, &pass) {
            results.insert(format!("output.{}", specs[at].name), buffer.into_data());
        }
    }
    results.insert("output".into(), output.into_data());
    Ok(results)
}

fn loss(case: &Case, loss: &dyn Loss) -> Result<Results, String> {
    let prediction = &case.inputs[0];
    loss.check(sample_shape(prediction))?;
    let values: Vec<f64> = case.target()?.values().iter().copied().map(f64::from).collect();
    let target = case.labels.as_deref().map_or(Target::Values(&values), Target::Classes);
    let measured = LossTwin::<f64>::measure(loss, &double(prediction), target, prediction.nchw()[0]);
    Ok(Results::from([
        ("output".into(), vec![measured.loss]),
        ("grad.input.0".into(), measured.grad.into_data()),
    ]))
}

fn optimizer(case: &Case, optimizer: &dyn Optimizer) -> Result<Results, String> {
    optimizer.check().map_err(|e| e.to_string())?;
    let [parameter, gradients] = &case.inputs[..] else {
        return Err("the case must have a parameter and its gradients".into());
    };
    let mut parameter = double(parameter).into_data();
    let gradients = double(gradients).into_data();
    let mut state = vec![vec![0.0; parameter.len()]; optimizer.state_tensors()];
    for (step, gradient) in gradients.chunks(parameter.len()).enumerate() {
        let step =
            StepState { step: step as u32, learning_rate: optimizer.learning_rate(), ..StepState::default() };
        let control = UpdateControl::default();
        OptimizerTwin::<f64>::apply(optimizer, &mut parameter, gradient, &mut state, &step, &control);
    }
    Ok(Results::from([("output".into(), parameter)]))
}

fn sample_shape(tensor: &Tensor) -> Shape {
    let [_, channels, height, width] = tensor.nchw();
    Shape::new(channels, height, width)
}

fn double(tensor: &Tensor) -> Tensor<f64> {
    tensor.map(f64::from)
}

//! Nothing is timed that computes something wrong.

use wgcnn::Tensor;
use wgcnn::gpu::Context;
use wgcnn::ops::registry::Entry;
use wgcnn::schedule::Execution;

use super::super::common::case::Case;
use super::super::common::{bound, gpu, reference};
use super::convolution::{Convolution, Sum};

/// Compares all that the device computes for a case with the f64 reference.
///
/// # Errors
/// Says what is wrong.
pub fn check(context: &Context, case: &Case, entry: &Entry) -> Result<(), String> {
    let results = gpu::run(context, case, entry)?;
    let wanted = reference::run(case, entry)?.into_iter().map(|(name, values)| {
        let shape = vec![values.len(), 1];
        Tensor::new(shape, values.into_iter().map(|x| x as f32).collect()).map(|tensor| (name, tensor))
    });
    let case = Case { wanted: wanted.collect::<Result<_, _>>().map_err(|e| e.to_string())?, ..case.clone() };
    let wrong: Vec<String> = case.mismatches(&results).iter().map(ToString::to_string).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

/// How many elements of each result of a convolution are computed again.
const ELEMENTS: usize = 48;

/// Compares some elements of what a pass of a convolution computed with what they are in f64.
///
/// # Errors
/// Says what is wrong.
pub fn check_convolution(execution: &Execution, convolution: &Convolution<'_>) -> Result<(), String> {
    let text = |error: wgcnn::Error| error.to_string();
    let read = |pending: wgcnn::gpu::Pending<Vec<f32>>| pending.wait().map_err(text);
    compare("output", &read(execution.read_output().map_err(text)?)?, |at| convolution.output(at))?;
    if execution.plan().io().grad_inputs.first().is_some_and(Option::is_some) {
        let gradient = read(execution.read_grad_input(0).map_err(text)?)?;
        compare("the gradient to the input", &gradient, |at| convolution.grad_input(at))?;
    }
    for (name, gradient) in execution.read_parameter_gradients().map_err(text)? {
        let is_bias = name.ends_with("bias");
        let sum = |at| if is_bias { convolution.grad_bias(at) } else { convolution.grad_weight(at) };
        compare(&format!("the gradient to {name}"), gradient.data(), sum)?;
    }
    Ok(())
}

/// Compares elements of a result. NaN is further off than anything.
fn compare(name: &str, got: &[f32], wanted: impl Fn(usize) -> Sum) -> Result<(), String> {
    // A step that is odd meets all rows, columns and channels.
    let step = (got.len() / ELEMENTS).max(1) | 1;
    for at in (0..got.len()).step_by(step) {
        let Sum { value, magnitude, terms } = wanted(at);
        let (off, allowed) = ((f64::from(got[at]) - value).abs(), bound::of_sum(terms, magnitude));
        if off.is_nan() || off > allowed {
            let got = got[at];
            return Err(format!(
                "{name} at {at} is {got}, not {value}: {off:.2e} off, allowed {allowed:.2e}"
            ));
        }
    }
    Ok(())
}

//! Runs a whole network on the CPU, forward and backward.

use crate::network::{Network, Node, ValueId};
use crate::{Error, Result, Tensor};

use super::{Gradients, Pass, Precision, Real};

/// The network's parameters in the arithmetic of `T`.
pub fn parameters<T: Real>(network: &Network) -> Vec<Tensor<T>> {
    network.parameters().iter().map(|p| p.value.map(|value| T::of(value.into()))).collect()
}

/// Every value of a network, indexed by [`ValueId`]: the inputs, then the output of each node.
///
/// `inputs` are NCHW, one for each of [`Network::inputs`], all of one batch; `parameters` are in the
/// order of [`Network::parameters`]. The stream of a node is its index.
///
/// # Errors
/// [`Error::Input`] where the number or shape of inputs or parameters does not fit, [`Error::Layer`] where a layer
/// cannot be trained with so few samples.
pub fn forward<T: Precision>(
    network: &Network,
    parameters: &[Tensor<T>],
    inputs: &[Tensor<T>],
    pass: &Pass,
) -> Result<Vec<Tensor<T>>> {
    check_parameters(network, parameters)?;
    check_values(network, "input", network.inputs(), inputs)?;
    if let Some(input) = inputs.first().filter(|_| pass.training) {
        network.check_training(pass.samples(input.nchw()[0]))?;
    }
    let mut values = inputs.to_vec();
    for (index, node) in network.nodes().iter().enumerate() {
        let twin = T::operator(&*node.operator);
        let output = twin.forward(&read(node, &values), &owned(node, parameters), &pass.of_node(index));
        values.push(output);
    }
    Ok(values)
}

/// The gradients to the network's inputs and parameters, for a gradient that arrives at its output.
/// `values` is what [`forward`] gave for the same parameters and pass.
///
/// # Errors
/// [`Error::Input`] where the number or shape of values or parameters or the shape of `grad_output` does
/// not fit.
pub fn backward<T: Precision>(
    network: &Network,
    parameters: &[Tensor<T>],
    values: &[Tensor<T>],
    grad_output: &Tensor<T>,
    pass: &Pass,
) -> Result<Gradients<T>> {
    check_parameters(network, parameters)?;
    check_all_values(network, values)?;
    let output = &values[network.output().0];
    if grad_output.shape() != output.shape() {
        return Err(misfit("gradient of the output".into(), output.shape(), grad_output.shape()));
    }
    let mut grads: Vec<Option<Tensor<T>>> = vec![None; values.len()];
    grads[network.output().0] = Some(grad_output.clone());
    let mut grad_parameters: Vec<_> = parameters.iter().map(|p| Tensor::zeros(p.shape())).collect();
    for (index, node) in network.nodes().iter().enumerate().rev() {
        // Nothing that reaches the output reads a value without a gradient.
        let Some(grad_output) = grads[node.output.0].take() else { continue };
        let gradients = T::operator(&*node.operator).backward(
            &read(node, values),
            &owned(node, parameters),
            &values[node.output.0],
            &grad_output,
            &pass.of_node(index),
        );
        for (input, grad) in node.inputs.iter().zip(gradients.inputs) {
            accumulate(&mut grads[input.0], grad);
        }
        for (parameter, grad) in node.parameters.iter().zip(gradients.parameters) {
            grad_parameters[parameter.0] = grad;
        }
    }
    let grad_inputs = network.inputs().iter().map(|input| {
        let unread = || Tensor::zeros(values[input.0].shape());
        grads[input.0].take().unwrap_or_else(unread)
    });
    Ok(Gradients { inputs: grad_inputs.collect(), parameters: grad_parameters })
}

/// The output, and the gradients for a gradient that arrives at it (a vector-Jacobian product):
/// [`forward`] and [`backward`] in one.
///
/// # Errors
/// Those of [`forward`] and [`backward`].
pub fn vjp<T: Precision>(
    network: &Network,
    parameters: &[Tensor<T>],
    inputs: &[Tensor<T>],
    grad_output: &Tensor<T>,
    pass: &Pass,
) -> Result<(Tensor<T>, Gradients<T>)> {
    let mut values = forward(network, parameters, inputs, pass)?;
    let gradients = backward(network, parameters, &values, grad_output, pass)?;
    Ok((values.swap_remove(network.output().0), gradients))
}

/// Gives the buffers among `parameters` what they hold after a forward pass in training; outside training they keep
/// what they hold. `values` is what [`forward`] gave for the same parameters and pass.
///
/// # Errors
/// [`Error::Input`] where the number or shape of values or parameters does not fit.
pub fn update_buffers<T: Precision>(
    network: &Network,
    parameters: &mut [Tensor<T>],
    values: &[Tensor<T>],
    pass: &Pass,
) -> Result<()> {
    check_parameters(network, parameters)?;
    check_all_values(network, values)?;
    for (index, node) in network.nodes().iter().enumerate().filter(|_| pass.training) {
        let twin = T::operator(&*node.operator);
        let pass = pass.of_node(index);
        for (at, value) in twin.updated_buffers(&read(node, values), &owned(node, parameters), &pass) {
            if let Some(parameter) = node.parameters.get(at) {
                parameters[parameter.0] = value;
            }
        }
    }
    Ok(())
}

impl Pass {
    /// What the node with this index is told.
    fn of_node(&self, index: usize) -> Self {
        Self { stream: index as u32, ..*self }
    }
}

fn read<'a, T>(node: &Node, values: &'a [Tensor<T>]) -> Vec<&'a Tensor<T>> {
    node.inputs.iter().map(|input| &values[input.0]).collect()
}

fn owned<'a, T>(node: &Node, parameters: &'a [Tensor<T>]) -> Vec<&'a Tensor<T>> {
    node.parameters.iter().map(|parameter| &parameters[parameter.0]).collect()
}

/// Adds the gradient from one of a value's readers to that from the others.
fn accumulate<T: Real>(sum: &mut Option<Tensor<T>>, grad: Tensor<T>) {
    match sum {
        None => *sum = Some(grad),
        Some(sum) => sum.data_mut().iter_mut().zip(grad.data()).for_each(|(sum, grad)| *sum += *grad),
    }
}

fn check_parameters<T: Real>(network: &Network, tensors: &[Tensor<T>]) -> Result<()> {
    check_count("parameters", network.parameters().len(), tensors.len())?;
    for (parameter, tensor) in network.parameters().iter().zip(tensors) {
        if tensor.shape() != parameter.spec.shape {
            return Err(misfit(parameter.name.clone(), &parameter.spec.shape, tensor.shape()));
        }
    }
    Ok(())
}

/// Checks that there is a tensor for each value of the network.
fn check_all_values<T: Real>(network: &Network, tensors: &[Tensor<T>]) -> Result<()> {
    let ids: Vec<ValueId> = (0..network.shapes().len()).map(ValueId).collect();
    check_values(network, "value", &ids, tensors)
}

/// Checks that there is a tensor for each of the values, all with the batch of the first.
fn check_values<T: Real>(
    network: &Network,
    what: &str,
    ids: &[ValueId],
    tensors: &[Tensor<T>],
) -> Result<()> {
    check_count(&format!("{what}s"), ids.len(), tensors.len())?;
    let batch = tensors.first().map_or(0, |first| first.nchw()[0]).max(1);
    for (id, tensor) in ids.iter().zip(tensors) {
        let wanted = network.shape(*id).nchw(batch);
        if tensor.shape() != wanted {
            return Err(misfit(format!("{what} {}", id.0), &wanted, tensor.shape()));
        }
    }
    Ok(())
}

fn check_count(what: &str, wanted: usize, got: usize) -> Result<()> {
    if wanted == got {
        return Ok(());
    }
    Err(Error::Input { what: what.into(), expected: format!("[{wanted}] tensors"), got: vec![got] })
}

fn misfit(what: String, wanted: &[usize], got: &[usize]) -> Error {
    Error::Input { what, expected: format!("{wanted:?}"), got: got.into() }
}

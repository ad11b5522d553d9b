//! The backward pass: gradients go from each layer to those before it, and are added where several arrive.

use super::super::chunks::chunks;
use super::Planner;
use crate::Result;
use crate::network::Node;
use crate::ops::add::{accumulate, sum};
use crate::ops::program::{Activation, TensorId};
use crate::ops::{Backward, Operator};

/// A gradient that arrives at a value.
#[derive(Clone, Copy)]
struct Contribution {
    activation: Activation,
    /// Whether nothing else refers to its memory, so that others may be added to it in place.
    owned: bool,
}

impl Planner<'_> {
    pub(super) fn backward(&mut self, grad_output: Activation) -> Result<()> {
        let mut arriving: Vec<Vec<Contribution>> = vec![vec![]; self.network.shapes().len()];
        arriving[self.network.output().0].push(Contribution { activation: grad_output, owned: true });
        for (stream, node) in self.network.nodes().iter().enumerate().rev() {
            let contributions = std::mem::take(&mut arriving[node.output.0]);
            if !self.wanted[node.output.0] || contributions.is_empty() {
                continue;
            }
            let mut arrived = self.join(&node.name, &contributions)?;
            if let Some(function) = self.fusion.differentiates[stream] {
                arrived = self.differentiate(function, node, arrived)?;
            }
            let Contribution { activation: grad_output, owned } = arrived;
            let shapes = self.network.input_shapes(node);
            let done = node.operator.is_identity(&shapes, self.options.training)
                || self.fusion.differentiates.contains(&Some(stream));
            let passes = |input| done || node.operator.passes_gradient(&shapes, input);
            let in_place = owned && node.operator.pointwise().is_some();
            let mut grad_inputs = vec![None; node.inputs.len()];
            for (i, input) in node.inputs.iter().enumerate() {
                if !self.wanted[input.0] {
                    continue;
                }
                let reused = Activation { shape: self.network.shape(*input), ..grad_output };
                if passes(i) {
                    // Only an only input may change what the others would read too.
                    let owned = owned && node.inputs.len() == 1;
                    arriving[input.0].push(Contribution { activation: reused, owned });
                    continue;
                }
                let activation = match in_place {
                    true => reused,
                    false => self.activation(format!("{}.grad_input", node.name), *input),
                };
                arriving[input.0].push(Contribution { activation, owned: true });
                grad_inputs[i] = Some(activation);
            }
            if !(0..node.inputs.len()).all(passes) {
                let inputs: Vec<Activation> = node.inputs.iter().map(|input| self.value(*input)).collect();
                self.node_backward(stream, &inputs, self.value(node.output), grad_output, &grad_inputs)?;
                self.update_complete(node);
            }
        }
        if self.options.input_gradients {
            self.read_input_gradients(arriving)?;
        }
        Ok(())
    }

    /// The gradient of a function of one variable where a later node has picked some of its values.
    fn differentiate(&mut self, function: usize, at: &Node, arrived: Contribution) -> Result<Contribution> {
        let Contribution { activation: grad_output, owned } = arrived;
        let grad_input = match owned {
            true => grad_output,
            false => self.activation(format!("{}.grad_output", at.name), at.output),
        };
        let value = self.value(at.output);
        self.node_backward(function, &[value], value, grad_output, &[Some(grad_input)])?;
        Ok(Contribution { activation: grad_input, owned: true })
    }

    fn node_backward(
        &mut self,
        stream: usize,
        inputs: &[Activation],
        output: Activation,
        grad_output: Activation,
        grad_inputs: &[Option<Activation>],
    ) -> Result<()> {
        let node = &self.network.nodes()[stream];
        let parameters = self.parameters_of(node);
        let grad_parameters: Vec<_> =
            node.parameters.iter().map(|p| self.gradients[p.0].map(|(tensor, _)| tensor)).collect();
        for (chunk, samples) in self.chunks(node)?.into_iter().enumerate() {
            let inputs: Vec<Activation> =
                inputs.iter().map(|input| self.program.samples(*input, &samples)).collect();
            let output = self.program.samples(output, &samples);
            let grad_output = self.program.samples(grad_output, &samples);
            let grad_inputs: Vec<Option<Activation>> = grad_inputs
                .iter()
                .map(|grad| grad.map(|grad| self.program.samples(grad, &samples)))
                .collect();
            // The first chunk's gradients to the parameters are the beginning of the sum.
            let sums: Vec<Option<TensorId>> = match chunk {
                0 => grad_parameters.clone(),
                _ => grad_parameters.iter().map(|grad| grad.map(|grad| self.like(grad))).collect(),
            };
            Operator::backward(
                &*node.operator,
                Backward {
                    program: &mut self.program,
                    capabilities: self.capabilities,
                    layer: &node.name,
                    stream: stream as u32,
                    first_sample: samples.start,
                    training: self.options.training,
                    inputs: &inputs,
                    parameters: &parameters,
                    output,
                    saved: self.saved[stream].get(chunk).map_or(&[], Vec::as_slice),
                    grad_output,
                    grad_inputs: &grad_inputs,
                    grad_parameters: &sums,
                    step: self.io.step,
                },
            );
            for (into, term) in grad_parameters.iter().zip(sums).filter(|_| chunk > 0) {
                if let (Some(into), Some(term)) = (*into, term) {
                    let quads = self.program.tensors[into.0].bytes as usize / 16;
                    self.program.push(accumulate(&node.name, into, term, quads).in_f32());
                }
            }
        }
        Ok(())
    }

    /// A tensor of the same size.
    fn like(&mut self, tensor: TensorId) -> TensorId {
        let desc = &self.program.tensors[tensor.0];
        let (label, bytes) = (format!("{} of a chunk", desc.label), desc.bytes as usize);
        self.program.tensor(label, bytes)
    }

    /// The sum of the gradients that arrive at a value from its consumers.
    fn join(&mut self, layer: &str, contributions: &[Contribution]) -> Result<Contribution> {
        let mut rest = contributions.to_vec();
        // What nobody else refers to can take the others.
        let owned = rest.iter().position(|contribution| contribution.owned).unwrap_or(0);
        let mut total = rest.swap_remove(owned);
        for Contribution { activation, .. } in rest {
            let into = match total.owned {
                true => total.activation,
                false => {
                    let label = format!("{layer}.grad_output");
                    self.program.activation(label, activation.shape, activation.batch)
                }
            };
            let bytes = [self.program.sample_bytes(into.shape)];
            for samples in chunks(layer, &bytes, into.batch, self.capabilities)? {
                let [into, before, other] = [into, total.activation, activation]
                    .map(|activation| self.program.samples(activation, &samples));
                let quads = into.total_quads();
                self.program.push(match total.owned {
                    true => accumulate(layer, into.tensor, other.tensor, quads),
                    false => sum(layer, before.tensor, other.tensor, into.tensor, quads),
                });
            }
            total = Contribution { activation: into, owned: true };
        }
        Ok(total)
    }

    fn read_input_gradients(&mut self, arriving: Vec<Vec<Contribution>>) -> Result<()> {
        for (i, input) in self.network.inputs().iter().enumerate() {
            let contributions = &arriving[input.0];
            if contributions.is_empty() {
                self.io.grad_inputs.push(None);
                continue;
            }
            let gradient = self.join("input", contributions)?.activation;
            let host =
                self.program.host_tensor(format!("input {i}.gradient"), gradient.shape, gradient.batch);
            self.convert("input", host, gradient, true)?;
            self.io.grad_inputs.push(Some(host));
        }
        Ok(())
    }
}

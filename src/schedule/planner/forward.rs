//! The forward pass, and what it reads from the host and gives to it.

use super::Planner;
use crate::Result;
use crate::network::Node;
use crate::ops::program::{Activation, TensorId};
use crate::ops::{Fold, Forward, Operator};

impl Planner<'_> {
    pub(super) fn forward(&mut self) -> Result<()> {
        for (i, value) in self.network.inputs().iter().enumerate() {
            let shape = self.network.shape(*value);
            let host = self.program.host_tensor(format!("input {i}"), shape, self.options.batch);
            self.io.inputs.push(host);
            let activation = self.activation(format!("input {i} (NHWC)"), *value);
            self.convert("input", host, activation, false)?;
            self.values[value.0] = Some(activation);
        }
        for (stream, node) in self.network.nodes().iter().enumerate() {
            let inputs: Vec<Activation> = node.inputs.iter().map(|input| self.value(*input)).collect();
            let shape = self.network.shape(node.output);
            let identity = node.operator.is_identity(&self.network.input_shapes(node), self.options.training);
            if identity || self.fusion.absorbed[stream] {
                self.values[node.output.0] = Some(Activation { shape, ..inputs[0] });
                continue;
            }
            let whole = match self.fusion.in_place[stream] {
                true => Activation { shape, ..inputs[0] },
                false => self.activation(format!("{}.output", node.name), node.output),
            };
            let parameters = self.folded_parameters(stream, node);
            for samples in self.chunks(node)? {
                let inputs: Vec<Activation> =
                    inputs.iter().map(|input| self.program.samples(*input, &samples)).collect();
                let output = self.program.samples(whole, &samples);
                let saved = Operator::forward(
                    &*node.operator,
                    Forward {
                        program: &mut self.program,
                        capabilities: self.capabilities,
                        layer: &node.name,
                        stream: stream as u32,
                        first_sample: samples.start,
                        training: self.options.training,
                        backward: self.wanted[node.output.0],
                        inputs: &inputs,
                        parameters: &parameters,
                        output,
                        activation: self.fusion.activation[stream].as_ref(),
                        operand: self.fusion.operand[stream]
                            .as_ref()
                            .map(|(input, function)| (*input, function)),
                        step: self.io.step,
                    },
                );
                self.saved[stream].push(saved);
            }
            self.values[node.output.0] = Some(whole);
        }
        Ok(())
    }

    /// The parameters that a node's forward pass runs with: its own, or those that a later node is folded into.
    fn folded_parameters(&mut self, index: usize, node: &Node) -> Vec<TensorId> {
        let own = self.parameters_of(node);
        let norm = self.fusion.folded[index].map(|norm| &self.network.nodes()[norm]);
        let (Some(norm), [weight, bias @ ..]) = (norm, &own[..]) else { return own };
        let parameters = self.parameters_of(norm);
        let folded = norm.operator.fold(Fold {
            program: &mut self.program,
            layer: &norm.name,
            weight_shape: &self.network.parameters()[node.parameters[0].0].spec.shape,
            weight: *weight,
            bias: bias.first().copied(),
            parameters: &parameters,
        });
        folded.map_or(own, Vec::from)
    }

    /// Puts the network's output where the host can read it.
    pub(super) fn read_output(&mut self) -> Result<()> {
        let output = self.value(self.network.output());
        let host = self.program.host_tensor("output", output.shape, output.batch);
        self.io.output = Some(host);
        self.convert("output", host, output, true)
    }
}

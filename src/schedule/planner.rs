//! From a network to the dispatches of one pass: forward, loss, backward, update.

use std::ops::Range;

use crate::gpu::Capabilities;
use crate::network::{Network, Node, ValueId};
use crate::ops::add::{accumulate, sum};
use crate::ops::host::{nchw_to_nhwc, nhwc_to_nchw};
use crate::ops::program::{Activation, Program, Storage, TensorId};
use crate::ops::{
    Backward, Fold, Forward, Loss, LossOutput, LossPass, Operator, Optimizer, StepState, TargetSpec,
    UpdateOptions, UpdatePass, update_control,
};
use crate::{Error, Result};

use super::blocks::Block;
use super::chunks::chunks;
use super::fusion::Fusion;
use super::plan::{HostTarget, Io, PlanOptions};

/// A program with what is known of its tensors before they are placed.
pub(super) struct Drawn {
    pub program: Program,
    pub io: Io,
    /// Tensors that lie in a parameter block's buffers: tensor, which buffer, offset in bytes.
    pub resident: Vec<(TensorId, Resident, u64)>,
}

/// A buffer that outlives a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resident {
    /// The parameters of a block.
    Parameters(usize),
    /// Their gradients.
    Gradients(usize),
    /// What the optimizer remembers: the block, and which of its state tensors.
    State(usize, usize),
    /// What the updates are told, where it changes from step to step: the tensor, for what it holds at first.
    UpdateControl(TensorId),
}

/// Draws up the dispatches that `options` ask for.
pub(super) fn draw(
    network: &Network,
    options: &PlanOptions<'_>,
    blocks: &[Block],
    capabilities: &Capabilities,
) -> Result<Drawn> {
    let mut planner = Planner::new(network, options, blocks, capabilities);
    planner.forward()?;
    if options.output {
        planner.read_output()?;
    }
    let grad_output = match options.loss {
        Some(loss) => planner.loss(loss),
        None if planner.has_backward() => Some(planner.grad_output()?),
        None => None,
    };
    let update = options.optimizer.map(|optimizer| (optimizer, planner.update_control()));
    if let Some(grad_output) = grad_output {
        let control = update.map(|(_, control)| control);
        let scaled = planner.scale_gradient(grad_output, control);
        planner.backward(scaled.unwrap_or(grad_output))?;
    }
    if let Some((optimizer, control)) = update {
        planner.update(optimizer, control);
    }
    Ok(Drawn { program: planner.program, io: planner.io, resident: planner.resident })
}

struct Planner<'a> {
    network: &'a Network,
    options: &'a PlanOptions<'a>,
    blocks: &'a [Block],
    capabilities: &'a Capabilities,
    program: Program,
    io: Io,
    resident: Vec<(TensorId, Resident, u64)>,
    /// The tensor of each parameter, and of its gradient where it is trainable and wanted.
    parameters: Vec<TensorId>,
    gradients: Vec<Option<TensorId>>,
    /// The activation of each value, once it is computed.
    values: Vec<Option<Activation>>,
    /// Which values need a gradient.
    wanted: Vec<bool>,
    /// Which nodes are joined.
    fusion: Fusion,
    /// What each node's forward pass keeps for its backward pass, for each chunk of the batch.
    saved: Vec<Vec<Vec<TensorId>>>,
}

/// A gradient that arrives at a value.
#[derive(Clone, Copy)]
struct Contribution {
    activation: Activation,
    /// Whether nothing else refers to its memory, so that others may be added to it in place.
    owned: bool,
}

impl<'a> Planner<'a> {
    fn new(
        network: &'a Network,
        options: &'a PlanOptions<'a>,
        blocks: &'a [Block],
        capabilities: &'a Capabilities,
    ) -> Self {
        let mut program = Program { storage: storage(options, capabilities), ..Program::default() };
        let step = program.tensor("step state", size_of::<StepState>());
        let mut planner = Self {
            network,
            options,
            blocks,
            capabilities,
            io: Io { step, ..Io::default() },
            program,
            resident: vec![],
            parameters: vec![TensorId(0); network.parameters().len()],
            gradients: vec![None; network.parameters().len()],
            values: vec![None; network.shapes().len()],
            wanted: vec![],
            fusion: Fusion::default(),
            saved: vec![vec![]; network.nodes().len()],
        };
        planner.place_parameters();
        planner.wanted = planner.find_wanted();
        planner.fusion = Fusion::find(network, options.batch, options.training, &planner.wanted);
        planner
    }

    fn place_parameters(&mut self) {
        let learns = self.options.parameter_gradients || self.options.optimizer.is_some();
        for (index, block) in self.blocks.iter().enumerate() {
            for (id, offset) in &block.members {
                let parameter = &self.network.parameters()[id.0];
                let bytes = 4 * parameter.spec.layout.len(&parameter.spec.shape);
                let tensor = self.program.tensor(parameter.name.clone(), bytes);
                self.resident.push((tensor, Resident::Parameters(index), *offset));
                self.parameters[id.0] = tensor;
                if block.trainable && learns {
                    let tensor = self.program.tensor(format!("{}.gradient", parameter.name), bytes);
                    self.resident.push((tensor, Resident::Gradients(index), *offset));
                    self.gradients[id.0] = Some(tensor);
                }
            }
        }
    }

    /// The activation of a value that an earlier node computed.
    fn value(&self, value: ValueId) -> Activation {
        self.values[value.0].unwrap_or(Activation {
            tensor: self.io.step,
            shape: self.network.shape(value),
            batch: self.options.batch,
        })
    }

    fn activation(&mut self, label: String, value: ValueId) -> Activation {
        self.program.activation(label, self.network.shape(value), self.options.batch)
    }

    /// Brings an activation from the host, or to it: `to_host` says which.
    fn convert(&mut self, layer: &str, host: TensorId, image: Activation, to_host: bool) -> Result<()> {
        let bytes = [image.shape.len() * 4, self.program.sample_bytes(image.shape)];
        for samples in chunks(layer, &bytes, image.batch, self.capabilities)? {
            let host = self.program.host_samples(host, image.shape, &samples);
            let image = self.program.samples(image, &samples);
            self.program.push(match to_host {
                true => nhwc_to_nchw(layer, image, host),
                false => nchw_to_nhwc(layer, host, image),
            });
        }
        Ok(())
    }

    /// The chunks in which a node takes the batch.
    fn chunks(&self, node: &Node) -> Result<Vec<Range<usize>>> {
        let values = node.inputs.iter().chain([&node.output]);
        let bytes: Vec<usize> =
            values.map(|value| self.program.sample_bytes(self.network.shape(*value))).collect();
        let chunks = chunks(&node.name, &bytes, self.options.batch, self.capabilities)?;
        if chunks.len() > 1 && node.operator.mixes_samples(self.options.training) {
            let largest = bytes.into_iter().max().unwrap_or(0);
            return Err(Error::Limit {
                what: format!("layer {:?}, which needs the whole batch at once (bytes),", node.name),
                needed: (largest * self.options.batch) as u64,
                limit_name: "maxStorageBufferBindingSize",
                limit: self.capabilities.max_storage_binding,
            });
        }
        Ok(chunks)
    }

    fn forward(&mut self) -> Result<()> {
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

    fn parameters_of(&self, node: &Node) -> Vec<TensorId> {
        node.parameters.iter().map(|parameter| self.parameters[parameter.0]).collect()
    }

    /// Puts the network's output where the host can read it.
    fn read_output(&mut self) -> Result<()> {
        let output = self.value(self.network.output());
        let host = self.program.host_tensor("output", output.shape, output.batch);
        self.io.output = Some(host);
        self.convert("output", host, output, true)
    }

    /// Records the loss, and its gradient where there is a backward pass.
    fn loss(&mut self, loss: &dyn Loss) -> Option<Activation> {
        let prediction = self.value(self.network.output());
        let target = self.target(loss, prediction);
        let result = self.program.tensor("loss", size_of::<LossOutput>());
        self.io.result = Some(result);
        let grad = self.has_backward().then(|| {
            let tensor = self.program.tensor("loss.grad_input", 16 * prediction.total_quads());
            Activation { tensor, ..prediction }
        });
        let (step, capabilities) = (self.io.step, self.capabilities);
        let program = &mut self.program;
        let pass = LossPass { program, capabilities, prediction, target, step, result };
        let saved = loss.forward(LossPass { program: &mut *pass.program, ..pass });
        if let Some(grad) = grad {
            loss.backward(pass, &saved, grad);
        }
        grad
    }

    /// The target of the loss as its kernels read it: labels as they come from the host, and values as an
    /// activation lies, but in `f32` whatever activations are stored in.
    fn target(&mut self, loss: &dyn Loss, prediction: Activation) -> TensorId {
        let spec = loss.target(prediction.shape);
        let host = self.program.tensor("target", 4 * prediction.batch * spec.len());
        self.io.target = Some(HostTarget { tensor: host, loss: loss.name(), spec });
        let TargetSpec::Values { shape, .. } = spec else { return host };
        let bytes = 16 * Activation { shape, ..prediction }.total_quads();
        let values = Activation { tensor: self.program.tensor("target (NHWC)", bytes), shape, ..prediction };
        self.program.push(nchw_to_nhwc("target", host, values).in_f32());
        values.tensor
    }

    /// A gradient to the output that the host provides.
    fn grad_output(&mut self) -> Result<Activation> {
        let shape = self.network.output_shape();
        let host = self.program.host_tensor("grad_output", shape, self.options.batch);
        self.io.grad_output = Some(host);
        let activation = self.activation("grad_output (NHWC)".into(), self.network.output());
        self.convert("grad_output", host, activation, false)?;
        Ok(activation)
    }

    /// Which values need a gradient: those that some trainable parameter contributes to, and the
    /// inputs where theirs are asked for.
    fn find_wanted(&self) -> Vec<bool> {
        let mut wanted = vec![false; self.network.shapes().len()];
        for input in self.network.inputs() {
            wanted[input.0] = self.options.input_gradients;
        }
        for node in self.network.nodes() {
            let learns = node.parameters.iter().any(|parameter| self.gradients[parameter.0].is_some());
            wanted[node.output.0] = learns || node.inputs.iter().any(|input| wanted[input.0]);
        }
        wanted
    }

    /// Whether the gradient to the output is of use to anybody.
    fn has_backward(&self) -> bool {
        self.wanted[self.network.output().0]
    }

    fn backward(&mut self, grad_output: Activation) -> Result<()> {
        let mut arriving: Vec<Vec<Contribution>> = vec![vec![]; self.network.shapes().len()];
        arriving[self.network.output().0].push(Contribution { activation: grad_output, owned: true });
        for (stream, node) in self.network.nodes().iter().enumerate().rev() {
            let contributions = std::mem::take(&mut arriving[node.output.0]);
            if !self.wanted[node.output.0] || contributions.is_empty() {
                continue;
            }
            let Contribution { activation: grad_output, owned } = self.join(&node.name, &contributions)?;
            let shapes = self.network.input_shapes(node);
            let identity = node.operator.is_identity(&shapes, self.options.training);
            let passes = |input| identity || node.operator.passes_gradient(&shapes, input);
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
                self.node_backward(stream, node, grad_output, &grad_inputs)?;
            }
        }
        if self.options.input_gradients {
            self.read_input_gradients(arriving)?;
        }
        Ok(())
    }

    fn node_backward(
        &mut self,
        stream: usize,
        node: &Node,
        grad_output: Activation,
        grad_inputs: &[Option<Activation>],
    ) -> Result<()> {
        let parameters = self.parameters_of(node);
        let grad_parameters: Vec<_> = node.parameters.iter().map(|p| self.gradients[p.0]).collect();
        for (chunk, samples) in self.chunks(node)?.into_iter().enumerate() {
            let inputs: Vec<Activation> = node.inputs.iter().map(|input| self.value(*input)).collect();
            let output = self.value(node.output);
            let inputs: Vec<Activation> =
                inputs.into_iter().map(|input| self.program.samples(input, &samples)).collect();
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

    /// What the updates are told. It outlives the pass where it depends on the gradients.
    fn update_control(&mut self) -> TensorId {
        let control = update_control::tensor(&mut self.program, &self.options.update);
        if !self.options.update.is_plain() {
            self.resident.push((control, Resident::UpdateControl(control), 0));
        }
        self.io.update_control = Some(control);
        control
    }

    /// The gradient that the backward pass begins with, where the loss is scaled, or its gradient, which is in f32, not
    /// yet stored as activations are.
    fn scale_gradient(&mut self, gradient: Activation, control: Option<TensorId>) -> Option<Activation> {
        let is_stored = self.options.loss.is_none() || self.program.storage == Storage::F32;
        if is_stored && (control.is_none() || self.options.update.loss_scaling.is_none()) {
            return None;
        }
        let program = &mut self.program;
        let control = control.unwrap_or_else(|| update_control::tensor(program, &UpdateOptions::default()));
        Some(update_control::scale(program, control, gradient))
    }

    /// Updates all trainable parameters, a block at a time.
    fn update(&mut self, optimizer: &dyn Optimizer, control: TensorId) {
        let blocks = self.blocks;
        let trainable: Vec<(usize, &Block)> =
            blocks.iter().enumerate().filter(|(_, block)| block.trainable).collect();
        let gradients: Vec<(TensorId, usize)> = trainable
            .iter()
            .map(|(index, block)| {
                let tensor = self.run(format!("gradients {index}"), block, Resident::Gradients(*index));
                (tensor, block.bytes as usize / 16)
            })
            .collect();
        if !self.options.update.is_plain() && !gradients.is_empty() {
            update_control::decide(&mut self.program, &self.options.update, control, &gradients);
        }
        for ((index, block), (gradients, quads)) in trainable.into_iter().zip(gradients) {
            let parameters = self.run(format!("parameters {index}"), block, Resident::Parameters(index));
            let state: Vec<TensorId> = (0..optimizer.state_tensors())
                .map(|k| {
                    let label = format!("{} state {index}.{k}", optimizer.name());
                    self.run(label, block, Resident::State(index, k))
                })
                .collect();
            let (program, step) = (&mut self.program, self.io.step);
            optimizer.update(UpdatePass {
                program,
                parameters,
                gradients,
                state: &state,
                quads,
                step,
                control,
            });
        }
    }

    /// A whole block's buffer as one tensor.
    fn run(&mut self, label: String, block: &Block, resident: Resident) -> TensorId {
        let tensor = self.program.tensor(label, block.bytes as usize);
        self.resident.push((tensor, resident, 0));
        tensor
    }
}

/// How activations are stored.
fn storage(options: &PlanOptions<'_>, capabilities: &Capabilities) -> Storage {
    match (options.half, capabilities.shader_f16) {
        (false, _) => Storage::F32,
        (true, false) => Storage::PackedF16,
        (true, true) => Storage::NativeF16,
    }
}

//! From a network to the dispatches of one pass: forward, loss, backward, update.

use crate::gpu::Capabilities;
use crate::network::{Network, Node, ValueId};
use crate::ops::add::{accumulate, sum};
use crate::ops::flatten::{nchw_to_nhwc, nhwc_to_nchw};
use crate::ops::program::{Activation, Program, Storage, TensorId};
use crate::ops::{Backward, Forward, Loss, LossOutput, LossPass, Operator, Optimizer, StepState, UpdatePass};

use super::blocks::Block;
use super::fusion::Fusion;
use super::plan::{Io, PlanOptions};

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
}

/// Draws up the dispatches that `options` ask for.
pub(super) fn draw(
    network: &Network,
    options: &PlanOptions<'_>,
    blocks: &[Block],
    capabilities: &Capabilities,
) -> Drawn {
    let mut planner = Planner::new(network, options, blocks, capabilities);
    planner.forward();
    if options.output {
        planner.read_output();
    }
    let grad_output = match options.loss {
        Some(loss) => planner.loss(loss),
        None => planner.has_backward().then(|| planner.grad_output()),
    };
    if let Some(grad_output) = grad_output {
        planner.backward(grad_output);
    }
    if let Some(optimizer) = options.optimizer {
        planner.update(optimizer);
    }
    Drawn { program: planner.program, io: planner.io, resident: planner.resident }
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
    /// What each node's forward pass keeps for its backward pass.
    saved: Vec<Vec<TensorId>>,
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
        planner.fusion = Fusion::find(network, options.training, &planner.wanted);
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

    fn forward(&mut self) {
        for (i, value) in self.network.inputs().iter().enumerate() {
            let shape = self.network.shape(*value);
            let host = self.program.host_tensor(format!("input {i}"), shape, self.options.batch);
            self.io.inputs.push(host);
            let activation = self.activation(format!("input {i} (NHWC)"), *value);
            self.program.push(nchw_to_nhwc("input", host, shape.len(), activation));
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
            let output = match self.fusion.in_place[stream] {
                true => Activation { shape, ..inputs[0] },
                false => self.activation(format!("{}.output", node.name), node.output),
            };
            let parameters = self.parameters_of(node);
            self.saved[stream] = Operator::forward(
                &*node.operator,
                Forward {
                    program: &mut self.program,
                    capabilities: self.capabilities,
                    layer: &node.name,
                    stream: stream as u32,
                    training: self.options.training,
                    backward: self.wanted[node.output.0],
                    inputs: &inputs,
                    parameters: &parameters,
                    output,
                    activation: self.fusion.activation[stream].as_ref(),
                    step: self.io.step,
                },
            );
            self.values[node.output.0] = Some(output);
        }
    }

    fn parameters_of(&self, node: &Node) -> Vec<TensorId> {
        node.parameters.iter().map(|parameter| self.parameters[parameter.0]).collect()
    }

    /// Puts the network's output where the host can read it.
    fn read_output(&mut self) {
        let output = self.value(self.network.output());
        let host = self.program.host_tensor("output", output.shape, output.batch);
        self.program.push(nhwc_to_nchw("output", output, host, output.shape.len()));
        self.io.output = Some(host);
    }

    /// Records the loss, and its gradient where there is a backward pass.
    fn loss(&mut self, loss: &dyn Loss) -> Option<Activation> {
        let prediction = self.value(self.network.output());
        let target = self.program.tensor("target", 4 * prediction.pixels());
        let result = self.program.tensor("loss", size_of::<LossOutput>());
        self.io.target = Some(target);
        self.io.result = Some(result);
        let grad =
            self.has_backward().then(|| self.activation("loss.grad_input".into(), self.network.output()));
        let (step, capabilities) = (self.io.step, self.capabilities);
        let program = &mut self.program;
        let pass = LossPass { program, capabilities, prediction, target, step, result };
        let saved = loss.forward(LossPass { program: &mut *pass.program, ..pass });
        if let Some(grad) = grad {
            loss.backward(pass, &saved, grad);
        }
        grad
    }

    /// A gradient to the output that the host provides.
    fn grad_output(&mut self) -> Activation {
        let shape = self.network.output_shape();
        let host = self.program.host_tensor("grad_output", shape, self.options.batch);
        self.io.grad_output = Some(host);
        let activation = self.activation("grad_output (NHWC)".into(), self.network.output());
        self.program.push(nchw_to_nhwc("grad_output", host, shape.len(), activation));
        activation
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

    fn backward(&mut self, grad_output: Activation) {
        let mut arriving: Vec<Vec<Contribution>> = vec![vec![]; self.network.shapes().len()];
        arriving[self.network.output().0].push(Contribution { activation: grad_output, owned: true });
        for (stream, node) in self.network.nodes().iter().enumerate().rev() {
            let contributions = std::mem::take(&mut arriving[node.output.0]);
            if !self.wanted[node.output.0] || contributions.is_empty() {
                continue;
            }
            let Contribution { activation: grad_output, owned } = self.join(&node.name, &contributions);
            let shapes = self.network.input_shapes(node);
            let passes =
                node.operator.passes_gradient() || node.operator.is_identity(&shapes, self.options.training);
            // Where one input alone gets a gradient, it may have the memory of the gradient to the output.
            let reuses = passes || (owned && node.operator.pointwise().is_some());
            let owned = !reuses || (owned && node.inputs.len() == 1);
            let grad_inputs: Vec<Option<Activation>> = node
                .inputs
                .iter()
                .map(|input| {
                    let shape = self.network.shape(*input);
                    if !self.wanted[input.0] {
                        return None;
                    }
                    let activation = match reuses {
                        true => Activation { shape, ..grad_output },
                        false => self.activation(format!("{}.grad_input", node.name), *input),
                    };
                    arriving[input.0].push(Contribution { activation, owned });
                    Some(activation)
                })
                .collect();
            if !passes {
                self.node_backward(stream, node, grad_output, &grad_inputs);
            }
        }
        if self.options.input_gradients {
            self.read_input_gradients(arriving);
        }
    }

    fn node_backward(
        &mut self,
        stream: usize,
        node: &Node,
        grad_output: Activation,
        grad_inputs: &[Option<Activation>],
    ) {
        let inputs: Vec<Activation> = node.inputs.iter().map(|input| self.value(*input)).collect();
        let parameters = self.parameters_of(node);
        let grad_parameters: Vec<_> = node.parameters.iter().map(|p| self.gradients[p.0]).collect();
        let output = self.value(node.output);
        Operator::backward(
            &*node.operator,
            Backward {
                program: &mut self.program,
                capabilities: self.capabilities,
                layer: &node.name,
                stream: stream as u32,
                inputs: &inputs,
                parameters: &parameters,
                output,
                saved: &self.saved[stream],
                grad_output,
                grad_inputs,
                grad_parameters: &grad_parameters,
                step: self.io.step,
            },
        );
    }

    /// The sum of the gradients that arrive at a value from its consumers.
    fn join(&mut self, layer: &str, contributions: &[Contribution]) -> Contribution {
        if let [only] = contributions {
            return *only;
        }
        let owned = contributions.iter().position(|contribution| contribution.owned);
        let (into, first) = match owned {
            Some(owned) => (contributions[owned].activation, owned),
            None => (self.copy_sum(layer, contributions), 0),
        };
        let summed = |i: usize| i == first || (owned.is_none() && i == 1);
        for (_, contribution) in contributions.iter().enumerate().filter(|(i, _)| !summed(*i)) {
            let other = contribution.activation.tensor;
            self.program.push(accumulate(layer, into.tensor, other, into.total_quads()));
        }
        Contribution { activation: into, owned: true }
    }

    /// The sum of the first two gradients in memory of its own.
    fn copy_sum(&mut self, layer: &str, contributions: &[Contribution]) -> Activation {
        let (a, b) = (contributions[0].activation, contributions[1].activation);
        let into = self.program.activation(format!("{layer}.grad_output"), a.shape, a.batch);
        self.program.push(sum(layer, a.tensor, b.tensor, into.tensor, into.total_quads()));
        into
    }

    fn read_input_gradients(&mut self, arriving: Vec<Vec<Contribution>>) {
        for (i, input) in self.network.inputs().iter().enumerate() {
            let host = (!arriving[input.0].is_empty()).then(|| {
                let gradient = self.join("input", &arriving[input.0]).activation;
                let shape = self.network.shape(*input);
                let host = self.program.host_tensor(format!("input {i}.gradient"), shape, gradient.batch);
                self.program.push(nhwc_to_nchw("input", gradient, host, shape.len()));
                host
            });
            self.io.grad_inputs.push(host);
        }
    }

    /// Updates all trainable parameters, a block at a time.
    fn update(&mut self, optimizer: &dyn Optimizer) {
        for (index, block) in self.blocks.iter().enumerate().filter(|(_, block)| block.trainable) {
            let mut run = |label: String, resident: Resident| {
                let tensor = self.program.tensor(label, block.bytes as usize);
                self.resident.push((tensor, resident, 0));
                tensor
            };
            let parameters = run(format!("parameters {index}"), Resident::Parameters(index));
            let gradients = run(format!("gradients {index}"), Resident::Gradients(index));
            let state: Vec<TensorId> = (0..optimizer.state_tensors())
                .map(|k| run(format!("{} state {index}.{k}", optimizer.name()), Resident::State(index, k)))
                .collect();
            optimizer.update(UpdatePass {
                program: &mut self.program,
                parameters,
                gradients,
                state: &state,
                quads: block.bytes as usize / 16,
                step: self.io.step,
            });
        }
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

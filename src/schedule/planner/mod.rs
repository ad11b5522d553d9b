//! From a network to the dispatches of one pass: forward, loss, backward, update.

mod backward;
mod forward;
mod gradients;
mod loss;
mod update;

use std::ops::Range;

use crate::gpu::Capabilities;
use crate::network::{Network, Node, ValueId};
use crate::ops::StepState;
use crate::ops::host::{nchw_to_nhwc, nhwc_to_nchw};
use crate::ops::program::{Activation, Program, Storage, TensorId};
use crate::{Error, Result};

use super::blocks::Block;
use super::chunks::chunks;
use super::fusion::Fusion;
use super::plan::{Io, PlanOptions};
use gradients::Gradients;

/// A program with what is known of its tensors before they are placed.
pub(in crate::schedule) struct Drawn {
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
pub(in crate::schedule) fn draw(
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
    let control = options.optimizer.map(|_| planner.update_control());
    if let Some(grad_output) = grad_output {
        let scaled = planner.scale_gradient(grad_output, control);
        planner.backward(scaled.unwrap_or(grad_output))?;
    }
    planner.update();
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
    /// The tensor of each parameter, and of its gradient where it is trainable and wanted, with the group it is in.
    parameters: Vec<TensorId>,
    gradients: Vec<Option<(TensorId, usize)>>,
    groups: Vec<Gradients>,
    /// The activation of each value, once it is computed.
    values: Vec<Option<Activation>>,
    /// Which values need a gradient.
    wanted: Vec<bool>,
    /// Which nodes are joined.
    fusion: Fusion,
    /// What each node's forward pass keeps for its backward pass, for each chunk of the batch.
    saved: Vec<Vec<Vec<TensorId>>>,
}

impl<'a> Planner<'a> {
    fn new(
        network: &'a Network,
        options: &'a PlanOptions<'a>,
        blocks: &'a [Block],
        capabilities: &'a Capabilities,
    ) -> Self {
        let mut program = Program::new(capabilities);
        program.storage = storage(options, capabilities);
        program.choices = options.choices.cloned().unwrap_or_default();
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
            groups: vec![],
            values: vec![None; network.shapes().len()],
            wanted: vec![],
            fusion: Fusion::default(),
            saved: vec![vec![]; network.nodes().len()],
        };
        planner.place_parameters();
        planner.place_gradients();
        planner.wanted = planner.find_wanted();
        planner.fusion = Fusion::find(network, options.training, &planner.wanted);
        planner
    }

    fn place_parameters(&mut self) {
        for (index, block) in self.blocks.iter().enumerate() {
            for member in &block.members {
                let tensor = self.program.tensor(member.name.clone(), member.bytes() as usize);
                self.resident.push((tensor, Resident::Parameters(index), member.offset));
                self.parameters[member.id.0] = tensor;
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

    fn parameters_of(&self, node: &Node) -> Vec<TensorId> {
        node.parameters.iter().map(|parameter| self.parameters[parameter.0]).collect()
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
}

/// How activations are stored.
fn storage(options: &PlanOptions<'_>, capabilities: &Capabilities) -> Storage {
    match (options.half, capabilities.shader_f16) {
        (false, _) => Storage::F32,
        (true, false) => Storage::PackedF16,
        (true, true) => Storage::NativeF16,
    }
}

//! A plan: all that one pass does and where everything lies, before anything is allocated.

use std::fmt;

use crate::gpu::Capabilities;
use crate::network::Network;
use crate::ops::program::{Access, Dispatch, Program, TensorId};
use crate::ops::{Choices, Loss, Optimizer, TargetSpec, UpdateOptions};
use crate::{Error, Result};

use super::blocks::{Block, blocks};
use super::placement::{Place, check_binding, check_size, place};
use super::planner::{Drawn, Resident, draw};

/// What a pass is to do.
#[derive(Debug, Clone, Copy)]
pub struct PlanOptions<'a> {
    /// The number of samples.
    pub batch: usize,
    /// Whether dropout and its like are active.
    pub training: bool,
    /// Whether activations, and gradients to them, are stored in half precision. Sums, parameters and losses are in
    /// f32 in any case; what the host writes and reads is.
    pub half: bool,
    /// Whether the output is made readable.
    pub output: bool,
    /// The loss to measure, if any. With a backward pass and no loss, the host provides the
    /// gradient to the output.
    pub loss: Option<&'a dyn Loss>,
    /// Whether the gradients to the trainable parameters are computed; they are in any case where there is an
    /// optimizer.
    pub parameter_gradients: bool,
    /// Whether the gradients to the inputs are computed and made readable.
    pub input_gradients: bool,
    /// Who updates the parameters, if anybody.
    pub optimizer: Option<&'a dyn Optimizer>,
    /// What is done with gradients before the optimizer gets them. Where the loss is scaled, those that can be read
    /// are too.
    pub update: UpdateOptions,
    /// Which variants of its kernels a pass takes where somebody chose; elsewhere it takes the best by estimate.
    pub choices: Option<&'a Choices>,
}

impl<'a> PlanOptions<'a> {
    /// A forward pass whose output can be read.
    pub fn inference(batch: usize) -> Self {
        Self {
            batch,
            training: false,
            half: false,
            output: true,
            loss: None,
            parameter_gradients: false,
            input_gradients: false,
            optimizer: None,
            update: UpdateOptions::default(),
            choices: None,
        }
    }

    /// A forward pass that measures a loss.
    pub fn evaluation(batch: usize, loss: &'a dyn Loss) -> Self {
        Self { output: false, loss: Some(loss), ..Self::inference(batch) }
    }

    /// A whole training step: forward, loss, backward, update.
    pub fn training(batch: usize, loss: &'a dyn Loss, optimizer: &'a dyn Optimizer) -> Self {
        Self {
            training: true,
            parameter_gradients: true,
            optimizer: Some(optimizer),
            ..Self::evaluation(batch, loss)
        }
    }

    /// The output, and the gradients to all inputs and parameters for a gradient to the output that the host
    /// provides (a vector-Jacobian product).
    pub fn gradients(batch: usize) -> Self {
        Self { parameter_gradients: true, input_gradients: true, ..Self::inference(batch) }
    }
}

/// The tensors through which a pass meets the host. Images are NCHW `f32` without padding.
#[derive(Debug, Clone, Default)]
pub struct Io {
    /// The network's inputs.
    pub inputs: Vec<TensorId>,
    /// The target of the loss.
    pub target: Option<HostTarget>,
    /// The gradient to the output, where there is no loss.
    pub grad_output: Option<TensorId>,
    /// The [`StepState`](crate::ops::StepState).
    pub step: TensorId,
    /// The [`LossOutput`](crate::ops::LossOutput).
    pub result: Option<TensorId>,
    /// The [`UpdateControl`](crate::ops::UpdateControl), where there is an optimizer.
    pub update_control: Option<TensorId>,
    /// The network's output.
    pub output: Option<TensorId>,
    /// The gradients to the inputs; `None` where the output does not depend on one.
    pub grad_inputs: Vec<Option<TensorId>>,
}

/// The tensor in which a pass finds the target of its loss.
#[derive(Debug, Clone)]
pub struct HostTarget {
    /// Its memory: `i32` labels, or `f32` values in NCHW order.
    pub tensor: TensorId,
    /// The name of the loss.
    pub loss: &'static str,
    /// What it holds.
    pub spec: TargetSpec,
}

impl Io {
    fn tensors(&self) -> impl Iterator<Item = TensorId> + '_ {
        let target = self.target.as_ref().map(|target| target.tensor);
        let single = [target, self.grad_output, Some(self.step), self.result, self.output];
        let gradients = self.grad_inputs.iter().copied().flatten();
        self.inputs.iter().copied().chain(single.into_iter().flatten()).chain(gradients)
    }
}

/// What a buffer of a plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Tensors that live only within the pass.
    Arena,
    /// Parameters, gradients, an optimizer's state, or the control of the updates.
    Resident(Resident),
    /// A tensor that the host writes or reads.
    Io,
    /// A tensor whose content the operator fixed.
    Constant(TensorId),
}

/// A buffer of a plan.
#[derive(Debug, Clone)]
pub struct BufferPlan {
    /// What it is for.
    pub role: Role,
    /// Its name, for people and for debuggers.
    pub label: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// All that one pass does, in order, and where everything lies. Made without a device, and printed with
/// `{}`: each dispatch with its kernel, workgroups, FLOPs and bytes, and the memory.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(super) batch: usize,
    pub(super) program: Program,
    pub(super) io: Io,
    pub(super) places: Vec<Option<Place>>,
    pub(super) buffers: Vec<BufferPlan>,
    pub(super) blocks: Vec<Block>,
    arena_lower_bound: u64,
    arena_unshared: u64,
}

impl Plan {
    /// Plans a pass over `network` on a device that can do what `capabilities` say.
    ///
    /// # Errors
    /// [`Error::Limit`] where a tensor or a dispatch is larger than the device allows; [`Error::Option`]
    /// for a batch of zero; [`Error::Layer`] where the loss refuses the network's output, or a layer to be trained
    /// with so small a batch.
    pub fn new(network: &Network, options: &PlanOptions<'_>, capabilities: &Capabilities) -> Result<Self> {
        if options.batch == 0 {
            return Err(Error::Option { option: "batch", got: "0".into(), expected: "at least 1" });
        }
        if options.training {
            network.check_training(options.batch)?;
        }
        if let Some(loss) = options.loss {
            loss.check(network.output_shape()).map_err(|message| Error::Layer {
                layer: "loss".into(),
                operator: loss.name(),
                message,
            })?;
        }
        if let Some(optimizer) = options.optimizer {
            optimizer.check()?;
            options.update.check()?;
        }
        let blocks = blocks(network, capabilities)?;
        let Drawn { program, io, resident } = draw(network, options, &blocks, capabilities)?;
        check_dispatches(&program, capabilities)?;

        let mut buffers = vec![];
        let mut places: Vec<Option<Place>> = vec![None; program.tensors.len()];
        for (tensor, resident, offset) in resident {
            let (bytes, label) = match resident {
                Resident::Parameters(block) => (blocks[block].bytes, format!("parameters {block}")),
                Resident::Gradients(block) => (blocks[block].bytes, format!("gradients {block}")),
                Resident::State(block, k) => (blocks[block].bytes, format!("optimizer state {block}.{k}")),
                Resident::UpdateControl(tensor) => {
                    let desc = &program.tensors[tensor.0];
                    (desc.bytes, desc.label.clone())
                }
            };
            let role = Role::Resident(resident);
            let buffer = buffers.iter().position(|buffer: &BufferPlan| buffer.role == role);
            let buffer = buffer.unwrap_or_else(|| {
                buffers.push(BufferPlan { role, label, bytes });
                buffers.len() - 1
            });
            places[tensor.0] = Some(Place { buffer, offset });
        }
        let constants: Vec<_> = (0..program.tensors.len())
            .filter(|tensor| program.tensors[*tensor].contents.is_some() && places[*tensor].is_none())
            .map(|tensor| (TensorId(tensor), Role::Constant(TensorId(tensor))))
            .collect();
        for (tensor, role) in io.tensors().map(|tensor| (tensor, Role::Io)).chain(constants) {
            let desc = &program.tensors[tensor.0];
            check_size(&desc.label, desc.bytes, capabilities)?;
            places[tensor.0] = Some(Place { buffer: buffers.len(), offset: 0 });
            buffers.push(BufferPlan { role, label: desc.label.clone(), bytes: desc.bytes });
        }
        let apart = |tensor: usize| places[tensor].is_none() && program.tensors[tensor].part_of.is_none();
        let arenas = place(&program, apart, capabilities)?;
        for (tensor, within) in arenas.places.iter().enumerate() {
            if let Some(within) = within {
                let buffer = buffers.len() + within.buffer;
                places[tensor] = Some(Place { buffer, offset: within.offset });
            }
        }
        for part in 0..places.len() {
            if let Some((whole, offset)) = program.tensors[part].part_of {
                let place = places[whole.0];
                places[part] = place.map(|place| Place { offset: place.offset + offset, ..place });
            }
        }
        for (i, bytes) in arenas.sizes.iter().enumerate() {
            buffers.push(BufferPlan { role: Role::Arena, label: format!("arena {i}"), bytes: *bytes });
        }
        Ok(Self {
            batch: options.batch,
            program,
            io,
            places,
            buffers,
            blocks,
            arena_lower_bound: arenas.lower_bound,
            arena_unshared: arenas.unshared,
        })
    }

    /// The number of samples.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// The dispatches and their tensors.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The tensors that the host writes and reads.
    pub fn io(&self) -> &Io {
        &self.io
    }

    /// The buffers.
    pub fn buffers(&self) -> &[BufferPlan] {
        &self.buffers
    }

    /// What running it takes on the device, in bytes: all buffers together.
    pub fn peak_bytes(&self) -> u64 {
        self.buffers.iter().map(|buffer| buffer.bytes).sum()
    }

    /// The floating-point operations of the pass.
    pub fn flops(&self) -> u64 {
        self.program.dispatches.iter().map(|dispatch| dispatch.flops).sum()
    }
}

/// Checks that no dispatch has more workgroups, larger bindings or more of them than the device allows.
fn check_dispatches(program: &Program, capabilities: &Capabilities) -> Result<()> {
    for dispatch in &program.dispatches {
        for binding in &dispatch.bindings {
            let desc = &program.tensors[binding.tensor.0];
            check_binding(&desc.label, desc.bytes, capabilities)?;
        }
        let buffers = dispatch.bindings.iter().filter(|binding| binding.access != Access::Uniform).count();
        if buffers > capabilities.max_storage_buffers as usize {
            return Err(Error::Limit {
                what: format!("layer {:?} ({}), in storage buffers,", dispatch.layer, dispatch.kernel.name),
                needed: buffers as u64,
                limit_name: "maxStorageBuffersPerShaderStage",
                limit: capabilities.max_storage_buffers.into(),
            });
        }
        let most = dispatch.workgroups.into_iter().max().unwrap_or(0);
        if most > capabilities.max_workgroups_per_axis {
            return Err(Error::Limit {
                what: format!("layer {:?} ({}), in workgroups,", dispatch.layer, dispatch.kernel.name),
                needed: most.into(),
                limit_name: "maxComputeWorkgroupsPerDimension",
                limit: capabilities.max_workgroups_per_axis.into(),
            });
        }
    }
    Ok(())
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dispatches = &self.program.dispatches;
        let kernels: Vec<String> = dispatches.iter().map(Dispatch::description).collect();
        let layer = dispatches.iter().map(|dispatch| dispatch.layer.len()).max().unwrap_or(0).max(5);
        let kernel = kernels.iter().map(String::len).max().unwrap_or(0);
        writeln!(
            f,
            "  # {:layer$}  {:kernel$} {:>16} {:>10} {:>11}",
            "layer", "kernel", "workgroups", "MFLOP", "KiB bound"
        )?;
        for (i, dispatch) in dispatches.iter().enumerate() {
            let [x, y, z] = dispatch.workgroups;
            let bound: u64 = dispatch.bindings.iter().map(|b| self.program.tensors[b.tensor.0].bytes).sum();
            writeln!(
                f,
                "{i:3} {:layer$}  {:kernel$} {:>16} {:>10.2} {:>11.1}",
                dispatch.layer,
                kernels[i],
                format!("{x} x {y} x {z}"),
                dispatch.flops as f64 / 1e6,
                bound as f64 / 1024.0,
            )?;
        }
        let of = |role: fn(&Role) -> bool| -> f64 {
            let bytes: u64 = self.buffers.iter().filter(|b| role(&b.role)).map(|b| b.bytes).sum();
            bytes as f64 / f64::from(1 << 20)
        };
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        writeln!(
            f,
            "batch {}: {} dispatches, {:.2} GFLOP, {} buffers",
            self.batch,
            dispatches.len(),
            self.flops() as f64 / 1e9,
            self.buffers.len()
        )?;
        write!(
            f,
            "peak device memory {:.2} MiB: parameters and their state {:.2}, input and output {:.2}, \
             activations {:.2} (unshared {:.2}, at least {:.2})",
            mib(self.peak_bytes()),
            of(|role| matches!(role, Role::Resident(_))),
            of(|role| matches!(role, Role::Io | Role::Constant(_))),
            of(|role| matches!(role, Role::Arena)),
            mib(self.arena_unshared),
            mib(self.arena_lower_bound),
        )
    }
}

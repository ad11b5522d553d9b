//! A plan: all that one pass does and where everything lies, before anything is allocated.

use crate::gpu::Capabilities;
use crate::network::Network;
use crate::ops::program::{Access, Program, TensorId};
use crate::ops::{Choices, Loss, Optimizer, TargetSpec, UpdateOptions};
use crate::shape::Shape;
use crate::{Error, Result};

use super::blocks::{Block, blocks};
use super::layout::Layout;
use super::placement::{Place, check_binding};
use super::planner::{Drawn, Resident, draw};
use super::prologue::Prologue;

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
    /// Whether the gradients to the trainable parameters are computed and kept to be read. Where there is an optimizer
    /// they are computed in any case, and given up after their update unless this is set.
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
        Self { training: true, optimizer: Some(optimizer), ..Self::evaluation(batch, loss) }
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
    pub(super) fn tensors(&self) -> impl Iterator<Item = TensorId> + '_ {
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
    /// What the [prologue](Plan::prologue) leaves for every pass.
    Prepared,
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
    pub(super) prologue: usize,
    pub(super) io: Io,
    pub(super) places: Vec<Option<Place>>,
    pub(super) buffers: Vec<BufferPlan>,
    pub(super) blocks: Vec<Block>,
    /// The shapes of the inputs' samples, and of the output's.
    pub(super) input_shapes: Vec<Shape>,
    pub(super) output_shape: Shape,
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
        check_batch(network, options.batch, capabilities)?;
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
        let Drawn { mut program, io, resident } = draw(network, options, &blocks, capabilities)?;
        let learns = options.parameter_gradients || options.optimizer.is_some();
        let prologue = match learns {
            // The parameters are about to change after every pass.
            true => Prologue::none(&program),
            false => Prologue::split_off(&mut program, &io, &resident),
        };
        check_dispatches(&program, capabilities)?;

        let layout = Layout::new(&program, &prologue, &io, &blocks, &resident, capabilities)?;
        Ok(Self {
            batch: options.batch,
            program,
            prologue: prologue.dispatches,
            io,
            places: layout.places,
            buffers: layout.buffers,
            blocks,
            input_shapes: network.inputs().iter().map(|input| network.shape(*input)).collect(),
            output_shape: network.output_shape(),
            arena_lower_bound: layout.lower_bound,
            arena_unshared: layout.unshared,
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

    /// How many of the first dispatches run only when the parameters have changed: they depend on nothing else. There
    /// are none where the plan computes gradients to parameters, which are about to change.
    pub fn prologue(&self) -> usize {
        self.prologue
    }

    /// The tensors that the host writes and reads.
    pub fn io(&self) -> &Io {
        &self.io
    }

    /// The buffers.
    pub fn buffers(&self) -> &[BufferPlan] {
        &self.buffers
    }

    /// Whether the pass writes parameters, or buffers among them.
    pub(super) fn changes_parameters(&self) -> bool {
        let parameters = |place: &Place| {
            matches!(self.buffers[place.buffer].role, Role::Resident(Resident::Parameters(_)))
        };
        let bindings = self.program.dispatches.iter().flat_map(|dispatch| &dispatch.bindings);
        let mut written = bindings.filter(|binding| binding.access.writes());
        written.any(|binding| self.places[binding.tensor.0].as_ref().is_some_and(parameters))
    }

    /// What running it takes on the device, in bytes: all buffers together, those of the parameters and of the
    /// optimizer's state too.
    pub fn peak_bytes(&self) -> u64 {
        self.bytes_of(|_| true)
    }

    /// The sizes of all tensors together, in bytes: what running it would take if no two shared memory. Counted are
    /// activations, gradients, what layers keep and compute on the way, and what outlives the pass: parameters, the
    /// optimizer's state, inputs, targets and results.
    pub fn unshared_bytes(&self) -> u64 {
        self.bytes_of(|role| *role != Role::Arena) + self.arena_unshared
    }

    /// The bytes of the tensors that live at once, at the moment of the pass when they are most. Wherever tensors are
    /// placed, the dispatches in this order need no less.
    pub fn lower_bound_bytes(&self) -> u64 {
        self.bytes_of(|role| *role != Role::Arena) + self.arena_lower_bound
    }

    pub(super) fn bytes_of(&self, role: impl Fn(&Role) -> bool) -> u64 {
        self.buffers.iter().filter(|buffer| role(&buffer.role)).map(|buffer| buffer.bytes).sum()
    }

    /// The floating-point operations of the pass, without its [prologue](Self::prologue).
    pub fn flops(&self) -> u64 {
        self.program.dispatches[self.prologue..].iter().map(|dispatch| dispatch.flops).sum()
    }
}

/// Refuses so many samples that one of the network's values is larger than any buffer, before anything is computed with
/// their number.
fn check_batch(network: &Network, batch: usize, capabilities: &Capabilities) -> Result<()> {
    // Two bytes an element are the least that any storage takes.
    let bytes = |shape: Shape| (shape.len() as u64).saturating_mul(2).saturating_mul(batch as u64);
    let inputs = network.inputs().iter().map(|input| ("the input".to_owned(), *input));
    let outputs =
        network.nodes().iter().map(|node| (format!("the output of layer {:?}", node.name), node.output));
    for (what, value) in inputs.chain(outputs) {
        let needed = bytes(network.shape(value));
        if needed > capabilities.max_buffer {
            return Err(Error::Limit {
                what: format!("{what} for {batch} samples (bytes)"),
                needed,
                limit_name: "maxBufferSize",
                limit: capabilities.max_buffer,
            });
        }
    }
    Ok(())
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

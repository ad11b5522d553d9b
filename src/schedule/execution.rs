//! A plan with its memory: what is run, step after step.

use std::sync::Arc;
use std::time::Duration;

use wgpu::CommandEncoder;

use crate::gpu::{Buffer, Context, Pending, Readback, Stopwatch};
use crate::ops::program::TensorId;
use crate::ops::{LossOutput, StepState, Target, UpdateControl};
use crate::shape::Shape;
use crate::{Error, Result};

use super::parameters::{DeviceParameters, read};
use super::plan::{Plan, Role};
use super::planner::Resident;
use super::recording::Recording;
use super::version::{Prepared, Version};

/// A plan whose buffers are allocated and whose pipelines and bind groups are made.
///
/// A pass is: write the inputs, [`encode`](Self::encode) into any encoder, submit, read. A pass of training, or with a loss, is
/// told of its step and its samples before: [`write_step`](Self::write_step).
#[derive(Debug)]
pub struct Execution {
    pub(super) context: Context,
    pub(super) plan: Plan,
    pub(super) buffers: Vec<Arc<Buffer>>,
    recording: Recording,
    /// What to tell of a pass that changes the parameters.
    changes: Option<Version>,
    prepared: Prepared,
}

impl Execution {
    /// Allocates what `plan` needs. The parameters are shared with all that uses `parameters`, and so are
    /// the arenas and the host's tensors of `beside` where they are large enough: the two must not be
    /// between the writing of their inputs and the reading of their results at the same time.
    ///
    /// # Errors
    /// [`Error::Network`] where the plan is of a network with other parameters, or others are frozen;
    /// [`Error::OutOfMemory`], or [`Error::Gpu`] where the driver refuses a kernel.
    pub fn new(
        context: &Context,
        plan: Plan,
        parameters: &DeviceParameters,
        beside: Option<&Execution>,
    ) -> Result<Self> {
        parameters.check(&plan.blocks)?;
        let mut free = beside.map(Execution::shareable).unwrap_or_default();
        let mut buffers = vec![];
        for desc in &plan.buffers {
            let new = |scratch: bool| {
                let make = if scratch { Buffer::scratch } else { Buffer::zeros };
                make(context, &desc.label, desc.bytes).map(Arc::new)
            };
            buffers.push(match desc.role {
                Role::Resident(Resident::Parameters(block)) => Arc::clone(parameters.buffer(block)),
                Role::Resident(Resident::Gradients(_) | Resident::State(..)) => new(false)?,
                Role::Prepared => new(true)?,
                Role::Arena | Role::Io => match best_fit(&mut free, desc.bytes) {
                    Some(buffer) => buffer,
                    None => new(true)?,
                },
                Role::Constant(tensor) | Role::Resident(Resident::UpdateControl(tensor)) => {
                    let buffer = new(false)?;
                    let contents = plan.program.tensors[tensor.0].contents.as_deref().unwrap_or_default();
                    context.write(&buffer, 0, bytemuck::cast_slice(contents))?;
                    buffer
                }
            });
        }
        let recording = Recording::new(context, &plan.program, &plan.places, &buffers)?;
        context.save_caches();
        let changes = plan.changes_parameters().then(|| parameters.version().clone());
        let prepared = Prepared::new(parameters.version());
        Ok(Self { context: context.clone(), plan, buffers, recording, changes, prepared })
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The buffers that another execution may use in turn.
    fn shareable(&self) -> Vec<Arc<Buffer>> {
        let roles = self.plan.buffers.iter().zip(&self.buffers);
        roles
            .filter(|(desc, _)| matches!(desc.role, Role::Arena | Role::Io))
            .map(|(_, b)| Arc::clone(b))
            .collect()
    }

    /// Writes the `index`th input: NCHW, for up to the plan's batch. What is left of the batch becomes zero.
    ///
    /// # Errors
    /// [`Error::Input`] where the elements are not whole samples, or more of them than the plan has room for;
    /// [`Error::Network`] where there is no such input.
    pub fn write_input(&self, index: usize, elements: &[f32]) -> Result<()> {
        let tensor = self.plan.io.inputs.get(index).copied();
        let shape = self.plan.input_shapes.get(index).copied();
        self.write_samples(tensor, &format!("input {index}"), shape, elements)
    }

    /// Writes the target of the loss: labels, or values in NCHW order. What is left of the batch becomes 0, which
    /// no loss counts.
    ///
    /// # Errors
    /// [`Error::Target`] where the loss takes the other kind, [`Error::Input`] where there are more than the plan
    /// has room for.
    pub fn write_target(&self, target: Target<'_, f32>) -> Result<()> {
        let host = self.plan.io.target.as_ref();
        if let Some(host) = host {
            host.spec.check_kind(host.loss, target)?;
        }
        let bytes = match target {
            Target::Classes(labels) => bytemuck::cast_slice(labels),
            Target::Values(values) => bytemuck::cast_slice(values),
        };
        self.write_padded(host.map(|host| host.tensor), "target", bytes)
    }

    /// Writes the gradient to the output, NCHW.
    ///
    /// # Errors
    /// [`Error::Input`] where the elements are not whole samples, or more of them than the plan has room for;
    /// [`Error::Network`] where the plan takes none.
    pub fn write_grad_output(&self, elements: &[f32]) -> Result<()> {
        let shape = Some(self.plan.output_shape);
        self.write_samples(self.plan.io.grad_output, "grad_output", shape, elements)
    }

    /// Writes the state of the step.
    ///
    /// # Errors
    /// None that is expected: every plan has room for it.
    pub fn write_step(&self, step: StepState) -> Result<()> {
        self.write_padded(Some(self.plan.io.step), "step state", bytemuck::bytes_of(&step))
    }

    /// Writes whole samples of a shape.
    fn write_samples(
        &self,
        tensor: Option<TensorId>,
        what: &str,
        shape: Option<Shape>,
        elements: &[f32],
    ) -> Result<()> {
        if let Some(Shape { channels, height, width }) = shape {
            let sample = channels * height * width;
            if !elements.len().is_multiple_of(sample) || elements.len() / sample > self.plan.batch {
                let most = self.plan.batch;
                let expected = format!(
                    "[n, {channels}, {height}, {width}] with n to {most}, n times {sample} elements in a row"
                );
                return Err(Error::Input { what: what.into(), expected, got: vec![elements.len()] });
            }
        }
        self.write_padded(tensor, what, bytemuck::cast_slice(elements))
    }

    fn write_padded(&self, tensor: Option<TensorId>, what: &str, bytes: &[u8]) -> Result<()> {
        let (buffer, offset, room) = self.locate(tensor, what)?;
        if bytes.len() as u64 > room {
            let expected = format!("at most {} elements", room / 4);
            return Err(Error::Input { what: what.into(), expected, got: vec![bytes.len() / 4] });
        }
        self.context.write(buffer, offset, bytes)?;
        let rest = room as usize - bytes.len();
        if rest > 0 {
            self.context.write(buffer, offset + bytes.len() as u64, &vec![0; rest])?;
        }
        Ok(())
    }

    /// Where a tensor of the plan lies: buffer, offset and size in bytes.
    fn locate(&self, tensor: Option<TensorId>, what: &str) -> Result<(&Buffer, u64, u64)> {
        let found = tensor.and_then(|tensor| {
            let place = self.plan.places[tensor.0]?;
            Some((&*self.buffers[place.buffer], place.offset, self.plan.program.tensors[tensor.0].bytes))
        });
        found.ok_or_else(|| Error::Network(format!("this plan has no {what}")))
    }

    /// Whether the [prologue](Plan::prologue) has run for the parameters as they are, so that the next pass goes without.
    pub fn is_prepared(&self) -> bool {
        self.plan.prologue() == 0 || self.prepared.is_current()
    }

    /// Encodes the whole pass; its [prologue](Plan::prologue) too, if the parameters have changed since that last ran.
    /// Passes that share parameters must be submitted in the order in which they were encoded.
    pub fn encode(&self, encoder: &mut CommandEncoder) {
        let first = if self.is_prepared() {
            self.plan.prologue()
        } else {
            self.prepared.encoded(self.context.device(), encoder);
            0
        };
        self.recording.encode(encoder, first..usize::MAX);
        self.changes.iter().for_each(Version::change);
    }

    /// Encodes and submits the whole pass.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] and what else the device reports.
    pub fn run(&self) -> Result<()> {
        let mut encoder = self.context.device().create_command_encoder(&Default::default());
        self.encode(&mut encoder);
        self.context.submit([encoder.finish()]).map(|_| ())
    }

    /// Runs some of the plan's dispatches so many times over, waits for them, and returns how long all that took.
    /// Indices past the last dispatch are left out.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] and what else the device reports.
    pub fn time(&self, stopwatch: &Stopwatch, dispatches: &[usize], times: usize) -> Result<Duration> {
        self.changes.iter().for_each(Version::change);
        stopwatch.time(|pass| {
            for dispatch in (0..times).flat_map(|_| dispatches) {
                self.recording.dispatch(pass, *dispatch);
            }
        })
    }

    /// Encodes and submits the whole pass, and asks for what the loss measured.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] and what else the device reports.
    pub fn run_for_loss(&self) -> Result<Pending<LossOutput>> {
        self.run_for(self.plan.io.result, "loss", bytemuck::pod_read_unaligned)
    }

    /// Encodes and submits the whole pass, and asks for its output: NCHW, the whole batch.
    ///
    /// # Errors
    /// [`Error::Network`] where the plan does not read its output, [`Error::DeviceLost`] and what else the device
    /// reports.
    pub fn run_for_output(&self) -> Result<Pending<Vec<f32>>> {
        self.run_for(self.plan.io.output, "output", bytemuck::pod_collect_to_vec)
    }

    /// Encodes and submits the whole pass in one command buffer with the copy of a tensor to the host.
    fn run_for<T: 'static>(
        &self,
        tensor: Option<TensorId>,
        what: &str,
        decode: fn(&[u8]) -> T,
    ) -> Result<Pending<T>> {
        let (buffer, offset, bytes) = self.locate(tensor, what)?;
        let mut encoder = self.context.device().create_command_encoder(&Default::default());
        self.encode(&mut encoder);
        let readback = Readback::record(&self.context, &mut encoder, buffer, offset, bytes)?;
        let submission = self.context.submit([encoder.finish()])?;
        Ok(readback.pending(&self.context, submission, decode))
    }

    /// Asks for the output of the pass submitted last: NCHW, the whole batch.
    ///
    /// # Errors
    /// [`Error::Network`] where the plan does not read its output.
    pub fn read_output(&self) -> Result<Pending<Vec<f32>>> {
        self.read(self.plan.io.output, "output")
    }

    /// Asks for the gradient to the `index`th input: NCHW, the whole batch.
    ///
    /// # Errors
    /// [`Error::Network`] where the plan does not compute it.
    pub fn read_grad_input(&self, index: usize) -> Result<Pending<Vec<f32>>> {
        self.read(self.plan.io.grad_inputs.get(index).copied().flatten(), "gradient to that input")
    }

    /// Asks for what the updates of the pass submitted last are told.
    ///
    /// # Errors
    /// [`Error::Network`] where the plan has no optimizer.
    pub fn read_update_control(&self) -> Result<Pending<UpdateControl>> {
        let (buffer, offset, bytes) = self.locate(self.plan.io.update_control, "update")?;
        read(&self.context, buffer, offset, bytes, bytemuck::pod_read_unaligned)
    }

    fn read(&self, tensor: Option<TensorId>, what: &str) -> Result<Pending<Vec<f32>>> {
        let (buffer, offset, bytes) = self.locate(tensor, what)?;
        read(&self.context, buffer, offset, bytes, bytemuck::pod_collect_to_vec)
    }
}

/// Takes the smallest of the `free` buffers that has room for `bytes`.
fn best_fit(free: &mut Vec<Arc<Buffer>>, bytes: u64) -> Option<Arc<Buffer>> {
    let fitting = free.iter().enumerate().filter(|(_, buffer)| buffer.bytes() >= bytes);
    let (best, _) = fitting.min_by_key(|(_, buffer)| buffer.bytes())?;
    Some(free.swap_remove(best))
}

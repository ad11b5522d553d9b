//! A program made ready to run: pipelines and bind groups made once, so that a step only encodes.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use wgpu::{
    BindGroup, BindGroupDescriptor, BindGroupEntry, BindingResource, BufferBinding, CommandEncoder,
    ComputePass, ComputePassDescriptor,
};

use super::placement::Place;
use crate::Result;
use crate::gpu::{BindingKind, Buffer, Context, Pipeline, PipelineRequest};
use crate::ops::program::{Access, Dispatch, Program};

/// The pipelines and bind groups of a program, in order.
#[derive(Debug)]
pub struct Recording {
    steps: Vec<Step>,
    /// The words of all uniforms; the bind groups hold on to its memory, this to its account.
    _uniforms: Buffer,
}

#[derive(Debug)]
struct Step {
    pipeline: Arc<Pipeline>,
    bind_group: BindGroup,
    workgroups: [u32; 3],
}

impl Recording {
    /// Makes the pipelines and bind groups of `program`, whose tensors lie at `places` in `buffers`.
    pub(super) fn new(
        context: &Context,
        program: &Program,
        places: &[Option<Place>],
        buffers: &[Arc<Buffer>],
    ) -> Result<Self> {
        let alignment = context.device().limits().min_uniform_buffer_offset_alignment;
        let (words, offsets) = pack_uniforms(&program.dispatches, alignment);
        let uniforms = Buffer::uniform(context, "uniforms", &words)?;
        let requests: Vec<_> = program.dispatches.iter().map(request).collect();
        let pipelines = context.pipelines(&requests)?;
        let steps = program
            .dispatches
            .iter()
            .zip(offsets)
            .zip(pipelines)
            .map(|((dispatch, offset), pipeline)| {
                let tensors = dispatch.bindings.iter().filter_map(|binding| {
                    let place = places[binding.tensor.0]?;
                    let bytes = program.tensors[binding.tensor.0].bytes;
                    Some(range(&buffers[place.buffer], place.offset, bytes))
                });
                let uniform =
                    (!dispatch.uniform.is_empty()).then(|| range(&uniforms, offset, uniform_bytes(dispatch)));
                let entries: Vec<BindGroupEntry> = (0..)
                    .zip(tensors.chain(uniform))
                    .map(|(binding, resource)| BindGroupEntry { binding, resource })
                    .collect();
                Step::new(context, dispatch, pipeline, &entries)
            })
            .collect::<Result<_>>()?;
        Ok(Self { steps, _uniforms: uniforms })
    }

    /// The pipelines of its dispatches.
    pub fn pipelines(&self) -> impl Iterator<Item = &Arc<Pipeline>> {
        self.steps.iter().map(|step| &step.pipeline)
    }

    /// The number of dispatches.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Encodes those of the dispatches that are in the range, as one compute pass.
    pub fn encode(&self, encoder: &mut CommandEncoder, dispatches: Range<usize>) {
        let mut pass = encoder.begin_compute_pass(&ComputePassDescriptor::default());
        for step in self.steps.iter().take(dispatches.end).skip(dispatches.start) {
            step.encode(&mut pass);
        }
    }

    /// Puts a dispatch, if there is one of this index, into a compute pass.
    pub fn dispatch(&self, pass: &mut ComputePass<'_>, index: usize) {
        if let Some(step) = self.steps.get(index) {
            step.encode(pass);
        }
    }
}

impl Step {
    fn new(
        context: &Context,
        dispatch: &Dispatch,
        pipeline: Arc<Pipeline>,
        entries: &[BindGroupEntry],
    ) -> Result<Self> {
        let kernel = dispatch.variant();
        let descriptor = BindGroupDescriptor { label: Some(&kernel), layout: &pipeline.layout, entries };
        let bind_group = context.guard(&kernel, 0, || context.device().create_bind_group(&descriptor))?;
        Ok(Self { pipeline, bind_group, workgroups: dispatch.workgroups })
    }

    fn encode(&self, pass: &mut ComputePass<'_>) {
        let [x, y, z] = self.workgroups;
        pass.set_pipeline(&self.pipeline.pipeline);
        pass.set_bind_group(0, &self.bind_group, &[]);
        pass.dispatch_workgroups(x, y, z);
    }
}

/// The pipeline that a dispatch runs.
fn request(dispatch: &Dispatch) -> PipelineRequest<'_, impl Fn() -> Cow<'static, str> + Sync> {
    let tensors = dispatch.bindings.iter().map(|binding| match binding.access {
        Access::Read => BindingKind::ReadOnly,
        Access::Write | Access::ReadWrite => BindingKind::ReadWrite,
        Access::Uniform => BindingKind::Uniform,
    });
    let uniform = (!dispatch.uniform.is_empty()).then_some(BindingKind::Uniform);
    PipelineRequest {
        kernel: dispatch.variant(),
        source: || dispatch.source(),
        constants: &dispatch.constants,
        bindings: tensors.chain(uniform).collect(),
    }
}

fn range(buffer: &Buffer, offset: u64, bytes: u64) -> BindingResource<'_> {
    BindingResource::Buffer(BufferBinding {
        buffer: buffer.raw(),
        offset,
        size: std::num::NonZeroU64::new(bytes),
    })
}

/// The size of a dispatch's uniform struct, whole vec4.
fn uniform_bytes(dispatch: &Dispatch) -> u64 {
    (dispatch.uniform.len() as u64 * 4).next_multiple_of(16)
}

/// The uniforms of all dispatches behind one another, each at an aligned offset in bytes.
fn pack_uniforms(dispatches: &[Dispatch], alignment: u32) -> (Vec<u32>, Vec<u64>) {
    let mut words = vec![];
    let mut offsets = vec![];
    for dispatch in dispatches {
        offsets.push(words.len() as u64 * 4);
        words.extend(&dispatch.uniform);
        words.resize((words.len() * 4).next_multiple_of(alignment as usize) / 4, 0);
    }
    words.resize(words.len().max(4), 0);
    (words, offsets)
}

//! A micro-kernel on the device.

use wgcnn::gpu::Context;
use wgpu::{
    BindGroup, BindGroupDescriptor, BindGroupEntry, Buffer, BufferDescriptor, BufferUsages, ComputePass,
    ComputePipeline, ComputePipelineDescriptor, ShaderModuleDescriptor, ShaderSource,
};

/// A micro-kernel, with what it works on.
pub struct Kernel {
    pipeline: ComputePipeline,
    bind_group: BindGroup,
}

impl Kernel {
    /// The kernel of a WGSL file, bound to these buffers in their order.
    pub fn new(context: &Context, source: &str, buffers: &[&Buffer]) -> Self {
        let device = context.device();
        let module = device.create_shader_module(ShaderModuleDescriptor {
            label: None,
            source: ShaderSource::Wgsl(source.into()),
        });
        let pipeline = device.create_compute_pipeline(&ComputePipelineDescriptor {
            label: None,
            layout: None,
            module: &module,
            entry_point: Some("main"),
            compilation_options: Default::default(),
            cache: None,
        });
        let entries: Vec<BindGroupEntry> = (0..)
            .zip(buffers)
            .map(|(binding, buffer)| BindGroupEntry { binding, resource: buffer.as_entire_binding() })
            .collect();
        let layout = &pipeline.get_bind_group_layout(0);
        let bind_group =
            device.create_bind_group(&BindGroupDescriptor { label: None, layout, entries: &entries });
        Self { pipeline, bind_group }
    }

    /// Runs so many workgroups of it, so many times over.
    pub fn dispatch(&self, pass: &mut ComputePass<'_>, workgroups: u32, times: usize) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.bind_group, &[]);
        for _ in 0..times {
            pass.dispatch_workgroups(workgroups, 1, 1);
        }
    }
}

/// A storage buffer of zeros.
pub fn storage(context: &Context, bytes: u64) -> Buffer {
    buffer(context, bytes, BufferUsages::STORAGE | BufferUsages::COPY_DST | BufferUsages::COPY_SRC)
}

/// A uniform of one word, to be written.
pub fn word(context: &Context) -> Buffer {
    buffer(context, 16, BufferUsages::UNIFORM | BufferUsages::COPY_DST)
}

/// A buffer that the host maps to read it.
pub fn staging(context: &Context, bytes: u64) -> Buffer {
    buffer(context, bytes, BufferUsages::MAP_READ | BufferUsages::COPY_DST)
}

fn buffer(context: &Context, size: u64, usage: BufferUsages) -> Buffer {
    context.device().create_buffer(&BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
}

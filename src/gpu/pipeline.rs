//! Pipelines, made once for each kernel, set of constants and kinds of bindings.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use wgpu::{
    BindGroupLayout, BindGroupLayoutDescriptor, BindGroupLayoutEntry, BindingType, BufferBindingType,
    ComputePipeline, ComputePipelineDescriptor, PipelineCompilationOptions, PipelineLayoutDescriptor,
    ShaderModuleDescriptor, ShaderSource, ShaderStages,
};

use super::Context;
use crate::Result;

/// How a kernel uses the buffer of one binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum BindingKind {
    /// `var<storage, read>`.
    ReadOnly,
    /// `var<storage, read_write>`.
    ReadWrite,
    /// `var<uniform>`.
    Uniform,
}

/// What a pipeline is specialised for. Constants are kept as bits, so that they can be compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PipelineKey {
    kernel: String,
    constants: Vec<(&'static str, u64)>,
    bindings: Vec<BindingKind>,
}

/// A compute pipeline with the layout of its one bind group.
#[derive(Debug)]
pub(crate) struct Pipeline {
    pub(crate) pipeline: ComputePipeline,
    pub(crate) layout: BindGroupLayout,
}

impl Context {
    /// The pipeline of a kernel with these constants and bindings, from the cache or made now. No two sources have
    /// the same name.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) where the driver refuses the shader.
    pub(crate) fn pipeline(
        &self,
        kernel: &str,
        source: impl FnOnce() -> Cow<'static, str>,
        constants: &[(&'static str, f64)],
        bindings: &[BindingKind],
    ) -> Result<Arc<Pipeline>> {
        let key = PipelineKey {
            kernel: kernel.into(),
            constants: constants.iter().map(|(name, value)| (*name, value.to_bits())).collect(),
            bindings: bindings.into(),
        };
        if let Some(pipeline) = self.pipelines().get(&key) {
            return Ok(Arc::clone(pipeline));
        }
        let started = Instant::now();
        let pipeline =
            Arc::new(self.guard(kernel, 0, || self.compile(kernel, source(), constants, bindings))?);
        log::debug!("{kernel}: made in {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
        self.pipelines().insert(key, Arc::clone(&pipeline));
        Ok(pipeline)
    }

    fn compile(
        &self,
        kernel: &str,
        source: Cow<'static, str>,
        constants: &[(&str, f64)],
        bindings: &[BindingKind],
    ) -> Pipeline {
        let device = self.device();
        let module = device.create_shader_module(ShaderModuleDescriptor {
            label: Some(kernel),
            source: ShaderSource::Wgsl(source),
        });
        let entries: Vec<_> = (0..).zip(bindings).map(|(binding, kind)| entry(binding, *kind)).collect();
        let layout = device
            .create_bind_group_layout(&BindGroupLayoutDescriptor { label: Some(kernel), entries: &entries });
        let pipeline_layout = device.create_pipeline_layout(&PipelineLayoutDescriptor {
            label: Some(kernel),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let pipeline = device.create_compute_pipeline(&ComputePipelineDescriptor {
            label: Some(kernel),
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some("main"),
            // Every kernel fills the workgroup memory that it reads.
            compilation_options: PipelineCompilationOptions {
                constants,
                zero_initialize_workgroup_memory: false,
            },
            cache: None,
        });
        Pipeline { pipeline, layout }
    }
}

fn entry(binding: u32, kind: BindingKind) -> BindGroupLayoutEntry {
    let ty = match kind {
        BindingKind::ReadOnly => BufferBindingType::Storage { read_only: true },
        BindingKind::ReadWrite => BufferBindingType::Storage { read_only: false },
        BindingKind::Uniform => BufferBindingType::Uniform,
    };
    BindGroupLayoutEntry {
        binding,
        visibility: ShaderStages::COMPUTE,
        ty: BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
        count: None,
    }
}

//! Pipelines, made once for each kernel, set of constants and kinds of bindings.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use wgpu::{
    BindGroupLayout, BindGroupLayoutDescriptor, BindGroupLayoutEntry, BindingType, BufferBindingType,
    ComputePipeline, ComputePipelineDescriptor, PipelineCompilationOptions, PipelineLayoutDescriptor,
    ShaderModule, ShaderModuleDescriptor, ShaderSource, ShaderStages,
};

use super::cache::PipelineCache;
use super::{Context, parallel};
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

/// What a pipeline is to be made of.
pub(crate) struct PipelineRequest<'a, S> {
    /// The kernel's name; no two sources have the same.
    pub kernel: String,
    /// Its WGSL source.
    pub source: S,
    pub constants: &'a [(&'static str, f64)],
    pub bindings: Vec<BindingKind>,
}

impl<S> PipelineRequest<'_, S> {
    fn key(&self) -> PipelineKey {
        PipelineKey {
            kernel: self.kernel.clone(),
            constants: self.constants.iter().map(|(name, value)| (*name, value.to_bits())).collect(),
            bindings: self.bindings.clone(),
        }
    }
}

impl Context {
    /// The pipelines asked for, those made before or made now. Drivers compile on the thread that asks, so several
    /// threads do; what several pipelines have the same source for is parsed once.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) where the driver refuses a shader.
    pub(crate) fn pipelines<S: Fn() -> Cow<'static, str> + Sync>(
        &self,
        requests: &[PipelineRequest<'_, S>],
    ) -> Result<Vec<Arc<Pipeline>>> {
        let keys: Vec<PipelineKey> = requests.iter().map(PipelineRequest::key).collect();
        let mut missing: HashMap<&PipelineKey, &PipelineRequest<'_, S>> = keys.iter().zip(requests).collect();
        let mut pipelines = self.known_pipelines().clone();
        missing.retain(|key, _| !pipelines.contains_key(*key));
        let modules: HashMap<&str, OnceLock<ShaderModule>> =
            missing.keys().map(|key| (key.kernel.as_str(), OnceLock::new())).collect();
        let missing: Vec<_> = missing.into_iter().collect();
        let made = parallel::map(&missing, |(_, request)| {
            let started = Instant::now();
            let name = &*request.kernel;
            let module = &modules[name];
            let pipeline = self.guard(name, 0, || {
                let module = module.get_or_init(|| self.module(name, (request.source)()));
                self.compile(name, module, request.constants, &request.bindings)
            });
            log::debug!("{name}: made in {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
            pipeline.map(Arc::new)
        });
        for ((key, _), pipeline) in missing.into_iter().zip(made) {
            // Somebody else may have made it meanwhile; all are to have the same.
            let pipeline = Arc::clone(self.known_pipelines().entry(key.clone()).or_insert(pipeline?));
            pipelines.insert(key.clone(), pipeline);
        }
        Ok(keys.iter().filter_map(|key| pipelines.get(key).cloned()).collect())
    }

    /// Lets go of those of the pipelines that nobody uses but the caller.
    pub(crate) fn forget(&self, pipelines: &[&Arc<Pipeline>]) {
        let unused = |known: &Arc<Pipeline>| {
            let held = pipelines.iter().filter(|pipeline| Arc::ptr_eq(pipeline, known)).count();
            held > 0 && Arc::strong_count(known) == held + 1
        };
        self.known_pipelines().retain(|_, known| !unused(known));
    }

    fn module(&self, kernel: &str, source: Cow<'static, str>) -> ShaderModule {
        let source = ShaderSource::Wgsl(source);
        self.device().create_shader_module(ShaderModuleDescriptor { label: Some(kernel), source })
    }

    fn compile(
        &self,
        kernel: &str,
        module: &ShaderModule,
        constants: &[(&str, f64)],
        bindings: &[BindingKind],
    ) -> Pipeline {
        let device = self.device();
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
            module,
            entry_point: Some("main"),
            // Every kernel fills the workgroup memory that it reads.
            compilation_options: PipelineCompilationOptions {
                constants,
                zero_initialize_workgroup_memory: false,
            },
            cache: self.pipeline_cache().map(PipelineCache::raw),
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

//! Pipelines, made once for each kernel, set of constants and kinds of bindings.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use wgpu::{
    BindGroupLayout, BindGroupLayoutDescriptor, BindGroupLayoutEntry, BindingType, BufferBindingType,
    ComputePipeline, ComputePipelineDescriptor, Device, PipelineCompilationOptions, PipelineLayoutDescriptor,
    ShaderModule, ShaderModuleDescriptor, ShaderSource, ShaderStages,
};

use super::cache::PipelineCache;
use super::{Context, first_run, parallel};
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
    /// How many buffers it binds.
    pub(super) bindings: u32,
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
        if !missing.is_empty() {
            let mut blueprints: Vec<Blueprint<'_>> = missing.into_values().map(Blueprint::new).collect();
            // What takes longest comes first, so that no thread is left with it at the end.
            blueprints.sort_by_key(|blueprint| std::cmp::Reverse(blueprint.source.len()));
            for (blueprint, pipeline) in blueprints.iter().zip(self.make(&blueprints)?) {
                // Somebody else may have made it meanwhile; all are to have the same.
                let mut known = self.known_pipelines();
                let pipeline = Arc::clone(known.entry(blueprint.key.clone()).or_insert(pipeline));
                pipelines.insert(blueprint.key.clone(), pipeline);
            }
        }
        Ok(keys.iter().filter_map(|key| pipelines.get(key).cloned()).collect())
    }

    /// Makes pipelines, and has them compiled where the driver would wait for their first run.
    fn make(&self, blueprints: &[Blueprint<'_>]) -> Result<Vec<Arc<Pipeline>>> {
        let modules: HashMap<&str, OnceLock<ShaderModule>> =
            blueprints.iter().map(|blueprint| (blueprint.kernel(), OnceLock::new())).collect();
        let cache = self.pipeline_cache().map(PipelineCache::raw);
        let made = parallel::map(blueprints, |blueprint| {
            let (kernel, started) = (blueprint.kernel(), Instant::now());
            let pipeline = self.guard(kernel, 0, || {
                let module = modules[kernel].get_or_init(|| blueprint.module(self.device()));
                blueprint.build(self.device(), module, cache)
            });
            log::debug!("{kernel}: made in {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
            pipeline.map(Arc::new)
        });
        let made: Vec<Arc<Pipeline>> = made.into_iter().collect::<Result<_>>()?;
        if let Some(adapter) = self.compiles_at_first_run() {
            first_run::compile(adapter, self.device(), self.queue(), &made, |device, index| {
                blueprints[index].build(device, &blueprints[index].module(device), None)
            });
        }
        Ok(made)
    }

    /// Lets go of those of the pipelines that nobody uses but the caller.
    pub(crate) fn forget(&self, pipelines: &[&Arc<Pipeline>]) {
        let unused = |known: &Arc<Pipeline>| {
            let held = pipelines.iter().filter(|pipeline| Arc::ptr_eq(pipeline, known)).count();
            held > 0 && Arc::strong_count(known) == held + 1
        };
        self.known_pipelines().retain(|_, known| !unused(known));
    }
}

/// What a pipeline that does not exist yet is made of, with its source.
struct Blueprint<'a> {
    key: PipelineKey,
    source: Cow<'static, str>,
    constants: &'a [(&'static str, f64)],
}

impl<'a> Blueprint<'a> {
    fn new<S: Fn() -> Cow<'static, str>>(request: &PipelineRequest<'a, S>) -> Self {
        Self { key: request.key(), source: (request.source)(), constants: request.constants }
    }

    fn kernel(&self) -> &str {
        &self.key.kernel
    }

    fn module(&self, device: &Device) -> ShaderModule {
        let source = ShaderSource::Wgsl(self.source.clone());
        device.create_shader_module(ShaderModuleDescriptor { label: Some(self.kernel()), source })
    }

    fn build(&self, device: &Device, module: &ShaderModule, cache: Option<&wgpu::PipelineCache>) -> Pipeline {
        let label = Some(self.kernel());
        let bindings = (0..).zip(&self.key.bindings);
        let entries: Vec<_> = bindings.map(|(binding, kind)| entry(binding, *kind)).collect();
        let layout = device.create_bind_group_layout(&BindGroupLayoutDescriptor { label, entries: &entries });
        let pipeline_layout = device.create_pipeline_layout(&PipelineLayoutDescriptor {
            label,
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let pipeline = device.create_compute_pipeline(&ComputePipelineDescriptor {
            label,
            layout: Some(&pipeline_layout),
            module,
            entry_point: Some("main"),
            // Every kernel fills the workgroup memory that it reads.
            compilation_options: PipelineCompilationOptions {
                constants: self.constants,
                zero_initialize_workgroup_memory: false,
            },
            cache,
        });
        Pipeline { pipeline, layout, bindings: entries.len() as u32 }
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

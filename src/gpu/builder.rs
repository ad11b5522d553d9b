//! Options for opening a device.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use wgpu::{Adapter, Device, DeviceDescriptor, DeviceType, Features, Queue};

use super::cache::{self, Cache, Identity, PipelineCache};
use super::context::Inner;
use super::failure::Failure;
use super::{Capabilities, Context, adapter, experimental, first_run};
use crate::{Error, Result};

/// Options for a [`Context`].
#[derive(Debug, Clone, Default)]
pub struct ContextBuilder {
    adapter_name: Option<String>,
    without_subgroups: bool,
    without_f16: bool,
    without_int64: bool,
    cooperative_matrices: bool,
    poison: bool,
    memory_budget: Option<u64>,
    cache: CacheFolder,
}

/// Where a context keeps what outlives it.
#[derive(Debug, Clone, Default)]
enum CacheFolder {
    /// In the user's folder for such files, on a device of the context's own; nowhere on an application's.
    #[default]
    Default,
    At(PathBuf),
    Nowhere,
}

impl ContextBuilder {
    /// Takes the first adapter whose description contains `name`, whatever its case. Without it,
    /// `WGPU_ADAPTER_NAME` is asked, and then the best adapter is taken.
    pub fn adapter_name(mut self, name: impl Into<String>) -> Self {
        self.adapter_name = Some(name.into());
        self
    }

    /// Whether kernels may use subgroup operations where the adapter has them (they may, unless told
    /// otherwise). For comparing variants.
    pub fn subgroups(mut self, allowed: bool) -> Self {
        self.without_subgroups = !allowed;
        self
    }

    /// Whether kernels may use the type `f16` where the adapter has it (they may, unless told otherwise). For
    /// comparing variants.
    pub fn shader_f16(mut self, allowed: bool) -> Self {
        self.without_f16 = !allowed;
        self
    }

    /// Whether kernels may use integers of 64 bits where the adapter has them (they may, unless told otherwise). For
    /// comparing variants.
    pub fn shader_int64(mut self, allowed: bool) -> Self {
        self.without_int64 = !allowed;
        self
    }

    /// Whether kernels may use cooperative matrices: the matrix units of a GPU, for convolutions and linear layers whose
    /// activations are in half precision. They may not unless told so, for two reasons. wgpu's feature for them is
    /// experimental: with it a driver may misbehave in ways that wgpu does not prevent. And they multiply `f16` by `f16`,
    /// so that weights are rounded to half precision on their way into a product; the sums stay in `f32`.
    ///
    /// It is ignored where the adapter has none that fit, of 8 or 16 rows and columns, which multiply `f16` and add in
    /// `f32`, on Vulkan; nor are any used without `f16` or where subgroups are not of one size.
    /// [`Capabilities::cooperative_matrix`] tells what came of it.
    pub fn cooperative_matrices(mut self, allowed: bool) -> Self {
        self.cooperative_matrices = allowed;
        self
    }

    /// Fills memory with NaN before its first use, so that a result which rests on what nobody wrote is
    /// seen. For tests.
    pub fn poison(mut self, poison: bool) -> Self {
        self.poison = poison;
        self
    }

    /// How many bytes of device memory everything on this context may take together: an allocation beyond that is
    /// an [`Error::OutOfMemory`]. Without it, the driver decides.
    pub fn memory_budget(mut self, bytes: u64) -> Self {
        self.memory_budget = Some(bytes);
        self
    }

    /// Keeps compiled pipelines, and what was learned by [tuning](crate::schedule::tune), in this folder. Without it
    /// they are in a folder `wgcnn` where the system wants such files (that of `XDG_CACHE_HOME`, `~/.cache`,
    /// `~/Library/Caches`, `LOCALAPPDATA`); on a device of an application's, nowhere. Whatever is there may be deleted at
    /// any time.
    pub fn cache_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache = CacheFolder::At(folder.into());
        self
    }

    /// Keeps nothing on disk, and reads nothing from there.
    pub fn without_cache(mut self) -> Self {
        self.cache = CacheFolder::Nowhere;
        self
    }

    /// Works on an application's own device, as [`Context::from_device`] does, with these options; those about
    /// the adapter and its features do not matter, but for [`cooperative_matrices`](Self::cooperative_matrices): they are
    /// used where the device was opened with the feature and they are allowed here.
    pub fn build_on(self, adapter: &Adapter, device: Device, queue: Queue) -> Context {
        let folder = match self.cache {
            CacheFolder::Default | CacheFolder::Nowhere => CacheFolder::Nowhere,
            told @ CacheFolder::At(_) => told,
        };
        let options = Self { cache: folder, ..self };
        options.assemble(adapter, device, queue, Failure::default(), None)
    }

    /// Opens the device.
    ///
    /// # Errors
    /// [`Error::NoAdapter`], [`Error::AdapterNotFound`], or [`Error::Device`] where the driver refuses.
    pub fn build(self) -> Result<Context> {
        let name = self.adapter_name.clone().or_else(|| std::env::var("WGPU_ADAPTER_NAME").ok());
        let adapter = adapter::choose(&adapter::instance(), name.as_deref())?;
        let info = adapter.get_info();
        let mut wanted =
            Features::TIMESTAMP_QUERY | Features::TIMESTAMP_QUERY_INSIDE_ENCODERS | Features::PIPELINE_CACHE;
        wanted.set(Features::SUBGROUP, !self.without_subgroups);
        wanted.set(Features::SHADER_F16, !self.without_f16);
        wanted.set(Features::SHADER_INT64, !self.without_int64);
        let matrices = self.cooperative_matrices && experimental::cooperative_matrix(&adapter).is_some();
        wanted.set(Features::EXPERIMENTAL_COOPERATIVE_MATRIX, matrices);
        let required_features = adapter.features() & wanted;
        let descriptor = DeviceDescriptor {
            label: Some("wgcnn"),
            required_features,
            required_limits: adapter.limits(),
            experimental_features: experimental::permission(required_features),
            ..Default::default()
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))
            .map_err(|e| Error::Device { adapter: info.name.clone(), message: e.to_string() })?;
        let failure = Failure::watch(&device);
        let siblings = first_run::compiles(&info).then(|| adapter.clone());
        let context = self.assemble(&adapter, device, queue, failure, siblings);
        log::info!("{}", context.description());
        Ok(context)
    }

    /// A context on an open device.
    fn assemble(
        self,
        adapter: &Adapter,
        device: Device,
        queue: Queue,
        failure: Failure,
        siblings: Option<Adapter>,
    ) -> Context {
        let (info, features, limits) = (adapter.get_info(), device.features(), device.limits());
        let fixed_subgroup =
            features.contains(Features::SUBGROUP) && info.subgroup_min_size == info.subgroup_max_size;
        let matrices = self.cooperative_matrices
            && fixed_subgroup
            && features.contains(Features::EXPERIMENTAL_COOPERATIVE_MATRIX | Features::SHADER_F16);
        let capabilities = Capabilities {
            subgroup_size: fixed_subgroup.then_some(info.subgroup_min_size),
            software: info.device_type == DeviceType::Cpu,
            shader_f16: features.contains(Features::SHADER_F16),
            shader_int64: features.contains(Features::SHADER_INT64),
            cooperative_matrix: matrices.then(|| experimental::cooperative_matrix(adapter)).flatten(),
            // Shaders are told the length of a binding in 32 bits, on Metal whatever its length is.
            max_storage_binding: limits.max_storage_buffer_binding_size.min(i32::MAX as u64),
            max_buffer: limits.max_buffer_size,
            alignment: u64::from(limits.min_storage_buffer_offset_alignment).max(16),
            max_storage_buffers: limits.max_storage_buffers_per_shader_stage,
            max_workgroup_invocations: limits.max_compute_invocations_per_workgroup,
            max_workgroups_per_axis: limits.max_compute_workgroups_per_dimension,
        };
        let folder = match self.cache {
            CacheFolder::Default => cache::default_folder(),
            CacheFolder::At(folder) => Some(folder),
            CacheFolder::Nowhere => None,
        };
        let cache = folder.map(|folder| Cache::new(folder, Identity::new(&info, &capabilities)));
        let pipeline_cache = cache.as_ref().and_then(|cache| PipelineCache::open(&device, cache));
        Context::from_parts(Inner {
            info,
            device,
            queue,
            capabilities,
            pipelines: Mutex::default(),
            siblings,
            cache,
            pipeline_cache,
            failure,
            allocated: Arc::default(),
            memory_budget: self.memory_budget,
            poison: self.poison,
        })
    }
}

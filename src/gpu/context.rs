//! The device that everything runs on.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wgpu::{
    Adapter, AdapterInfo, CommandBuffer, Device, DeviceDescriptor, ErrorFilter, Features, Queue,
    SubmissionIndex,
};

use super::cache::{self, Cache, Identity, PipelineCache};
use super::pipeline::{Pipeline, PipelineKey};
use super::{Capabilities, adapter, experimental, first_run};
use crate::{Error, Result};

/// A device, its queue, and the pipelines made on it so far. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Context {
    inner: Arc<Inner>,
}

struct Inner {
    info: AdapterInfo,
    device: Device,
    queue: Queue,
    capabilities: Capabilities,
    features: Features,
    pipelines: Mutex<HashMap<PipelineKey, Arc<Pipeline>>>,
    /// The adapter, where other devices of it can compile pipelines ahead of their first run.
    siblings: Option<Adapter>,
    cache: Option<Cache>,
    pipeline_cache: Option<PipelineCache>,
    /// The first error that reached no scope, or why the device was lost.
    failure: Arc<Mutex<Option<Error>>>,
    allocated: Arc<AtomicU64>,
    memory_budget: Option<u64>,
    poison: bool,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(cache) = &self.pipeline_cache {
            cache.save();
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("adapter", &self.description()).finish_non_exhaustive()
    }
}

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
    pub fn build_on(self, adapter: &wgpu::Adapter, device: Device, queue: Queue) -> Context {
        let folder = match self.cache {
            CacheFolder::Default | CacheFolder::Nowhere => CacheFolder::Nowhere,
            told @ CacheFolder::At(_) => told,
        };
        let options = Self { cache: folder, ..self };
        Context::assemble(adapter, device, queue, Arc::default(), None, &options)
    }

    /// Opens the device.
    ///
    /// # Errors
    /// [`Error::NoAdapter`], [`Error::AdapterNotFound`], or [`Error::Device`] where the driver refuses.
    pub fn build(self) -> Result<Context> {
        let name = self.adapter_name.clone().or_else(|| std::env::var("WGPU_ADAPTER_NAME").ok());
        let adapter = adapter::choose(&adapter::instance(), name.as_deref())?;
        let info = adapter.get_info();
        let mut wanted = Features::SUBGROUP
            | Features::SHADER_F16
            | Features::SHADER_INT64
            | Features::TIMESTAMP_QUERY
            | Features::TIMESTAMP_QUERY_INSIDE_ENCODERS
            | Features::PIPELINE_CACHE;
        if self.without_subgroups {
            wanted.remove(Features::SUBGROUP);
        }
        if self.without_f16 {
            wanted.remove(Features::SHADER_F16);
        }
        if self.without_int64 {
            wanted.remove(Features::SHADER_INT64);
        }
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
        let failure = Arc::new(Mutex::new(None));
        watch(&device, &failure);
        let siblings = first_run::compiles(&info).then(|| adapter.clone());
        let context = Context::assemble(&adapter, device, queue, failure, siblings, &self);
        log::info!("{}", context.description());
        Ok(context)
    }
}

/// Records what goes wrong outside of any scope; the first failure is kept.
fn watch(device: &Device, failure: &Arc<Mutex<Option<Error>>>) {
    let lost = Arc::clone(failure);
    device.set_device_lost_callback(move |reason, message| {
        lock(&lost).get_or_insert(Error::DeviceLost(format!("{message} ({reason:?})")));
    });
    let uncaptured = Arc::clone(failure);
    device.on_uncaptured_error(Arc::new(move |error| {
        lock(&uncaptured).get_or_insert(translate(error, "a command", 0));
    }));
}

impl Context {
    /// Opens the best adapter: the fastest real GPU, otherwise a software adapter. `WGPU_BACKEND` and
    /// `WGPU_ADAPTER_NAME` are honoured.
    ///
    /// # Errors
    /// As [`ContextBuilder::build`].
    pub fn new() -> Result<Self> {
        Self::builder().build()
    }

    /// Options for opening an adapter.
    pub fn builder() -> ContextBuilder {
        ContextBuilder::default()
    }

    /// Works on an application's own device. What the device was opened with is what can be used; its
    /// error handlers are left alone. Nothing is kept on disk: [`ContextBuilder::build_on`] does.
    pub fn from_device(adapter: &wgpu::Adapter, device: Device, queue: Queue) -> Self {
        Self::builder().build_on(adapter, device, queue)
    }

    fn assemble(
        adapter: &Adapter,
        device: Device,
        queue: Queue,
        failure: Arc<Mutex<Option<Error>>>,
        siblings: Option<Adapter>,
        options: &ContextBuilder,
    ) -> Self {
        let (info, features, limits) = (adapter.get_info(), device.features(), device.limits());
        let fixed_subgroup =
            features.contains(Features::SUBGROUP) && info.subgroup_min_size == info.subgroup_max_size;
        let matrices = options.cooperative_matrices
            && fixed_subgroup
            && features.contains(Features::EXPERIMENTAL_COOPERATIVE_MATRIX | Features::SHADER_F16);
        let capabilities = Capabilities {
            subgroup_size: fixed_subgroup.then_some(info.subgroup_min_size),
            software: info.device_type == wgpu::DeviceType::Cpu,
            shader_f16: features.contains(Features::SHADER_F16),
            shader_int64: features.contains(Features::SHADER_INT64),
            cooperative_matrix: matrices.then(|| experimental::cooperative_matrix(adapter)).flatten(),
            max_storage_binding: limits.max_storage_buffer_binding_size,
            max_buffer: limits.max_buffer_size,
            alignment: u64::from(limits.min_storage_buffer_offset_alignment).max(16),
            max_storage_buffers: limits.max_storage_buffers_per_shader_stage,
            max_workgroup_invocations: limits.max_compute_invocations_per_workgroup,
            max_workgroups_per_axis: limits.max_compute_workgroups_per_dimension,
        };
        let folder = match &options.cache {
            CacheFolder::Default => cache::default_folder(),
            CacheFolder::At(folder) => Some(folder.clone()),
            CacheFolder::Nowhere => None,
        };
        let cache = folder.map(|folder| Cache::new(folder, Identity::new(&info, &capabilities)));
        let pipeline_cache = cache.as_ref().and_then(|cache| PipelineCache::open(&device, cache));
        let inner = Inner {
            info,
            device,
            queue,
            capabilities,
            features,
            pipelines: Mutex::default(),
            siblings,
            cache,
            pipeline_cache,
            failure,
            allocated: Arc::default(),
            memory_budget: options.memory_budget,
            poison: options.poison,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Adapter, driver, backend and the optional features in use, in one line.
    pub fn description(&self) -> String {
        let capabilities = &self.inner.capabilities;
        let mut line = adapter::describe(&self.inner.info);
        line += &format!(", bindings up to {} MiB", capabilities.max_storage_binding >> 20);
        if let Some(size) = capabilities.subgroup_size {
            line += &format!(", subgroups of {size}");
        } else if self.inner.features.contains(Features::SUBGROUP) {
            line += ", subgroups";
        }
        if let Some(matrix) = capabilities.cooperative_matrix {
            line += &format!(", cooperative matrices of {}", matrix.size());
        }
        for (feature, name) in [
            (Features::SHADER_F16, "f16"),
            (Features::SHADER_INT64, "64-bit integers"),
            (Features::TIMESTAMP_QUERY, "timestamps"),
            (Features::PIPELINE_CACHE, "pipeline cache"),
        ] {
            if self.inner.features.contains(feature) {
                line += &format!(", {name}");
            }
        }
        line
    }

    /// Adapter, driver and backend in one line.
    pub fn adapter_description(&self) -> String {
        adapter::describe(&self.inner.info)
    }

    /// The adapter's name.
    pub fn adapter_name(&self) -> &str {
        &self.inner.info.name
    }

    /// What the device can do.
    pub fn capabilities(&self) -> &Capabilities {
        &self.inner.capabilities
    }

    /// The device itself.
    pub fn device(&self) -> &Device {
        &self.inner.device
    }

    /// The queue itself.
    pub fn queue(&self) -> &Queue {
        &self.inner.queue
    }

    /// How many bytes of buffers this crate holds on the device at the moment.
    pub fn allocated_bytes(&self) -> u64 {
        self.inner.allocated.load(Ordering::Relaxed)
    }

    /// The files about the device, where any are kept.
    pub(crate) fn cache(&self) -> Option<&Cache> {
        self.inner.cache.as_ref()
    }

    /// The adapter, where its driver compiles pipelines when they first run and other devices can do it before.
    pub(super) fn compiles_at_first_run(&self) -> Option<&Adapter> {
        self.inner.siblings.as_ref()
    }

    pub(super) fn pipeline_cache(&self) -> Option<&PipelineCache> {
        self.inner.pipeline_cache.as_ref()
    }

    /// Keeps the pipelines that were compiled so far for the next process, where there is a folder for them and the
    /// driver gives them. It happens by itself when an execution is made and when the last clone of the context goes.
    pub fn save_caches(&self) {
        if let Some(cache) = self.pipeline_cache() {
            cache.save();
        }
    }

    pub(crate) fn poison(&self) -> bool {
        self.inner.poison
    }

    /// Counts `bytes` as allocated, and returns where they are counted.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] where they would pass the budget; then they are not counted.
    pub(super) fn reserve(&self, what: &str, bytes: u64) -> Result<Arc<AtomicU64>> {
        let allocated = &self.inner.allocated;
        let before = allocated.fetch_add(bytes, Ordering::Relaxed);
        if self.inner.memory_budget.is_some_and(|budget| before + bytes > budget) {
            allocated.fetch_sub(bytes, Ordering::Relaxed);
            return Err(Error::OutOfMemory { what: what.into(), bytes });
        }
        Ok(Arc::clone(allocated))
    }

    pub(super) fn known_pipelines(&self) -> MutexGuard<'_, HashMap<PipelineKey, Arc<Pipeline>>> {
        lock(&self.inner.pipelines)
    }

    /// Submits command buffers.
    ///
    /// # Errors
    /// What the device reported since the last call, or [`Error::DeviceLost`].
    pub(crate) fn submit(
        &self,
        commands: impl IntoIterator<Item = CommandBuffer>,
    ) -> Result<SubmissionIndex> {
        self.check()?;
        let index = self.guard("a submission", 0, || self.inner.queue.submit(commands))?;
        self.check()?;
        Ok(index)
    }

    /// Gives the device the chance to call back those who wait for [`Pending`](super::Pending) results.
    /// An application that polls its device each frame does not need it.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] and what else the device reported.
    pub fn poll(&self) -> Result<()> {
        self.poll_type(wgpu::PollType::Poll)
    }

    /// Waits until a submission is done.
    pub(crate) fn wait(&self, submission: &SubmissionIndex) -> Result<()> {
        self.poll_type(wgpu::PollType::Wait { submission_index: Some(submission.clone()), timeout: None })
    }

    fn poll_type(&self, kind: wgpu::PollType) -> Result<()> {
        let polled = self.inner.device.poll(kind);
        self.check()?;
        polled.map(|_| ()).map_err(|e| Error::DeviceLost(e.to_string()))
    }

    /// The failure that was recorded, if any. A lost device stays lost.
    pub(crate) fn check(&self) -> Result<()> {
        let mut failure = lock(&self.inner.failure);
        match &*failure {
            None => Ok(()),
            Some(Error::DeviceLost(message)) => Err(Error::DeviceLost(message.clone())),
            Some(_) => failure.take().map_or(Ok(()), Err),
        }
    }

    /// Runs `f` and turns whatever wgpu reports meanwhile into an [`Error`] about `what`. What fails because the
    /// device is lost reports nothing itself.
    pub(crate) fn guard<T>(&self, what: &str, bytes: u64, f: impl FnOnce() -> T) -> Result<T> {
        let device = &self.inner.device;
        let memory = device.push_error_scope(ErrorFilter::OutOfMemory);
        let validation = device.push_error_scope(ErrorFilter::Validation);
        let internal = device.push_error_scope(ErrorFilter::Internal);
        let value = f();
        let errors = [internal, validation, memory].map(|scope| pollster::block_on(scope.pop()));
        match errors.into_iter().flatten().next() {
            None => self.check().map(|()| value),
            Some(error) => Err(translate(error, what, bytes)),
        }
    }
}

/// wgpu's error as ours.
fn translate(error: wgpu::Error, what: &str, bytes: u64) -> Error {
    match error {
        wgpu::Error::OutOfMemory { .. } => Error::OutOfMemory { what: what.into(), bytes },
        wgpu::Error::Validation { description, .. } | wgpu::Error::Internal { description, .. } => {
            Error::Gpu { what: what.into(), message: description }
        }
    }
}

/// Locks; a panic of another holder leaves the data as it was, which is whole at any time here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

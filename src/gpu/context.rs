//! The device that everything runs on.

use std::collections::HashMap;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use wgpu::{Adapter, AdapterInfo, CommandBuffer, Device, Features, Queue, SubmissionIndex};

use super::cache::{Cache, PipelineCache};
use super::failure::{self, Failure, lock};
use super::pipeline::{Pipeline, PipelineKey};
use super::{Buffer, Capabilities, ContextBuilder, adapter};
use crate::{Error, Result};

/// A device, its queue, and the pipelines made on it so far. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Context {
    inner: Arc<Inner>,
}

/// What a context is made of.
pub(super) struct Inner {
    pub info: AdapterInfo,
    pub device: Device,
    pub queue: Queue,
    pub capabilities: Capabilities,
    pub pipelines: Mutex<HashMap<PipelineKey, Arc<Pipeline>>>,
    /// The adapter, where other devices of it can compile pipelines ahead of their first run.
    pub siblings: Option<Adapter>,
    pub cache: Option<Cache>,
    pub pipeline_cache: Option<PipelineCache>,
    pub failure: Failure,
    pub allocated: Arc<AtomicU64>,
    pub memory_budget: Option<u64>,
    pub poison: bool,
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

    pub(super) fn from_parts(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// Adapter, driver, backend and the optional features in use, in one line.
    pub fn description(&self) -> String {
        let capabilities = &self.inner.capabilities;
        let mut line = adapter::describe(&self.inner.info);
        line += &format!(", bindings up to {} MiB", capabilities.max_storage_binding >> 20);
        if let Some(size) = capabilities.subgroup_size {
            line += &format!(", subgroups of {size}");
        } else if self.inner.device.features().contains(Features::SUBGROUP) {
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
            if self.inner.device.features().contains(feature) {
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

    /// Copies bytes from the host into a buffer, before whatever is submitted next.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] where there is no memory to stage them, and what else the device reports.
    pub(crate) fn write(&self, buffer: &Buffer, offset: u64, bytes: &[u8]) -> Result<()> {
        let write = || self.inner.queue.write_buffer(buffer.raw(), offset, bytes);
        self.guard("an upload", bytes.len() as u64, write)
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
        loop {
            // wgpu panics where it is told in the midst of a wait that the device is gone.
            let polled = panic::catch_unwind(AssertUnwindSafe(|| self.inner.device.poll(kind.clone())));
            self.check()?;
            match polled {
                Ok(Ok(_)) => return Ok(()),
                // On OpenGL a wait ends after two seconds, whatever it was told.
                Ok(Err(wgpu::PollError::Timeout)) => {}
                Ok(Err(error)) => return Err(Error::DeviceLost(error.to_string())),
                Err(_) => return Err(Error::DeviceLost("wgpu gave up waiting for it".into())),
            }
        }
    }

    /// The failure that was recorded, if any. A lost device stays lost.
    pub(crate) fn check(&self) -> Result<()> {
        self.inner.failure.check()
    }

    /// Runs `f` and turns whatever wgpu reports meanwhile into an [`Error`] about `what`. What fails because the
    /// device is lost reports nothing itself.
    pub(crate) fn guard<T>(&self, what: &str, bytes: u64, f: impl FnOnce() -> T) -> Result<T> {
        let value = failure::guard(&self.inner.device, what, bytes, f)?;
        self.check().map(|()| value)
    }
}

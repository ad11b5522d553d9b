//! Results that come back from the device when they are ready.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use futures_intrusive::channel::shared::{OneshotReceiver, oneshot_channel};
use wgpu::{BufferAsyncError, BufferDescriptor, BufferUsages, CommandEncoder, MapMode, SubmissionIndex};

use super::{Buffer, Context};
use crate::{Error, Result};

/// A copy that was recorded but not yet submitted.
#[derive(Debug)]
pub(crate) struct Readback {
    staging: wgpu::Buffer,
    mapped: OneshotReceiver<Result<(), BufferAsyncError>>,
}

impl Readback {
    /// Records a copy of `bytes` bytes of `source`, from `offset` on, and asks for it to be mapped once the
    /// encoder's commands are done.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] where there is no room for the copy.
    pub(crate) fn record(
        context: &Context,
        encoder: &mut CommandEncoder,
        source: &Buffer,
        offset: u64,
        bytes: u64,
    ) -> Result<Self> {
        let descriptor = BufferDescriptor {
            label: Some("readback"),
            size: bytes,
            usage: BufferUsages::MAP_READ | BufferUsages::COPY_DST,
            mapped_at_creation: false,
        };
        let create = || context.device().create_buffer(&descriptor);
        let staging = context.guard("a copy to read back", bytes, create)?;
        encoder.copy_buffer_to_buffer(source.raw(), offset, &staging, 0, bytes);
        let (sender, mapped) = oneshot_channel();
        encoder.map_buffer_on_submit(&staging, MapMode::Read, .., move |result| {
            // Nobody waits for a result whose `Pending` was dropped.
            let _ = sender.send(result);
        });
        Ok(Self { staging, mapped })
    }

    /// What the copy will hold, once the `submission` that it is part of is done.
    pub(crate) fn pending<T>(
        self,
        context: &Context,
        submission: SubmissionIndex,
        decode: impl FnOnce(&[u8]) -> T + Send + 'static,
    ) -> Pending<T> {
        Pending { context: context.clone(), submission, readback: self, decode: Box::new(decode) }
    }
}

/// How the bytes read back become a result.
type Decode<T> = Box<dyn FnOnce(&[u8]) -> T + Send>;

/// A result that is still being computed.
///
/// [`wait`](Self::wait) blocks for it. It can also be awaited; then somebody must poll the device
/// meanwhile, the application itself or [`Context::poll`]. Dropping it forgets the result and costs nothing.
#[must_use = "the computation goes on without it, but its result is lost"]
pub struct Pending<T> {
    context: Context,
    submission: SubmissionIndex,
    readback: Readback,
    decode: Decode<T>,
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("submission", &self.submission).finish_non_exhaustive()
    }
}

impl<T> Pending<T> {
    /// The submission whose result it is.
    pub(crate) fn submission(&self) -> &SubmissionIndex {
        &self.submission
    }

    /// Blocks until the result is there.
    ///
    /// # Errors
    /// [`Error::DeviceLost`], or what else the device reported.
    pub fn wait(self) -> Result<T> {
        self.context.wait(&self.submission)?;
        pollster::block_on(self.receive())
    }

    async fn receive(self) -> Result<T> {
        let mapped = self.readback.mapped.receive().await;
        self.context.check()?;
        let failed = |message: String| Error::Gpu { what: "a readback".into(), message };
        mapped.unwrap_or(Err(BufferAsyncError)).map_err(|e| failed(e.to_string()))?;
        let view = self.readback.staging.get_mapped_range(..).map_err(|e| failed(e.to_string()))?;
        Ok((self.decode)(&view))
    }
}

impl<T: Send + 'static> IntoFuture for Pending<T> {
    type Output = Result<T>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.receive())
    }
}

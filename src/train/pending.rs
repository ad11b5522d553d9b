//! Metrics that come back from the device when they are ready.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use crate::Result;
use crate::gpu::Pending;
use crate::ops::LossOutput;

use super::metrics::Metrics;

/// The metrics of a step that is under way.
///
/// [`wait`](Self::wait) blocks for them; they can also be awaited, as a [`Pending`] result. To drop this forgets
/// them and costs nothing.
#[derive(Debug)]
pub struct PendingMetrics(Pending<LossOutput>);

impl PendingMetrics {
    pub(super) fn new(loss: Pending<LossOutput>) -> Self {
        Self(loss)
    }

    /// Blocks until the step is done.
    ///
    /// # Errors
    /// [`Error::DeviceLost`](crate::Error::DeviceLost) and what else the device reports.
    pub fn wait(self) -> Result<Metrics> {
        self.0.wait().map(Metrics::from)
    }
}

impl IntoFuture for PendingMetrics {
    type Output = Result<Metrics>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { self.0.await.map(Metrics::from) })
    }
}

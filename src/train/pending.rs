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
pub struct PendingMetrics {
    loss: Pending<LossOutput>,
    has_classes: bool,
}

impl PendingMetrics {
    pub(super) fn new(loss: Pending<LossOutput>, has_classes: bool) -> Self {
        Self { loss, has_classes }
    }

    /// Blocks until the step is done.
    ///
    /// # Errors
    /// [`Error::DeviceLost`](crate::Error::DeviceLost) and what else the device reports.
    pub fn wait(self) -> Result<Metrics> {
        self.loss.wait().map(|output| Metrics::new(output, self.has_classes))
    }
}

impl IntoFuture for PendingMetrics {
    type Output = Result<Metrics>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.loss.await.map(|output| Metrics::new(output, self.has_classes)) })
    }
}

//! How long the device takes for its work.

use std::time::{Duration, Instant};

use wgpu::{
    ComputePass, ComputePassDescriptor, ComputePassTimestampWrites, Features, QuerySet, QuerySetDescriptor,
    QueryType,
};

use super::{Buffer, Context, Readback};
use crate::Result;

/// Takes the time of compute passes: by the device's own clock where it has timestamp queries, and otherwise from
/// outside, which includes what a submission takes.
#[derive(Debug)]
pub struct Stopwatch {
    context: Context,
    queries: Option<Queries>,
}

/// Two timestamps, one before a pass and one after it.
#[derive(Debug)]
struct Queries {
    set: QuerySet,
    resolved: Buffer,
}

/// The bytes of two timestamps.
const BYTES: u64 = 16;

impl Stopwatch {
    /// A stopwatch for work on `context`.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory) or [`Error::Gpu`](crate::Error::Gpu).
    pub fn new(context: &Context) -> Result<Self> {
        let has_clock = context.device().features().contains(Features::TIMESTAMP_QUERY);
        let queries = has_clock.then(|| Queries::new(context)).transpose()?;
        Ok(Self { context: context.clone(), queries })
    }

    /// Whether it reads the device's own clock.
    pub fn reads_device_clock(&self) -> bool {
        self.queries.is_some()
    }

    /// Submits a pass of what `encode` puts in, waits for it, and returns how long it took.
    ///
    /// # Errors
    /// [`Error::DeviceLost`](crate::Error::DeviceLost) and what else the device reports.
    pub fn time(&self, encode: impl FnOnce(&mut ComputePass<'_>)) -> Result<Duration> {
        let mut encoder = self.context.device().create_command_encoder(&Default::default());
        let timestamp_writes = self.queries.as_ref().map(|queries| ComputePassTimestampWrites {
            query_set: &queries.set,
            beginning_of_pass_write_index: Some(0),
            end_of_pass_write_index: Some(1),
        });
        encode(&mut encoder.begin_compute_pass(&ComputePassDescriptor { label: None, timestamp_writes }));
        let readback = self.queries.as_ref().map(|queries| {
            encoder.resolve_query_set(&queries.set, 0..2, queries.resolved.raw(), 0);
            Readback::record(&self.context, &mut encoder, &queries.resolved, 0, BYTES)
        });
        let readback = readback.transpose()?;
        let commands = encoder.finish();
        let started = Instant::now();
        let submission = self.context.submit([commands])?;
        self.context.wait(&submission)?;
        let outside = started.elapsed();
        let Some(readback) = readback else { return Ok(outside) };
        let pending = readback.pending(&self.context, submission, bytemuck::pod_read_unaligned::<[u64; 2]>);
        let [begin, end] = pending.wait()?;
        let period = f64::from(self.context.queue().get_timestamp_period());
        // A clock that stands still is none.
        let ticks = end.checked_sub(begin).filter(|ticks| *ticks > 0);
        Ok(ticks.map_or(outside, |ticks| Duration::from_secs_f64(ticks as f64 * period / 1e9)))
    }
}

impl Queries {
    fn new(context: &Context) -> Result<Self> {
        let descriptor = QuerySetDescriptor { label: Some("stopwatch"), ty: QueryType::Timestamp, count: 2 };
        let set = context.guard("timestamps", 0, || context.device().create_query_set(&descriptor))?;
        Ok(Self { set, resolved: Buffer::query_results(context, "timestamps", BYTES)? })
    }
}

//! The GPU floor: adapter, device, buffers, pipelines, readback, timestamps, what outlives a process. All that touches `wgpu`.

mod adapter;
mod buffer;
mod builder;
mod cache;
mod capabilities;
mod context;
mod experimental;
mod failure;
mod first_run;
mod parallel;
mod pipeline;
mod readback;
mod stopwatch;

pub use adapter::adapters;
pub use buffer::Buffer;
pub use builder::ContextBuilder;
pub(crate) use cache::{Cache, Identity};
pub use capabilities::{Capabilities, CooperativeMatrix};
pub use context::Context;
pub(crate) use pipeline::{BindingKind, Pipeline, PipelineRequest};
pub use readback::Pending;
pub(crate) use readback::Readback;
pub use stopwatch::Stopwatch;

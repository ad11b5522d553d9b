//! The GPU floor: adapter, device, buffers, pipelines, readback, timestamps. All that touches `wgpu`.

mod adapter;
mod buffer;
mod capabilities;
mod context;
mod pipeline;
mod readback;
mod stopwatch;

pub use adapter::adapters;
pub use buffer::Buffer;
pub use capabilities::Capabilities;
pub use context::{Context, ContextBuilder};
pub(crate) use pipeline::{BindingKind, Pipeline};
pub use readback::Pending;
pub(crate) use readback::Readback;
pub use stopwatch::Stopwatch;

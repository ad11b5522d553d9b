//! The GPU floor: adapter, device, buffers, pipelines, readback. All that touches `wgpu`.

mod capabilities;

pub use capabilities::Capabilities;

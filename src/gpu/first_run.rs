//! Compiling ahead of the first run, where a driver would do it one pipeline after another.
//!
//! llvmpipe, on which Mesa's lavapipe rests, turns a pipeline into machine code when it first runs, on the thread of its
//! device's queue: seconds for a network, on one core. It keeps the result in a cache on disk that all devices share. So
//! other devices of the same adapter run pipelines beforehand, each on a core of its own and without a single
//! workgroup, and the device that is in use finds them there. Real GPUs' drivers compile when a pipeline is made.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use wgpu::{
    Adapter, AdapterInfo, Backend, BindGroupDescriptor, BindGroupEntry, Buffer, BufferDescriptor,
    BufferUsages, ComputePassDescriptor, Device, DeviceDescriptor, ErrorFilter, PollType, Queue,
};

use super::experimental;
use super::pipeline::Pipeline;

/// A pipeline that was found in the driver's cache runs for the first time in less; one that is compiled, in more.
const FOUND: Duration = Duration::from_millis(25);

/// Room enough for whatever a kernel wants to be bound at least.
const BYTES: u64 = 1 << 12;

/// Whether the driver of an adapter compiles when a pipeline first runs, and keeps that on disk.
pub(super) fn compiles(info: &AdapterInfo) -> bool {
    info.backend == Backend::Vulkan
        && info.driver == "llvmpipe"
        && std::env::var_os("MESA_SHADER_CACHE_DISABLE").is_none()
}

/// Has pipelines compiled that were made on a device, the one that takes longest first. `make` makes the one of an index
/// anew on another device. What goes wrong here is left for the real first run to report.
pub(super) fn compile(
    adapter: &Adapter,
    device: &Device,
    queue: &Queue,
    made: &[Arc<Pipeline>],
    make: impl Fn(&Device, usize) -> Pipeline + Sync,
) {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let Some(first) = made.first().filter(|_| cores > 1) else { return };
    let started = Instant::now();
    let next = AtomicUsize::new(1);
    let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|index| *index < made.len());
    let found = AtomicBool::new(false);
    let sibling = || {
        // What the driver had in its cache need not be compiled, and a device takes time to open.
        thread::park_timeout(FOUND);
        if found.load(Ordering::Relaxed) {
            return;
        }
        let descriptor = DeviceDescriptor {
            label: Some("wgcnn, compiling"),
            required_features: device.features(),
            required_limits: device.limits(),
            experimental_features: experimental::permission(device.features()),
            ..Default::default()
        };
        let Ok((device, queue)) = pollster::block_on(adapter.request_device(&descriptor)) else { return };
        // Without a handler an error would be a panic.
        device.on_uncaptured_error(Arc::new(|error| log::debug!("compiling ahead: {error}")));
        while let Some(index) = take() {
            run(&device, &queue, &make(&device, index));
        }
    };
    thread::scope(|scope| {
        // Without a thread the others do its work.
        let spawn = |_| thread::Builder::new().spawn_scoped(scope, sibling).ok();
        let siblings: Vec<_> = (1..cores.min(made.len())).filter_map(spawn).collect();
        run(device, queue, first);
        if started.elapsed() < FOUND {
            found.store(true, Ordering::Relaxed);
            siblings.iter().for_each(|sibling| sibling.thread().unpark());
            return;
        }
        while let Some(index) = take() {
            run(device, queue, &made[index]);
        }
    });
    log::debug!("{} pipelines compiled in {:?}", made.len(), started.elapsed());
}

/// Runs no workgroup of a pipeline, and waits until that is done.
fn run(device: &Device, queue: &Queue, pipeline: &Pipeline) {
    let scopes = [ErrorFilter::OutOfMemory, ErrorFilter::Internal, ErrorFilter::Validation]
        .map(|filter| device.push_error_scope(filter));
    let descriptor = BufferDescriptor {
        label: Some("nothing"),
        size: BYTES,
        usage: BufferUsages::STORAGE | BufferUsages::UNIFORM,
        mapped_at_creation: false,
    };
    let buffers: Vec<Buffer> = (0..pipeline.bindings).map(|_| device.create_buffer(&descriptor)).collect();
    let entries: Vec<BindGroupEntry<'_>> = (0..)
        .zip(&buffers)
        .map(|(binding, buffer)| BindGroupEntry { binding, resource: buffer.as_entire_binding() })
        .collect();
    let descriptor =
        BindGroupDescriptor { label: Some("nothing"), layout: &pipeline.layout, entries: &entries };
    let bind_group = device.create_bind_group(&descriptor);
    let mut encoder = device.create_command_encoder(&Default::default());
    let mut pass = encoder.begin_compute_pass(&ComputePassDescriptor::default());
    pass.set_pipeline(&pipeline.pipeline);
    pass.set_bind_group(0, &bind_group, &[]);
    pass.dispatch_workgroups(0, 1, 1);
    drop(pass);
    queue.submit([encoder.finish()]);
    // The scopes were opened in this order; the innermost ends first.
    let failed = scopes.into_iter().rev().filter_map(|scope| pollster::block_on(scope.pop())).count() > 0;
    let polled = device.poll(PollType::wait_indefinitely());
    if failed || polled.is_err() {
        log::debug!("a pipeline was not compiled ahead of its first run");
    }
}

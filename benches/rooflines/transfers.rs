//! What lies between the host and the device: a submission, an upload and a readback.

use wgcnn::{Error, Result};
use wgpu::{MapMode, PollType};

use super::super::bench::Bench;
use super::kernel;

/// The bytes that are moved.
const BYTES: u64 = 16 << 20;

/// Measures and reports them.
///
/// # Errors
/// [`Error::DeviceLost`] and what else the device reports.
pub fn measure(bench: &mut Bench<'_>) -> Result<()> {
    let context = bench.context.clone();
    let (device, queue) = (context.device(), context.queue());
    let wait = || {
        let done = device.poll(PollType::wait_indefinitely());
        done.map(|_| ()).map_err(|error| Error::DeviceLost(error.to_string()))
    };
    let submission = bench.pace.calls(|| {
        queue.submit([device.create_command_encoder(&Default::default()).finish()]);
        wait()
    })?;
    bench.ceiling("submission", &submission, |row| row);

    let buffer = kernel::storage(&context, BYTES);
    let mut host = vec![1_u8; BYTES as usize];
    let upload = bench.pace.calls(|| {
        queue.write_buffer(&buffer, 0, &host);
        queue.submit([]);
        wait()
    })?;
    bench.ceiling("upload", &upload, |row| row.bytes(BYTES));

    let staging = kernel::staging(&context, BYTES);
    let readback = bench.pace.calls(|| {
        let mut encoder = device.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(&buffer, 0, &staging, 0, BYTES);
        queue.submit([encoder.finish()]);
        // What goes wrong is seen when the range is asked for.
        staging.map_async(MapMode::Read, .., |_| ());
        wait()?;
        let failed = |message| Error::Gpu { what: "a readback".into(), message };
        host.copy_from_slice(&staging.get_mapped_range(..).map_err(|error| failed(error.to_string()))?);
        staging.unmap();
        Ok(())
    })?;
    bench.ceiling("readback", &readback, |row| row.bytes(BYTES));
    Ok(())
}

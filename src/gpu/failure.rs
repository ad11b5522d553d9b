//! What goes wrong on a device, as errors of ours.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wgpu::{Device, ErrorFilter};

use crate::{Error, Result};

/// The first error that reached no scope, or why the device was lost.
#[derive(Debug, Default)]
pub(super) struct Failure {
    first: Arc<Mutex<Option<Error>>>,
}

impl Failure {
    /// Records what goes wrong on a device outside of any scope; the first failure is kept, but for a lost
    /// device, which is for good.
    pub fn watch(device: &Device) -> Self {
        let failure = Self::default();
        let lost = Arc::clone(&failure.first);
        device.set_device_lost_callback(move |reason, message| {
            // Whatever else was reported: nothing works any more.
            *lock(&lost) = Some(Error::DeviceLost(format!("{message} ({reason:?})")));
        });
        let uncaptured = Arc::clone(&failure.first);
        device.on_uncaptured_error(Arc::new(move |error| {
            lock(&uncaptured).get_or_insert(translate(error, "a command", 0));
        }));
        failure
    }

    /// What was recorded, if anything. A lost device stays lost.
    pub fn check(&self) -> Result<()> {
        let mut failure = lock(&self.first);
        match &*failure {
            None => Ok(()),
            Some(Error::DeviceLost(message)) => Err(Error::DeviceLost(message.clone())),
            Some(_) => failure.take().map_or(Ok(()), Err),
        }
    }
}

/// Runs `f` and turns whatever wgpu reports meanwhile into an [`Error`] about `what`.
pub(super) fn guard<T>(device: &Device, what: &str, bytes: u64, f: impl FnOnce() -> T) -> Result<T> {
    let memory = device.push_error_scope(ErrorFilter::OutOfMemory);
    let validation = device.push_error_scope(ErrorFilter::Validation);
    let internal = device.push_error_scope(ErrorFilter::Internal);
    let value = f();
    let errors = [internal, validation, memory].map(|scope| pollster::block_on(scope.pop()));
    match errors.into_iter().flatten().next() {
        None => Ok(value),
        Some(error) => Err(translate(error, what, bytes)),
    }
}

/// wgpu's error as ours.
fn translate(error: wgpu::Error, what: &str, bytes: u64) -> Error {
    match error {
        wgpu::Error::OutOfMemory { .. } => Error::OutOfMemory { what: what.into(), bytes },
        wgpu::Error::Validation { description, .. } | wgpu::Error::Internal { description, .. } => {
            Error::Gpu { what: what.into(), message: description }
        }
    }
}

/// Locks; a panic of another holder leaves the data as it was, which is whole at any time here.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

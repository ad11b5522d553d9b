//! Device memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wgpu::{BufferDescriptor, BufferUsages};

use super::Context;
use crate::Result;

/// A buffer that counts towards [`Context::allocated_bytes`] while it lives.
#[derive(Debug)]
pub struct Buffer {
    raw: wgpu::Buffer,
    allocated: Arc<AtomicU64>,
}

impl Buffer {
    /// A storage buffer of zeros, of which small tensors may also be bound as uniforms.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory) or [`Error::Gpu`](crate::Error::Gpu).
    pub(crate) fn zeros(context: &Context, label: &str, bytes: u64) -> Result<Self> {
        Self::create(context, label, bytes, BufferUsages::STORAGE | BufferUsages::UNIFORM)
    }

    /// A storage buffer whose content nobody relies on before writing it: zeros, or NaN where the
    /// context poisons memory.
    ///
    /// # Errors
    /// As [`zeros`](Self::zeros).
    pub(crate) fn scratch(context: &Context, label: &str, bytes: u64) -> Result<Self> {
        let buffer = Self::zeros(context, label, bytes)?;
        if context.poison() {
            let nan = vec![f32::NAN; buffer.raw.size() as usize / 4];
            context.write(&buffer, 0, bytemuck::cast_slice(&nan))?;
        }
        Ok(buffer)
    }

    /// A uniform buffer that holds `words`.
    ///
    /// # Errors
    /// As [`zeros`](Self::zeros).
    pub(crate) fn uniform(context: &Context, label: &str, words: &[u32]) -> Result<Self> {
        let bytes = bytemuck::cast_slice(words);
        let buffer = Self::create(context, label, bytes.len() as u64, BufferUsages::UNIFORM)?;
        context.write(&buffer, 0, bytes)?;
        Ok(buffer)
    }

    /// A buffer that queries put their results in.
    ///
    /// # Errors
    /// As [`zeros`](Self::zeros).
    pub(crate) fn query_results(context: &Context, label: &str, bytes: u64) -> Result<Self> {
        Self::create(context, label, bytes, BufferUsages::QUERY_RESOLVE)
    }

    fn create(context: &Context, label: &str, bytes: u64, usage: BufferUsages) -> Result<Self> {
        let size = bytes.max(16).next_multiple_of(16);
        let descriptor = BufferDescriptor {
            label: Some(label),
            size,
            usage: usage | BufferUsages::COPY_SRC | BufferUsages::COPY_DST,
            mapped_at_creation: false,
        };
        let allocated = context.reserve(label, size)?;
        let raw = context.guard(label, size, || context.device().create_buffer(&descriptor));
        if raw.is_err() {
            allocated.fetch_sub(size, Ordering::Relaxed);
        }
        Ok(Self { raw: raw?, allocated })
    }

    /// The `wgpu` buffer.
    pub fn raw(&self) -> &wgpu::Buffer {
        &self.raw
    }

    /// Its size in bytes.
    pub fn bytes(&self) -> u64 {
        self.raw.size()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.allocated.fetch_sub(self.raw.size(), Ordering::Relaxed);
    }
}

//! The driver's own cache of compiled pipelines, kept in a file. Opening it is `unsafe`.

#![allow(unsafe_code)]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use wgpu::{Device, Features, PipelineCacheDescriptor};

use super::identity::checksum;
use super::{Cache, Identity};

/// What a file begins with.
const MAGIC: &[u8; 8] = b"wgcnn\0p1";

/// A device's pipelines as its driver compiled them, from this process and those before it.
#[derive(Debug)]
pub(in crate::gpu) struct PipelineCache {
    raw: wgpu::PipelineCache,
    path: PathBuf,
    identity: Identity,
    /// Whether pipelines were made since it was saved.
    used: AtomicBool,
    /// The checksum of what the file held last.
    kept: AtomicU64,
}

impl PipelineCache {
    /// The cache of a device that has one, with what was kept of it.
    pub fn open(device: &Device, cache: &Cache) -> Option<Self> {
        if !device.features().contains(Features::PIPELINE_CACHE) {
            return None;
        }
        let (identity, path) = (cache.identity().clone(), cache.path("pipelines", "bin"));
        let file = Cache::read(&path);
        let data = file.as_deref().and_then(|file| unpack(file, &identity, &path));
        let descriptor = PipelineCacheDescriptor { label: Some("wgcnn"), data, fallback: true };
        // SAFETY: the data is what `wgpu::PipelineCache::get_data` returned: `unpack` gives only what `pack` put into a
        // file of this format for this adapter, driver, wgpu and crate, with a checksum over all of it. wgpu compares
        // its own header, and the driver the one of its data.
        let raw = unsafe { device.create_pipeline_cache(&descriptor) };
        let kept = AtomicU64::new(data.map_or(0, checksum));
        Some(Self { raw, path, identity, used: AtomicBool::new(false), kept })
    }

    /// The cache itself, for a pipeline that is about to be made.
    pub fn raw(&self) -> &wgpu::PipelineCache {
        self.used.store(true, Ordering::Relaxed);
        &self.raw
    }

    /// Keeps what it holds now in its file, unless that is there already.
    pub fn save(&self) {
        if !self.used.swap(false, Ordering::Relaxed) {
            return;
        }
        let Some(data) = self.raw.get_data().filter(|data| data.len() as u64 <= super::MAX_BYTES) else {
            return;
        };
        let sum = checksum(&data);
        if self.kept.swap(sum, Ordering::Relaxed) != sum {
            Cache::write(&self.path, &pack(&data, &self.identity));
        }
    }
}

/// A file: the magic, the checksum of all that follows, the length of the device's identity and itself, and the data.
fn pack(data: &[u8], identity: &Identity) -> Vec<u8> {
    let text = identity.text();
    let mut body = (text.len() as u32).to_le_bytes().to_vec();
    body.extend(text.as_bytes());
    body.extend(data);
    [&MAGIC[..], &checksum(&body).to_le_bytes(), &body].concat()
}

/// The data of a file, where it is whole and about this device.
fn unpack<'a>(file: &'a [u8], identity: &Identity, path: &Path) -> Option<&'a [u8]> {
    let data = whole(file).and_then(|body| {
        let (length, rest) = body.split_first_chunk::<4>()?;
        let (text, data) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        (text == identity.text().as_bytes()).then_some(data)
    });
    if data.is_none() {
        log::warn!("{} is left out: it is damaged, or of another version or device", path.display());
    }
    data
}

/// What follows the checksum of an undamaged file.
fn whole(file: &[u8]) -> Option<&[u8]> {
    let (sum, body) = file.strip_prefix(MAGIC)?.split_first_chunk::<8>()?;
    (u64::from_le_bytes(*sum) == checksum(body)).then_some(body)
}

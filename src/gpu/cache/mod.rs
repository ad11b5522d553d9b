//! What outlives a process: files about one device with one driver, in a folder of the user's.
//!
//! Whatever is in them can be made anew. So nothing about them is an error: what cannot be read, or is not what this
//! version of the crate wrote for this device, is left out with a warning, and what cannot be written is not kept.
//! Files are replaced whole; of two processes that save at once the later one's stays.

mod identity;
mod pipelines;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

pub(crate) use identity::Identity;
pub(super) use pipelines::PipelineCache;

use crate::file;

/// The most bytes of a file. One of pipelines that is larger would hold what no program needs any more.
const MAX_BYTES: u64 = 256 << 20;

/// The cached files about one device.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    folder: PathBuf,
    identity: Identity,
}

impl Cache {
    /// The files about a device in a folder, which is made when the first of them is written.
    pub fn new(folder: PathBuf, identity: Identity) -> Self {
        Self { folder, identity }
    }

    /// The device that the files are about.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Where the file `kind` about the device is.
    pub fn path(&self, kind: &str, extension: &str) -> PathBuf {
        self.folder.join(format!("{}.{kind}.{extension}", self.identity.file_name()))
    }

    /// What a file holds, if there is one.
    pub fn read(path: &Path) -> Option<Vec<u8>> {
        let size = fs::metadata(path).map_or(0, |file| file.len());
        if size > MAX_BYTES {
            log::warn!(
                "{} is left out: it has {size} bytes, more than the {MAX_BYTES} of any such file",
                path.display()
            );
            return None;
        }
        match fs::read(path) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                log::warn!("{} is left out: {error}", path.display());
                None
            }
        }
    }

    /// Writes a file whole, or not at all.
    pub fn write(path: &Path, bytes: &[u8]) {
        let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
        if let Err(error) = folder.and_then(|()| file::replace(path, bytes)) {
            log::warn!("{} cannot be kept: {error}", path.display());
        }
    }
}

/// The folder for cached files of the user's, where the system has one: that of `XDG_CACHE_HOME`, `~/.cache`,
/// `~/Library/Caches` on macOS or `LOCALAPPDATA` on Windows.
pub(super) fn default_folder() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_vendor = "apple") {
        variable("HOME").map(|home| home.join("Library/Caches"))
    } else {
        variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")))
    };
    caches.map(|caches| caches.join("wgcnn"))
}

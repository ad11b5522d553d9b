//! Bytes from a file, unpacked where they are compressed.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// The two bytes that every gzip file starts with (RFC 1952).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A stream of bytes that knows where it comes from. Whether it is compressed is told by its first
/// bytes, not by its name.
pub(super) struct Source {
    path: PathBuf,
    reader: Box<dyn Read>,
    compressed: bool,
}

impl Source {
    /// The content of a file.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| Error::io(path, error))?;
        Self::new(path, io::BufReader::new(file))
    }

    /// The content of `reader`; errors name it `path`.
    pub fn new(path: &Path, mut reader: impl Read + 'static) -> Result<Self> {
        let mut head = Vec::new();
        reader.by_ref().take(2).read_to_end(&mut head).map_err(|error| Error::io(path, error))?;
        let compressed = head == GZIP_MAGIC;
        let whole = Cursor::new(head).chain(reader);
        let reader = if compressed { gunzip(path, whole)? } else { Box::new(whole) };
        Ok(Self { path: path.into(), reader, compressed })
    }

    /// The next `wanted` bytes, fewer where the source ends before. Memory is taken as they come: a
    /// header that lies about a size costs nothing.
    pub fn read(&mut self, wanted: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match self.reader.by_ref().take(wanted).read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) if self.compressed && is_content(&error) => {
                let got = bytes.len();
                Err(self.fault(format!("its gzip stream is damaged or cut off after {got} bytes: {error}")))
            }
            Err(error) => Err(Error::io(&self.path, error)),
        }
    }

    /// An error about the content.
    pub fn fault(&self, message: impl Into<String>) -> Error {
        Error::data(&self.path, message)
    }
}

/// Whether the decoder found fault with what it read, as opposed to the system with reading it.
fn is_content(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
}

#[cfg(feature = "gzip")]
fn gunzip(_: &Path, reader: impl Read + 'static) -> Result<Box<dyn Read>> {
    Ok(Box::new(flate2::read::MultiGzDecoder::new(reader)))
}

#[cfg(not(feature = "gzip"))]
fn gunzip(path: &Path, _: impl Read + 'static) -> Result<Box<dyn Read>> {
    Err(Error::data(
        path,
        "it is compressed with gzip, which this build cannot read: unpack it, or build wgcnn with its feature `gzip`",
    ))
}

//! Which state of the parameters a prologue was run for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wgpu::{BufferDescriptor, BufferUsages, CommandEncoder, Device, MapMode};

/// A counter of the changes of parameters, of which all that use them have a copy.
#[derive(Debug, Clone, Default)]
pub(super) struct Version(Arc<AtomicU64>);

impl Version {
    /// Says that what is encoded from here on finds other parameters.
    pub fn change(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// For which version of the parameters a prologue has run.
#[derive(Debug)]
pub(super) struct Prepared {
    parameters: Version,
    /// One more than that version; 0 for none.
    done: Arc<AtomicU64>,
}

impl Prepared {
    /// For none so far.
    pub fn new(parameters: &Version) -> Self {
        Self { parameters: parameters.clone(), done: Arc::default() }
    }

    /// Whether the prologue has run for the parameters as they are.
    pub fn is_current(&self) -> bool {
        self.done.load(Ordering::Relaxed) == self.parameters.now() + 1
    }

    /// Says that the prologue was encoded. It counts once a word has come back that the encoder's commands copy: the
    /// encoder may be dropped, and of an encoder that is refused, for other commands in it, wgpu says that its work is done.
    pub fn encoded(&self, device: &Device, encoder: &mut CommandEncoder) {
        let make = |usage, mapped_at_creation| {
            let label = Some("the prologue is done");
            device.create_buffer(&BufferDescriptor {
                label,
                size: WORD.len() as u64,
                usage,
                mapped_at_creation,
            })
        };
        let word = make(BufferUsages::COPY_SRC, true);
        if let Ok(mut contents) = word.get_mapped_range_mut(..) {
            contents.copy_from_slice(&WORD);
        }
        word.unmap();
        let copy = make(BufferUsages::COPY_DST | BufferUsages::MAP_READ, false);
        encoder.copy_buffer_to_buffer(&word, 0, &copy, 0, WORD.len() as u64);
        let (done, version, read) = (Arc::clone(&self.done), self.parameters.now() + 1, copy.clone());
        encoder.map_buffer_on_submit(&copy, MapMode::Read, .., move |mapped| {
            if mapped.is_ok() && read.get_mapped_range(..).is_ok_and(|copied| *copied == WORD) {
                done.store(version, Ordering::Relaxed);
            }
        });
    }
}

/// What no new buffer holds.
const WORD: [u8; 4] = [1; 4];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_copies_hear_of_a_change() {
        let version = Version::default();
        let prepared = Prepared::new(&version);
        assert!(!prepared.is_current());
        prepared.done.store(1, Ordering::Relaxed);
        assert!(prepared.is_current());
        version.clone().change();
        assert!(!prepared.is_current());
    }
}

//! Which state of the parameters a prologue was run for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wgpu::CommandEncoder;

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

    /// Says that the prologue was encoded. It counts once the encoder's commands are done: an encoder may be dropped
    /// instead.
    pub fn encoded(&self, encoder: &CommandEncoder) {
        let (done, version) = (Arc::clone(&self.done), self.parameters.now() + 1);
        encoder.on_submitted_work_done(move || done.store(version, Ordering::Relaxed));
    }
}

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

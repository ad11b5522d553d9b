//! The choices that earlier processes made on the same device, in a file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Tuning;
use crate::gpu::{Cache, Identity};

/// What a file says.
#[derive(Debug, Serialize, Deserialize)]
struct Contents {
    /// The form of the file.
    format: u32,
    /// The device that the choices were made on.
    device: Identity,
    /// The choice for each problem, by its key.
    choices: BTreeMap<String, Chosen>,
}

/// The form that this version writes and reads.
const FORMAT: u32 = 1;

/// The choice for a problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Chosen {
    variant: String,
    /// How it was measured.
    tuning: Tuning,
}

/// Choices that are remembered, where there is a place for them.
pub(super) struct Remembered<'a> {
    cache: Option<&'a Cache>,
    known: BTreeMap<String, Chosen>,
    learned: BTreeMap<String, Chosen>,
}

impl<'a> Remembered<'a> {
    /// What is known of the cache's device.
    pub fn open(cache: Option<&'a Cache>) -> Self {
        let known = cache.map(read).unwrap_or_default();
        Self { cache, known, learned: BTreeMap::new() }
    }

    /// The variant that was chosen for a problem by such measurements, or more thorough ones.
    pub fn get(&self, key: &str, tuning: Tuning) -> Option<&str> {
        self.known.get(key).filter(|chosen| chosen.tuning >= tuning).map(|chosen| chosen.variant.as_str())
    }

    /// Remembers the choice for a problem.
    pub fn set(&mut self, key: String, variant: String, tuning: Tuning) {
        self.learned.insert(key, Chosen { variant, tuning });
    }

    /// Keeps what was learned, with what other processes have kept meanwhile.
    pub fn save(self) {
        let Some(cache) = self.cache.filter(|_| !self.learned.is_empty()) else { return };
        let mut choices = read(cache);
        choices.extend(self.learned);
        let contents = Contents { format: FORMAT, device: cache.identity().clone(), choices };
        match serde_json::to_vec_pretty(&contents) {
            Ok(bytes) => Cache::write(&cache.path("choices", "json"), &bytes),
            Err(error) => log::warn!("choices cannot be kept: {error}"),
        }
    }
}

/// The choices in the file about a device.
fn read(cache: &Cache) -> BTreeMap<String, Chosen> {
    let path = cache.path("choices", "json");
    let Some(bytes) = Cache::read(&path) else { return BTreeMap::new() };
    let refusal = match serde_json::from_slice::<Contents>(&bytes) {
        Ok(contents) if contents.format == FORMAT && contents.device == *cache.identity() => {
            return contents.choices;
        }
        Ok(_) => "it is of another version or device".into(),
        Err(error) => error.to_string(),
    };
    log::warn!("{} is left out: {refusal}", path.display());
    BTreeMap::new()
}

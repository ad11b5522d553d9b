//! What an adapter can do at most, and how long work takes there at least.

use serde::{Deserialize, Serialize};

/// An amount of work that is done in one go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Floating-point operations, a multiply-add counted as two, a convolution's in the direct form.
    pub flops: u64,
    /// The bytes that must be read or written at least.
    pub bytes: u64,
}

/// What keeps work from being done faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// The rate of multiply-adds.
    Arithmetic,
    /// The bandwidth of memory.
    Memory,
}

/// What an adapter can do at most, as the micro-kernels of `rooflines` measure it.
#[derive(Debug, Clone)]
pub struct Ceilings {
    /// Floating-point operations a second, of multiply-adds in f32.
    pub multiply_add: f64,
    /// Bytes a second of a copy, by the bytes that it reads and writes, the fewest first; at least one.
    pub copy: Vec<(u64, f64)>,
}

impl Ceilings {
    /// The bandwidth of a copy that reads and writes so many bytes: between two sizes that were measured, on a line
    /// over the logarithm of the size.
    pub fn bandwidth(&self, bytes: u64) -> f64 {
        let above = self.copy.partition_point(|(size, _)| *size < bytes);
        let measured = |index: usize| self.copy[index.min(self.copy.len() - 1)];
        let ((smaller, slow), (larger, fast)) = (measured(above.saturating_sub(1)), measured(above));
        if smaller == larger {
            return slow;
        }
        let part = (bytes as f64 / smaller as f64).ln() / (larger as f64 / smaller as f64).ln();
        slow + (fast - slow) * part.clamp(0.0, 1.0)
    }

    /// The least number of seconds that work takes which is done part after part, and what most of them are due to.
    pub fn least(&self, parts: &[Work]) -> (f64, Bound) {
        let (mut arithmetic, mut memory) = (0.0, 0.0);
        for part in parts {
            let computing = part.flops as f64 / self.multiply_add;
            let moving = if part.bytes == 0 { 0.0 } else { part.bytes as f64 / self.bandwidth(part.bytes) };
            if computing > moving {
                arithmetic += computing;
            } else {
                memory += moving;
            }
        }
        (arithmetic + memory, if arithmetic > memory { Bound::Arithmetic } else { Bound::Memory })
    }
}

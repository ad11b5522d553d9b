//! A row of the results.

use serde::{Deserialize, Serialize};

use super::ceilings::{Bound, Ceilings, Work};
use super::statistics::Samples;

/// A row of the results, as machines read it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// What was measured: `conv/c2/forward`.
    pub case: String,
    /// The adapter with its driver.
    pub adapter: String,
    /// The kernels that ran.
    pub variant: String,
    /// The time it took, and how it spread.
    pub median_ms: f64,
    /// The shortest of the times.
    pub min_ms: f64,
    /// A quarter of the times are shorter than the first, a quarter longer than the second.
    pub quartiles_ms: [f64; 2],
    /// How many times were measured.
    pub samples: usize,
    /// Floating-point operations, of a convolution in the direct form.
    pub gflops: Option<f64>,
    /// Bytes that the dispatches have bound.
    pub gbps: Option<f64>,
    /// What part of the nearer ceiling it reaches.
    pub ceiling_fraction: Option<f64>,
    /// Which ceiling is nearer.
    pub bound: Option<Bound>,
    /// The device memory that it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
}

/// What a network's pass takes of device memory, in bytes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Memory {
    /// All buffers of the plan.
    pub peak: u64,
    /// The sum of the plan's tensors, had each a place of its own.
    pub tensors: u64,
    /// What the process has allocated while it runs.
    pub allocated: u64,
}

impl Row {
    /// A row without a ceiling.
    pub fn new(case: &str, adapter: &str, variant: String, samples: &Samples) -> Self {
        let ms = |seconds: f64| seconds * 1e3;
        Self {
            case: case.into(),
            adapter: adapter.into(),
            variant,
            median_ms: ms(samples.median()),
            min_ms: ms(samples.min()),
            quartiles_ms: samples.quartiles().map(ms),
            samples: samples.count(),
            gflops: None,
            gbps: None,
            ceiling_fraction: None,
            bound: None,
            memory: None,
        }
    }

    /// Says how many floating-point operations it does, if any.
    pub fn flops(mut self, flops: u64) -> Self {
        self.gflops = (flops > 0).then(|| flops as f64 / self.median_ms / 1e6);
        self
    }

    /// Says how many bytes it reads and writes.
    pub fn bytes(mut self, bytes: u64) -> Self {
        self.gbps = (bytes > 0).then(|| bytes as f64 / self.median_ms / 1e6);
        self
    }

    /// Compares it with the adapter's ceilings.
    pub fn against(mut self, ceilings: &Ceilings, parts: &[Work]) -> Self {
        let (least, bound) = ceilings.least(parts);
        self.ceiling_fraction = Some(least * 1e3 / self.median_ms);
        self.bound = Some(bound);
        self.flops(parts.iter().map(|part| part.flops).sum())
    }
}

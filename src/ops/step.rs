//! What changes from one step to the next.

/// The few words that change from one step to the next, as they lie in device memory
/// (`array<u32, 8>` or a struct of that size in the kernels).
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct StepState {
    /// The low word of the seed.
    pub seed_low: u32,
    /// The high word of the seed.
    pub seed_high: u32,
    /// The number of training steps taken before this one.
    pub step: u32,
    /// How many samples of the batch are real; the rest is padding that no loss counts.
    pub samples: u32,
    /// The learning rate of this step.
    pub learning_rate: f32,
    /// Zero; keeps the struct a multiple of 16 bytes.
    pub reserved: [u32; 3],
}

impl StepState {
    /// The state of a step; `step` counts the training steps taken before it, `samples` the real samples.
    pub fn new(seed: u64, step: u32, samples: usize, learning_rate: f32) -> Self {
        Self {
            seed_low: seed as u32,
            seed_high: (seed >> 32) as u32,
            step,
            samples: samples as u32,
            learning_rate,
            reserved: [0; 3],
        }
    }
}

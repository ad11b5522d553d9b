//! What was measured while training.

use wgcnn::train::Metrics;

/// One pass over the training images.
#[derive(Debug, Clone)]
pub struct Epoch {
    /// The loss of each step.
    pub losses: Vec<f32>,
    /// All steps together, measured while the weights changed and with dropout.
    pub train: Metrics,
    /// The test images, after the epoch.
    pub test: Metrics,
    /// Training images a second, without the test.
    pub images_per_second: f64,
}

//! Training: what a trainer accepts, and what it reports.

pub(crate) mod input;
mod metrics;
mod options;
mod pending;
mod trainer;

pub use metrics::Metrics;
pub use options::TrainerOptions;
pub use pending::PendingMetrics;
pub use trainer::Trainer;

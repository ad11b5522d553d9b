//! Training: what a trainer accepts, and what it reports.

pub(crate) mod input;
mod metrics;
mod pending;
mod trainer;

pub use metrics::Metrics;
pub use pending::PendingMetrics;
pub use trainer::Trainer;

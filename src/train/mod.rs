//! Training: what a trainer accepts, and what it reports.

pub(crate) mod input;
mod metrics;

pub use metrics::Metrics;

//! Images and their targets in host memory, and the readers that bring them there.

mod dataset;
mod digits;
pub mod idx;
mod pixels;
mod source;
mod targets;

pub use dataset::{Batch, Batches, Dataset};
pub use digits::digits;
pub use pixels::Pixels;
pub use targets::Targets;

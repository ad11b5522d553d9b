//! Labelled images in host memory, and the readers that bring them there.

mod dataset;
mod digits;
pub mod idx;
mod pixels;
mod source;

pub use dataset::{Batch, Batches, Dataset};
pub use digits::digits;
pub use pixels::Pixels;

//! Labelled images in host memory, and the readers that bring them there.

mod dataset;
mod pixels;

pub use dataset::{Batch, Batches, Dataset};
pub use pixels::Pixels;

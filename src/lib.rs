//! Train and run convolutional networks on any GPU, with hand-written WGSL compute kernels on `wgpu`.

#![warn(missing_docs)]

pub mod data;
mod error;
pub mod gpu;
pub mod network;
pub mod ops;
pub mod reference;
pub mod schedule;
pub mod shape;
mod tensor;
pub mod train;

pub use error::{Error, Result};
pub use tensor::Tensor;

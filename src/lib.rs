//! Train and run convolutional networks on any GPU, with hand-written WGSL compute kernels on `wgpu`.
//!
//! ```no_run
//! use wgcnn::prelude::*;
//!
//! # fn main() -> wgcnn::Result<()> {
//! let (train, test) = wgcnn::data::digits()?.hold_out(3);
//! let network = Network::builder([1, 8, 8]) // channels, height, width
//!     .conv2d("conv1", Conv2d::new(32, 3).same())
//!     .relu()
//!     .max_pool2d(2)
//!     .flatten()
//!     .linear("fc", 10)
//!     .build()?;
//! println!("{}", network.summary());
//!
//! let context = Context::new()?;
//! let optimizer = Sgd::new(0.02).momentum(0.9);
//! let mut trainer = Trainer::new(&context, network, CrossEntropy::mean(), optimizer, 32)?;
//! for epoch in 0..3 {
//!     for batch in train.shuffled(epoch).batches(32) {
//!         trainer.step(&batch)?; // records and submits; the metrics come back when they are ready
//!     }
//!     println!("{}", trainer.evaluate(&test)?);
//! }
//! trainer.network()?.save("network.safetensors")
//! # }
//! ```
//!
//! The floors of the house, each knowing only those under it: [`train`] and [`data`], [`schedule`],
//! [`network`], [`ops`] beside [`mod@reference`], [`gpu`], [`shape`]. With the feature `onnx`, `import` makes networks
//! of ONNX models.

#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod data;
mod error;
mod file;
pub mod gpu;
#[cfg(feature = "onnx")]
pub mod import;
pub mod network;
pub mod ops;
pub mod reference;
pub mod schedule;
pub mod shape;
mod tensor;
pub mod train;

pub use error::{Error, Result};
pub use tensor::Tensor;

/// What most programs need: `use wgcnn::prelude::*`.
pub mod prelude {
    pub use crate::Tensor;
    pub use crate::data::{Batch, Dataset, Targets};
    pub use crate::gpu::Context;
    pub use crate::network::{Init, Network};
    pub use crate::ops::{
        Adam, AdamW, AdaptiveAvgPool2d, AdaptiveMaxPool2d, Add, AvgPool2d, BatchNorm, BceWithLogits, Concat,
        Conv2d, ConvTranspose2d, Crop, CrossEntropy, Dropout, Elu, Flatten, Gelu, Giou, GlobalAvgPool2d,
        GlobalMaxPool2d, GroupNorm, HardSigmoid, HardSwish, HardTanh, L1, LeakyRelu, Linear,
        LocalResponseNorm, LogSoftmax, LossScaling, LpPool2d, MaxPool2d, Mse, Mul, NllLoss, Pad2d, PadMode,
        Prelu, Relu, Relu6, Reshape, RmsProp, Sgd, Sigmoid, SigmoidFocal, Silu, SmoothL1, Softmax, Softplus,
        Split, Tanh, UpsampleBilinear2d, UpsampleNearest2d,
    };
    pub use crate::schedule::Tuning;
    pub use crate::shape::{Axis, Padding, Shape};
    pub use crate::train::{Metrics, Trainer, TrainerOptions};
}

/// The README's programs, so that they are compiled with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

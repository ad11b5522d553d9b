//! Networks from ONNX files (<https://onnx.ai>).
//!
//! ```no_run
//! use wgcnn::import::onnx::Model;
//!
//! # fn main() -> wgcnn::Result<()> {
//! let model = Model::load("mobilenet.onnx")?;
//! println!("{}", model.network()?.summary());
//! # Ok(())
//! # }
//! ```
//!
//! It needs the feature `onnx`. `docs/conformance.md` in the repository lists ONNX's operators that are known, and those
//! of its own tests that cannot be passed.
//!
//! A node becomes one layer or a few, its weights their parameters. What cannot be computed exactly as the model
//! asks for is an [`Error::Node`](crate::Error::Node) that names the node, its operator and what would have been
//! accepted; nothing is guessed or left out.
//!
//! Tensors of any rank are accepted where the arithmetic allows it. Axis 0 of everything that is computed is
//! the batch. Where that cannot be (a Concat along axis 0, an addition of tensors of different ranks), the whole
//! tensor is one sample, and the batch is 1: [`Import::batch`] says so. Elements are in row-major order on both
//! sides, so that what a caller writes to an input and reads from the output is as the model has it.

mod constant;
mod convert;
mod dims;
mod importer;
mod model;
mod node;
mod optimizer;
mod proto;

pub use constant::Constant;
pub use model::{Import, ImportedLoss, Model, Port};
pub use optimizer::{ImportedOptimizer, ImportedUpdate};

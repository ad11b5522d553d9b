//! Layers joined into a graph: shapes, parameters, summary. Pure data; compiles without a GPU.

mod assemble;
mod builder;
mod graph;
mod init;
mod layer;
mod layers;
mod parameters;
mod summary;

#[cfg(feature = "onnx")]
pub(crate) use assemble::check_sizes;

pub use builder::{Branches, NetworkBuilder};
pub use graph::{Network, Node, Parameter, ParameterId, ValueId};
pub use init::Init;
pub use layer::Layer;
pub use layers::Parts;
pub use summary::{Row, Summary};

//! Layers joined into a graph: shapes, parameters, summary. Pure data; compiles without a GPU.

mod init;

pub use init::Init;

//! Networks from other programs' files.

pub mod onnx;

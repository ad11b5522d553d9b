//! Networks from other programs' files.

#[path = "../common"]
mod common {
    pub mod evaluate;
    pub mod onnx;
}
#[path = "../../src/import/onnx/proto.rs"]
mod proto;

mod backend;
mod files;
mod graphs;
mod models;
mod nodes;
mod refusals;

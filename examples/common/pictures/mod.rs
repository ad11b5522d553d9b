//! The pictures that a run leaves behind.

mod canvas;
pub mod curves;
pub mod filters;
pub mod predictions;

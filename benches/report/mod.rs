//! How the results are told.

pub mod compare;
pub mod json;
pub mod table;

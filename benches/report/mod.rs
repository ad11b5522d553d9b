//! How the results are told.

pub mod chart;
pub mod compare;
pub mod json;
pub mod page;
pub mod table;

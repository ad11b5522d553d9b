//! Data sets and their readers, from outside the crate.

mod dataset;
#[cfg(feature = "gzip")]
mod digits;
mod idx;

//! The examples as people run them: what they print, what they leave behind, and how they refuse.
//!
//! Cargo builds the examples with `cargo test` and `cargo build --examples`, but not with `cargo test --test`.

mod refusals;
mod run;
mod runs;

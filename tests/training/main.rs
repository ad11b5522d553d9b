//! Training on a GPU, on whatever adapter the environment selects.

#[path = "../common"]
mod common {
    pub mod images;
}
mod agreement;
mod caches;
mod embedding;
mod errors;
mod fixture;
mod half;
mod limits;
mod memory;
mod normalization;
mod overlap;
mod plans;
mod prologue;
mod regression;
mod state;
mod tuning;
mod updates;

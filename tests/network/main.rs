//! Networks as data, and their training on the reference executor. Nothing here needs a GPU.

mod custom;
mod errors;
mod executor;
mod files;
mod gradients;
mod graph;
mod layers;
mod summary;
mod trainer;

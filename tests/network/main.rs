//! Networks as data, and their training on the reference executor. Nothing here needs a GPU.

#[path = "../common"]
mod common {
    pub mod images;
}
mod custom;
mod errors;
mod executor;
mod files;
mod gradients;
mod graph;
mod layers;
mod summary;
mod trainer;

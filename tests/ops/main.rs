//! The kernels, on whatever adapter the environment selects.

#[path = "../common"]
mod common {
    pub mod case;
    pub mod gpu;
    pub mod suite;
}
mod cases;
mod contexts;

//! The kernels, on whatever adapter the environment selects: one file for each operator.

#[path = "../common"]
mod common {
    pub mod bound;
    pub mod case;
    pub mod differences;
    pub mod gpu;
    pub mod suite;
}
mod cases;
mod check;
mod contexts;
mod elementwise;
mod losses;

mod add;
mod avg_pool2d;
mod bce_with_logits;
mod concat;
mod conv2d;
mod cross_entropy;
mod dropout;
mod elu;
mod flatten;
mod gelu;
mod giou;
mod graphs;
mod hard_sigmoid;
mod hard_swish;
mod l1;
mod leaky_relu;
mod linear;
mod lp_pool2d;
mod max_pool2d;
mod mse;
mod nll_loss;
mod prelu;
mod relu;
mod relu6;
mod sgd;
mod sigmoid;
mod sigmoid_focal;
mod silu;
mod smooth_l1;
mod softplus;
mod tanh;

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
mod optimizer;

mod adam;
mod adamw;
mod add;
mod avg_pool2d;
mod batch_norm;
mod bce_with_logits;
mod concat;
mod conv2d;
mod crop;
mod cross_entropy;
mod dropout;
mod elu;
mod flatten;
mod gelu;
mod giou;
mod graphs;
mod group_norm;
mod hard_sigmoid;
mod hard_swish;
mod l1;
mod leaky_relu;
mod linear;
mod lp_pool2d;
mod max_pool2d;
mod mse;
mod mul;
mod nll_loss;
mod pad2d;
mod prelu;
mod relu;
mod relu6;
mod reshape;
mod rmsprop;
mod sgd;
mod sigmoid;
mod sigmoid_focal;
mod silu;
mod smooth_l1;
mod softplus;
mod split;
mod tanh;
mod update_control;
mod upsample_bilinear2d;
mod upsample_nearest2d;

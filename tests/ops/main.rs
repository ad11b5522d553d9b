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
mod optimizer;
mod ties;

mod adam;
mod adamw;
mod adaptive_avg_pool2d;
mod adaptive_max_pool2d;
mod add;
mod avg_pool2d;
mod batch_norm;
mod concat;
mod conv2d;
mod conv_transpose2d;
mod crop;
mod cross_entropy;
mod dropout;
mod elu;
mod flatten;
mod fused;
mod gelu;
mod global_avg_pool2d;
mod global_max_pool2d;
mod graphs;
mod group_norm;
mod hard_sigmoid;
mod hard_swish;
mod leaky_relu;
mod linear;
mod local_response_norm;
mod log_softmax;
mod lp_pool2d;
mod max_pool2d;
mod mul;
mod pad2d;
mod prelu;
mod relu;
mod relu6;
mod reshape;
mod rmsprop;
mod sgd;
mod sigmoid;
mod silu;
mod softmax;
mod softplus;
mod split;
mod tanh;
mod update_control;
mod upsample_bilinear2d;
mod upsample_nearest2d;

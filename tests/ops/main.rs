//! The kernels, on whatever adapter the environment selects: one file for each operator.

#[path = "../common"]
mod common {
    pub mod bound;
    pub mod case;
    pub mod differences;
    pub mod draft;
    pub mod gpu;
    pub mod mismatch;
    pub mod oracle;
    pub mod reference;
    pub mod strategies;
    pub mod values;
}
mod check;
mod contexts;
mod elementwise;
mod optimizer;

mod adam;
mod adamw;
mod add;
mod avg_pool2d;
mod batch_norm;
mod concat;
mod conv2d;
mod crop;
mod cross_entropy;
mod dropout;
mod elu;
mod every;
mod flatten;
mod gelu;
mod graphs;
mod group_norm;
mod hard_sigmoid;
mod hard_swish;
mod leaky_relu;
mod linear;
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
mod softplus;
mod split;
mod tanh;
mod update_control;
mod upsample_bilinear2d;
mod upsample_nearest2d;

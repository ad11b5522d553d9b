//! From operators of a network to their twins in one arithmetic.

use crate::ops::{Loss, Operator, Optimizer};

use super::{LossTwin, OptimizerTwin, Real, Twin};

/// An arithmetic in which every operator, loss and optimizer has a twin: `f32` and `f64`.
pub trait Precision: Real {
    /// The operator in this arithmetic.
    fn operator(operator: &dyn Operator) -> &dyn Twin<Self>;
    /// The loss in this arithmetic.
    fn loss(loss: &dyn Loss) -> &dyn LossTwin<Self>;
    /// The optimizer in this arithmetic.
    fn optimizer(optimizer: &dyn Optimizer) -> &dyn OptimizerTwin<Self>;
}

macro_rules! precision {
    ($t:ty) => {
        impl Precision for $t {
            fn operator(operator: &dyn Operator) -> &dyn Twin<Self> {
                operator
            }
            fn loss(loss: &dyn Loss) -> &dyn LossTwin<Self> {
                loss
            }
            fn optimizer(optimizer: &dyn Optimizer) -> &dyn OptimizerTwin<Self> {
                optimizer
            }
        }
    };
}
precision!(f32);
precision!(f64);

//! Between the host's order of elements and the device's. No operator of its own.

use super::program::{Activation, Dispatch, Kernel, TensorId, kernel};

/// Writes the host tensor `to` from `from`.
pub(crate) fn nhwc_to_nchw(layer: &str, from: Activation, to: TensorId) -> Dispatch {
    convert(layer, kernel!("common/nhwc_to_nchw"), from)
        .read(from.tensor)
        .write(to)
        .in_turn(from.total_quads(), 1)
}

/// Writes `to` from the host tensor `from`.
pub(crate) fn nchw_to_nhwc(layer: &str, from: TensorId, to: Activation) -> Dispatch {
    convert(layer, kernel!("common/nchw_to_nhwc"), to)
        .read(from)
        .write(to.tensor)
        .in_turn(to.total_quads(), 1)
}

fn convert(layer: &str, kernel: Kernel, image: Activation) -> Dispatch {
    let sizes = [image.shape.channels, image.shape.pixels(), image.batch];
    Dispatch::new(layer, kernel).uniform_sizes(&sizes)
}

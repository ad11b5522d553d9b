//! What must be read and written.

use wgcnn::gpu::Capabilities;
use wgcnn::ops::program::{Dispatch, Kernel, Program, TensorId};

use crate::ceilings::Work;
use crate::cost::{bound_bytes, parts, variant};

/// A dispatch of a layer that reads and writes these tensors.
fn dispatch(layer: &str, read: &[TensorId], write: &[TensorId]) -> Dispatch {
    let dispatch = Dispatch::new(layer, Kernel { name: "kernel", source: "" }).flops(10);
    let dispatch = read.iter().fold(dispatch, |dispatch, tensor| dispatch.read(*tensor));
    write.iter().fold(dispatch, |dispatch, tensor| dispatch.write(*tensor))
}

#[test]
fn what_stays_within_a_layer_does_not_count() {
    let mut program = Program::new(&Capabilities::webgpu());
    let [input, partial, output, end] = [64, 1024, 32, 16].map(|bytes| program.tensor("", bytes));
    program.push(dispatch("sum", &[input], &[partial]));
    program.push(dispatch("sum", &[partial], &[output]));
    program.push(dispatch("last", &[output], &[end]));
    assert_eq!(
        parts(&program, &[0, 1, 2]),
        [Work { flops: 20, bytes: 64 + 32 }, Work { flops: 10, bytes: 32 + 16 }]
    );
    assert_eq!(bound_bytes(&program, &[0, 1]), 64 + 1024 + 1024 + 32);
    assert_eq!(variant(&program, &[0, 1, 2]), "kernel");
}

#[test]
fn what_is_updated_in_place_counts_twice() {
    let mut program = Program::new(&Capabilities::webgpu());
    let [state, gradient] = [64, 32].map(|bytes| program.tensor("", bytes));
    program.push(dispatch("update", &[gradient], &[]).update(state));
    assert_eq!(parts(&program, &[0]), [Work { flops: 10, bytes: 2 * 64 + 32 }]);
    assert_eq!(bound_bytes(&program, &[0]), 2 * 64 + 32);
}

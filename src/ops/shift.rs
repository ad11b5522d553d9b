//! Moving a box of elements from one image into another: what cropping, splitting, padding and concatenating have
//! in common. No operator of its own.
//!
//! A place is a channel, a row and a column, in the order of [`Shape::sizes`].

use super::program::{Activation, Dispatch, TensorId, kernel, quads};
use super::{Backward, Forward};
use crate::shape::Shape;

/// Writes `to`, the part of `from` whose first element is at `place`.
pub(super) fn cut(layer: &str, from: Activation, place: [usize; 3], to: Activation) -> Dispatch {
    let region = Region { place: [0; 3], shape: to.shape };
    shift(layer, from, to, region, place.map(|at| at as i32), 0.0).write(to.tensor)
}

/// Writes `to`: `from`, its first element at `place`, and `value` around it. Channels around it are zero.
pub(super) fn surround(
    layer: &str,
    from: Activation,
    to: Activation,
    place: [usize; 3],
    value: f32,
) -> Dispatch {
    let region = Region { place: [0; 3], shape: to.shape };
    shift(layer, from, to, region, place.map(|at| -(at as i32)), value).write(to.tensor)
}

/// Writes `from` into `to`, its first element at `place`, and leaves what is before that place. What shares a quad
/// with its last channel and comes after it becomes zero. The first that goes into `to` is at its beginning.
pub(super) fn paste(layer: &str, from: Activation, to: Activation, place: [usize; 3]) -> Dispatch {
    let region = Region { place, shape: from.shape };
    let dispatch = shift(layer, from, to, region, place.map(|at| -(at as i32)), 0.0);
    if place == [0; 3] { dispatch.write(to.tensor) } else { dispatch.update(to.tensor) }
}

/// The forward pass of an operator whose output is the part of its input that begins at `place`.
pub(super) fn cut_forward(pass: Forward<'_>, place: [usize; 3]) -> Vec<TensorId> {
    let dispatch = cut(pass.layer, pass.inputs[0], place, pass.output);
    pass.program.push(dispatch);
    vec![]
}

/// Its backward pass.
pub(super) fn cut_backward(pass: Backward<'_>, place: [usize; 3]) {
    if let Some(grad_input) = pass.grad_inputs[0] {
        let dispatch = surround(pass.layer, pass.grad_output, grad_input, place, 0.0);
        pass.program.push(dispatch);
    }
}

/// The part of an image that is written.
struct Region {
    place: [usize; 3],
    shape: Shape,
}

/// Whether a range lies within `size` after it is moved.
fn within(size: usize, start: usize, len: usize, by: i32) -> bool {
    let moved = start as i64 + i64::from(by);
    moved >= 0 && moved + len as i64 <= size as i64
}

/// The dispatch, which binds `from` alone; an element of `to` comes from its place plus `by`.
fn shift(
    layer: &str,
    from: Activation,
    to: Activation,
    region: Region,
    by: [i32; 3],
    value: f32,
) -> Dispatch {
    let Region { place: [first, top, left], shape: Shape { channels, height, width } } = region;
    let region_quads = quads(first + channels) - first / 4;
    let inside =
        within(from.shape.height, top, height, by[1]) && within(from.shape.width, left, width, by[2]);
    // A quad of the output comes out of two of the input where those begin elsewhere.
    let read = region_quads + usize::from(by[0] % 4 != 0);
    let has_channels = within(from.quads(), first / 4, read, by[0].div_euclid(4));
    Dispatch::new(layer, kernel!("common/shift"))
        .constant("ACROSS", by[0] % 4 != 0)
        .constant("SURROUNDED", !inside)
        .constant("LACKING", !has_channels)
        .constant("KEEPS", !first.is_multiple_of(4))
        .read(from.tensor)
        .uniform(to.batch as u32)
        .uniform(value.to_bits())
        .uniform_sizes(&[from.shape.height, from.shape.width, from.quads()])
        .uniform_sizes(&[to.shape.height, to.shape.width, to.shape.channels])
        .uniform_sizes(&[first, left, top, region_quads, width, height])
        .uniform(by[0] as u32)
        .uniform(by[2] as u32)
        .uniform(by[1] as u32)
        .in_turn(to.batch * height * width * region_quads, 1)
}

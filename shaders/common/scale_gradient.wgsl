// The gradient that a backward pass begins with, times the loss scale: scaled = loss_scale · gradient.
//
// gradient: the gradient of the loss, in f32: what is small in it would not be held by less before it is scaled.
// scaled: an activation. Both are quads, [pixel][quad]; pad lanes stay zero.
// control: the state of the updates, for the loss scale.
// An invocation of n takes every n-th quad.

const WORKGROUP = 64u;

// section storage: how an activation lies in memory. Another is put here where it is stored in half precision.
alias Quad = vec4<f32>;
fn load(quad: Quad) -> vec4<f32> {
    return quad;
}
fn store(value: vec4<f32>) -> Quad {
    return value;
}
// end storage

struct UpdateControl {
    gradient_scale: f32,
    skip: u32,
    skipped: u32,
    loss_scale: f32,
}

@group(0) @binding(0) var<storage, read> gradient: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> scaled: array<Quad>;
@group(0) @binding(2) var<uniform> control: UpdateControl;
// The number of quads.
@group(0) @binding(3) var<uniform> quads: u32;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    for (var index = invocation.x; index < quads; index += workgroups.x * WORKGROUP) {
        scaled[index] = store(control.loss_scale * gradient[index]);
    }
}

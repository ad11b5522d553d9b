// Joins a split sum: result[r][i] = activate(sum over s of partial[s][i]), s in the r-th range of `span` splits, in
// order.
//
// partial  [splits][quads] vec4
// result   [ranges][quads] vec4, ranges = ceil(splits / span)
//
// An invocation owns one vec4. The splits of a range are few beside the terms that they joined, so that a plain loop
// reads them at the memory's speed, neighbours side by side.

// section storage: how an activation lies in memory. Another is put here where it is stored in half precision.
alias Quad = vec4<f32>;
fn load(quad: Quad) -> vec4<f32> {
    return quad;
}
fn store(value: vec4<f32>) -> Quad {
    return value;
}
// end storage

// section result: how the output lies in memory: like an activation where it is one, otherwise plain.
alias Result = vec4<f32>;
fn store_result(value: vec4<f32>) -> Result {
    return value;
}
// end result

// section activation: what the scheduler fuses into the store. Another function is put here.
fn activate(x: vec4<f32>) -> vec4<f32> {
    return x;
}
// end activation

struct Params {
    quads: u32,
    splits: u32,
    span: u32,
    // The channels of a pixel of the result. Lanes past them stay zero; a multiple of four keeps every lane.
    channels: u32,
}

@group(0) @binding(0) var<storage, read> partial: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> result: array<Result>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = (group.x + group.y * groups.x) * 64u + local;
    let place = i % params.quads;
    let begin = i / params.quads * params.span;
    let end = min(begin + params.span, params.splits);
    // Past the last range there is nothing to sum.
    if (begin >= end) {
        return;
    }
    var sum = vec4(0.0);
    for (var split = begin; split < end; split++) {
        sum += partial[split * params.quads + place];
    }
    let column = place % ((params.channels + 3u) / 4u);
    let valid = vec4(4u * column) + vec4(0u, 1u, 2u, 3u) < vec4(params.channels);
    result[i] = store_result(select(vec4(0.0), activate(sum), valid));
}

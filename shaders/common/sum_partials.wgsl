// Joins a split sum: result[r][i] = sum over s of partial[s][i], s in the r-th range of `span` splits, in order.
//
// partial  [splits][quads] vec4
// result   [ranges][quads] vec4, ranges = ceil(splits / span)
//
// An invocation owns one vec4. The splits of a range are few beside the terms that they joined, so that a plain loop
// reads them at the memory's speed, neighbours side by side.

struct Params {
    quads: u32,
    splits: u32,
    span: u32,
}

@group(0) @binding(0) var<storage, read> partial: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> result: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = (group.x + group.y * groups.x) * 64u + local;
    let column = i % params.quads;
    let begin = i / params.quads * params.span;
    let end = min(begin + params.span, params.splits);
    // Past the last range there is nothing to sum.
    if (begin >= end) {
        return;
    }
    var sum = vec4(0.0);
    for (var split = begin; split < end; split++) {
        sum += partial[split * params.quads + column];
    }
    result[i] = sum;
}

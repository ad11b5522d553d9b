// Adaptive max pooling, the end of the forward pass where windows are split: the largest of a window's parts.
//
//   y[i] = max values[part][i] over the parts, taps[i] = positions[part][i] of that maximum
//
// values and positions are what `forward.wgsl` found in each part: `total` quads, and as many vec4 of the pixels'
// numbers within their windows. y is NHWC quads, taps a word a channel. As there, the first of equal maxima wins, and
// the last NaN; a part's numbers are all larger than those of the parts before it, except where it holds nothing
// larger than the window's first pixel, which is then what it says.
//
// An invocation owns one quad. The parts are few beside the pixels that they joined, so that a plain loop reads them
// at the memory's speed, neighbours side by side.

// section storage: how an activation lies in memory. Another is put here where it is stored in half precision.
alias Quad = vec4<f32>;
fn load(quad: Quad) -> vec4<f32> {
    return quad;
}
fn store(value: vec4<f32>) -> Quad {
    return value;
}
// end storage

struct Params {
    total: u32,
    parts: u32,
}

@group(0) @binding(0) var<storage, read> values: array<vec4f>;
@group(0) @binding(1) var<storage, read> positions: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> y: array<Quad>;
@group(0) @binding(3) var<storage, read_write> taps: array<vec4u>;
@group(0) @binding(4) var<uniform> params: Params;

// By its bits: a compiler may assume that a float is never NaN.
fn is_nan(value: vec4f) -> vec4<bool> {
    return (bitcast<vec4u>(value) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let quad = (group.x + group.y * groups.x) * 64u + local;
    if quad >= params.total {
        return;
    }
    var best = values[quad];
    var tap = positions[quad];
    for (var part = 1u; part < params.parts; part++) {
        let value = values[part * params.total + quad];
        let position = positions[part * params.total + quad];
        let wins = (!is_nan(best) & (value > best)) | (is_nan(value) & (position > tap));
        best = select(best, value, wins);
        tap = select(tap, position, wins);
    }
    y[quad] = store(best);
    taps[quad] = tap;
}

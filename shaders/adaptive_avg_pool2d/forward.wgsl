// Adaptive average pooling, forward; global average pooling is the case of one window.
//
//   y[n, oy, ox, c] = 1 / D · Σ x[n, iy, ix, c] over the D pixels (iy, ix) of window (oy, ox), which has
//   the rows floor(oy·H / OH) .. ceil((oy + 1)·H / OH) and the columns floor(ox·W / OW) .. ceil((ox + 1)·W / OW)
//
// Bindings: x is NHWC quads, ((n·H + iy)·W + ix)·Q + q. Where the windows are not split, y is too,
// ((n·OH + oy)·OW + ox)·Q + q. Where they are split into parts, y is [part] of such tensors, whose sum is the mean
// (common/sum_partials.wgsl).
// A workgroup owns 64 / LANES output quads side by side, or one part of each; LANES invocations share a window, whose
// pixels they take in turns, and join their sums as a fixed tree. Many small windows have one lane each and no tree;
// one large window has 64, which read 64 pixels side by side.

const WORKGROUP = 64u;

override H: u32; // rows of x
override W: u32; // columns of x
override OH: u32; // rows of y
override OW: u32; // columns of y
override Q: u32; // quads of channels
override LANES: u32; // invocations that share a window: a power of two up to 64

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

struct Params {
    batch: u32,
    parts: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Quad>;
@group(0) @binding(1) var<storage, read_write> y: array<Result>;
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> sums: array<vec4f, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let windows = WORKGROUP / LANES;
    let lane = local / windows;
    let total = params.batch * OH * OW * Q;
    let owned = (group.x + group.y * groups.x) * windows + local % windows;
    // What is past the last goes along, because all meet at the barriers, and writes nothing.
    let quad = min(owned, total - 1u);
    let q = quad % Q;
    let ox = quad / Q % OW;
    let oy = quad / (Q * OW) % OH;
    let n = quad / (Q * OW * OH);

    let top = oy * H / OH;
    let left = ox * W / OW;
    let width = ((ox + 1u) * W + OW - 1u) / OW - left;
    let pixels = (((oy + 1u) * H + OH - 1u) / OH - top) * width;
    let span = (pixels + params.parts - 1u) / params.parts;
    let begin = group.z * span + lane;
    let end = min((group.z + 1u) * span, pixels);

    // From one pixel of the lane to its next, without dividing again.
    let next_row = LANES / width;
    let next_column = LANES % width;
    var row = begin / width;
    var column = begin % width;
    var sum = vec4f();
    for (var pixel = begin; pixel < end; pixel += LANES) {
        sum += load(x[((n * H + top + row) * W + left + column) * Q + q]);
        row += next_row;
        column += next_column;
        if column >= width {
            column -= width;
            row++;
        }
    }

    sums[local] = sum;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        if lane < half {
            sums[local] += sums[local + half * windows];
        }
        workgroupBarrier();
    }
    if lane == 0u && owned < total {
        y[group.z * total + quad] = store_result(sums[local] / f32(pixels));
    }
}

// Adaptive max pooling, forward; global max pooling is the case of one window.
//
//   y[n, oy, ox, c] = max x[n, iy, ix, c] over the pixels (iy, ix) of window (oy, ox), which has
//   the rows floor(oy·H / OH) .. ceil((oy + 1)·H / OH) and the columns floor(ox·W / OW) .. ceil((ox + 1)·W / OW)
//   taps[n, oy, ox, c] = the number of that pixel within the window, in row-major order
//
// The first of equal maxima wins. A NaN in the window is the maximum, and of several the last wins (as in PyTorch).
//
// Bindings: x is NHWC quads, ((n·H + iy)·W + ix)·Q + q. Where the windows are not split, y is too,
// ((n·OH + oy)·OW + ox)·Q + q; taps[i] holds those of y[i], one byte a channel from the lowest (TAP_WORDS = 1), or
// where a window has more than 256 pixels taps[4·i .. 4·i + 3] do, a word a channel (TAP_WORDS = 4). Where the windows
// are split into parts, y and taps are [part] of such tensors, with TAP_WORDS = 4 (`join.wgsl` joins them).
// A workgroup owns 64 / LANES output quads side by side, or one part of each; LANES invocations share a window, whose
// pixels they take in turns, and join what they found as a tree. Many small windows have one lane each and no tree; one
// large window has 64, which read 64 pixels side by side.

const WORKGROUP = 64u;

override H: u32; // rows of x
override W: u32; // columns of x
override OH: u32; // rows of y
override OW: u32; // columns of y
override Q: u32; // quads of channels
override LANES: u32; // invocations that share a window: a power of two up to 64
override TAP_WORDS: u32; // words that the taps of a quad take: 1 or 4

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
@group(0) @binding(2) var<storage, read_write> taps: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;

var<workgroup> values: array<vec4f, WORKGROUP>;
var<workgroup> positions: array<vec4u, WORKGROUP>;

// By its bits: a compiler may assume that a float is never NaN.
fn is_nan(value: vec4f) -> vec4<bool> {
    return (bitcast<vec4u>(value) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
}

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
    // All begin with the window's first pixel, which loses to none of theirs that is larger: so no lane is empty.
    var best = load(x[((n * H + top) * W + left) * Q + q]);
    var tap = vec4u();
    for (var pixel = begin; pixel < end; pixel += LANES) {
        let value = load(x[((n * H + top + row) * W + left + column) * Q + q]);
        let wins = (value > best) | is_nan(value);
        best = select(best, value, wins);
        tap = select(tap, vec4u(pixel), wins);
        row += next_row;
        column += next_column;
        if column >= width {
            column -= width;
            row++;
        }
    }

    values[local] = best;
    positions[local] = tap;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        if lane < half {
            let value = values[local + half * windows];
            let position = positions[local + half * windows];
            let nan = is_nan(best);
            let first = (value == best) & (position < tap);
            let last = is_nan(value) & (!nan | (position > tap));
            let wins = (!nan & ((value > best) | first)) | last;
            best = select(best, value, wins);
            tap = select(tap, position, wins);
            values[local] = best;
            positions[local] = tap;
        }
        workgroupBarrier();
    }

    if lane == 0u && owned < total {
        let at = group.z * total + quad;
        y[at] = store_result(best);
        if TAP_WORDS == 1u {
            taps[at] = tap.x | (tap.y << 8u) | (tap.z << 16u) | (tap.w << 24u);
        } else {
            taps[4u * at] = tap.x;
            taps[4u * at + 1u] = tap.y;
            taps[4u * at + 2u] = tap.z;
            taps[4u * at + 3u] = tap.w;
        }
    }
}

// Resampling by bilinear interpolation, gradient to the input:
//
//   grad_input[n, y, x, c] = Σ (1 − |y − v|) · (1 − |x − u|) · grad_output[n, oy, ox, c]
//
// over the output pixels (oy, ox) whose place (v, u) in the input is less than one row and one column away. Along
// an axis they are a range, and their places are the fractions of integers of the forward pass.
//
// Bindings: grad_output and grad_input are NHWC quads, ((n·H + y)·W + x)·Q + q, of OH x OW and of H x W pixels.
// Where the sum is split, by rows, grad_input is partial sums, [split][its quads], which common/sum_partials.wgsl
// joins.
// An invocation owns one quad of one split and gathers, so that nothing is added atomically and the order of the sum
// is fixed; neighbours read neighbouring quads.

const WORKGROUP = 64u;

override H: u32;
override W: u32;
override Q: u32;
override OH: u32;
override OW: u32;
override ALIGN_CORNERS: bool;

// section storage: how an activation lies in memory. Another is put here where it is stored in half precision.
alias Quad = vec4<f32>;
fn load(quad: Quad) -> vec4<f32> {
    return quad;
}
fn store(value: vec4<f32>) -> Quad {
    return value;
}
// end storage

// section result: how the output lies in memory, an activation or partial sums in f32.
alias Result = vec4<f32>;
fn store_result(value: vec4<f32>) -> Result {
    return value;
}
// end result

struct Params {
    batch: u32,
    // How many rows one split sums.
    span: u32,
    splits: u32,
}

@group(0) @binding(0) var<storage, read> grad_output: array<Quad>;
@group(0) @binding(1) var<storage, read_write> grad_input: array<Result>;
@group(0) @binding(2) var<uniform> params: Params;

// The place of output pixel i in the input along an axis, as a numerator over unit(). Without ALIGN_CORNERS it is
// (i + 1/2) · size / out_size − 1/2, at least that of the first pixel and at most that of the last.
fn numerator(i: u32, size: u32, out_size: u32) -> u32 {
    let centred = max((2u * i + 1u) * size, out_size) - out_size;
    return select(min(centred, (size - 1u) * 2u * out_size), i * (size - 1u), ALIGN_CORNERS);
}

fn unit(out_size: u32) -> u32 {
    return select(2u * out_size, max(out_size - 1u, 1u), ALIGN_CORNERS);
}

// The weight of place i of the input in what an output pixel is interpolated from.
fn weight(i: u32, reader: u32, size: u32, out_size: u32) -> f32 {
    let place = numerator(reader, size, out_size);
    let own = i * unit(out_size);
    return f32(unit(out_size) - (max(place, own) - min(place, own))) / f32(unit(out_size));
}

// The places along an axis of the output that are less than one away from place i of the input: from, to below.
fn readers(i: u32, size: u32, out_size: u32) -> vec2<u32> {
    let step = max(size - 1u, 1u);
    // Of the first place the begin is not used, of the last the end: the maxima keep them from wrapping around and
    // from dividing by zero.
    let before = max(i, 1u) - 1u;
    let aligned = vec2<u32>(before * unit(out_size) / step + 1u, ((i + 1u) * unit(out_size) + step - 1u) / step);
    let centred = vec2<u32>(
        ((2u * before + 1u) * out_size / size + 1u) / 2u,
        ((2u * i + 3u) * out_size + size - 1u) / size / 2u,
    );
    let range = select(centred, aligned, ALIGN_CORNERS);
    return vec2<u32>(select(range.x, 0u, i == 0u), select(range.y, out_size, i + 1u == size));
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) invocation: u32,
) {
    let index = (workgroup.x + workgroup.y * workgroups.x) * WORKGROUP + invocation;
    let quads = params.batch * H * W * Q;
    if index >= params.splits * quads {
        return;
    }
    let split = index / quads;
    let q = index % Q;
    let x = index / Q % W;
    let y = index / (Q * W) % H;
    let n = index % quads / (Q * W * H);

    let rows = readers(y, H, OH);
    let columns = readers(x, W, OW);
    let top = rows.x + split * params.span;
    let bottom = min(top + params.span, rows.y);
    var sum = vec4<f32>();
    for (var oy = top; oy < bottom; oy++) {
        var row = vec4<f32>();
        for (var ox = columns.x; ox < columns.y; ox++) {
            row += weight(x, ox, W, OW) * load(grad_output[((n * OH + oy) * OW + ox) * Q + q]);
        }
        sum += weight(y, oy, H, OH) * row;
    }
    grad_input[index] = store_result(sum);
}

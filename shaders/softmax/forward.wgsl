// Softmax, forward: y_i = e^(x_i − top) / Σ e^(x_j − top) along a line, top being its largest x.
//
// x, y: the quads of an activation of CHANNELS channels. Line k is the LENGTH quads from k / INNER · LENGTH · INNER +
// k % INNER on, INNER apart. Where ACROSS, a line is the channels of one pixel; otherwise it runs along height or width,
// and each of a quad's four channels is for itself. Zero in the pad lanes of y.
//
// A workgroup owns 64 / LANES lines side by side; LANES invocations share a line, whose quads they take in turns. Each
// goes through its quads once for the largest and the sum together, rescaling the sum where a larger x turns up (Milakov
// and Gimelshein 2018, arXiv:1805.02867); the lanes join theirs as a fixed tree; and a second time, out of the cache, to
// write y. Many short lines have a lane each and no tree; a long one, a thousand classes, is tiled over 64.

const WORKGROUP = 64u;
const QUAD = vec4<u32>(0u, 1u, 2u, 3u);
const LOWEST = -3.4028234e38;

override CHANNELS: u32;
override LENGTH: u32; // quads of a line
override INNER: u32; // quads from one of a line to the next
override LANES: u32; // invocations that share a line: a power of two up to 64
override ACROSS: bool; // whether the four channels of a quad belong to one line

// section storage: how an activation lies in memory. Another is put here where it is stored in half precision.
alias Quad = vec4<f32>;
fn load(quad: Quad) -> vec4<f32> {
    return quad;
}
fn store(value: vec4<f32>) -> Quad {
    return value;
}
// end storage

@group(0) @binding(0) var<storage, read> x: array<Quad>;
@group(0) @binding(1) var<storage, read_write> y: array<Quad>;
// The number of lines.
@group(0) @binding(2) var<uniform> lines: u32;

var<workgroup> tops: array<vec4<f32>, WORKGROUP>;
var<workgroup> sums: array<vec4<f32>, WORKGROUP>;

// Which lanes of a quad are channels.
fn is_channel(quad: u32) -> vec4<bool> {
    return quad % ((CHANNELS + 3u) / 4u) * 4u + QUAD < vec4(CHANNELS);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    // Neighbours read neighbouring quads: of a line across channels it is its lanes that do, otherwise the owners.
    let owners = WORKGROUP / LANES;
    let apart = select(owners, 1u, ACROSS);
    let lane = local / apart % LANES;
    let owner = select(local % owners, local / LANES, ACROSS);
    let owned = (group.x + group.y * groups.x) * owners + owner;
    // What is past the last goes along, because all meet at the barriers, and writes nothing.
    let line = min(owned, lines - 1u);
    let first = line / INNER * (LENGTH * INNER) + line % INNER;

    var top = vec4(LOWEST);
    var sum = vec4<f32>();
    for (var i = lane; i < LENGTH; i += LANES) {
        let quad = first + i * INNER;
        let value = select(vec4(LOWEST), load(x[quad]), is_channel(quad));
        let higher = max(top, value);
        sum = sum * exp(top - higher) + select(vec4<f32>(), exp(value - higher), is_channel(quad));
        top = higher;
    }

    tops[local] = top;
    sums[local] = sum;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        if lane < half {
            let other = local + half * apart;
            let higher = max(tops[local], tops[other]);
            sums[local] = sums[local] * exp(tops[local] - higher) + sums[other] * exp(tops[other] - higher);
            tops[local] = higher;
        }
        workgroupBarrier();
    }
    top = tops[local - lane * apart];
    sum = sums[local - lane * apart];
    if ACROSS {
        let higher = max(max(top.x, top.y), max(top.z, top.w));
        sum = vec4(dot(sum, exp(top - higher)));
        top = vec4(higher);
    }
    if owned >= lines {
        return;
    }
    for (var i = lane; i < LENGTH; i += LANES) {
        let quad = first + i * INNER;
        let value = exp(load(x[quad]) - top) / sum;
        y[quad] = store(select(vec4<f32>(), value, is_channel(quad)));
    }
}

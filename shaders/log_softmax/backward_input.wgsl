// Log-softmax, backward: grad_x_i = grad_y_i − e^(y_i) · Σ grad_y_j along a line.
//
// y, grad_y, grad_x: the quads of an activation of CHANNELS channels. Line k is the LENGTH quads from
// k / INNER · LENGTH · INNER + k % INNER on, INNER apart. Where ACROSS, a line is the channels of one pixel; otherwise it
// runs along height or width, and each of a quad's four channels is for itself. Zero in the pad lanes of grad_x.
//
// A workgroup owns 64 / LANES lines side by side; LANES invocations share a line, whose quads they take in turns, once
// for the sum, which they join as a fixed tree, and a second time, out of the cache, to write grad_x.

const WORKGROUP = 64u;
const QUAD = vec4<u32>(0u, 1u, 2u, 3u);

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

@group(0) @binding(0) var<storage, read> y: array<Quad>;
@group(0) @binding(1) var<storage, read> grad_y: array<Quad>;
@group(0) @binding(2) var<storage, read_write> grad_x: array<Quad>;
// The number of lines.
@group(0) @binding(3) var<uniform> lines: u32;

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

    var sum = vec4<f32>();
    for (var i = lane; i < LENGTH; i += LANES) {
        let quad = first + i * INNER;
        sum += load(grad_y[quad]);
    }

    sums[local] = sum;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        if lane < half {
            sums[local] += sums[local + half * apart];
        }
        workgroupBarrier();
    }
    sum = sums[local - lane * apart];
    if ACROSS {
        sum = vec4(sum.x + sum.y + sum.z + sum.w);
    }
    if owned >= lines {
        return;
    }
    for (var i = lane; i < LENGTH; i += LANES) {
        let quad = first + i * INNER;
        let value = load(grad_y[quad]) - exp(load(y[quad])) * sum;
        grad_x[quad] = store(select(vec4<f32>(), value, is_channel(quad)));
    }
}

// A region of an image, from another image that is shifted against it:
//
//   output[n, y, x, c] = input[n, y + DY, x + DX, c + DC]
//
// Where y + DY or x + DX lies outside the input it is the value of the uniform, where c + DC does, zero.
// Over the whole output this is a crop, one part of a split, or padding with a constant, and the gradient of each.
// Over a region it is one input of a concatenation.
//
// Bindings: input and output are NHWC quads, ((n·H + y)·W + x)·Q + q, of H x W pixels in Q quads and of OH x OW
// pixels in OC channels.
// The region is ROWS x COLUMNS pixels from TOP and LEFT on, in QUADS quads from the one of channel FIRST on. The
// channels of that quad below FIRST stay as they are: an earlier dispatch wrote them.
// An invocation of n takes every n-th quad of the region: the kernel is bound by memory, and neighbours read and
// write neighbouring quads. Where DC is no multiple of four a quad comes out of two, of which a neighbour reads one
// as well.

const WORKGROUP = 64u;

override H: u32;
override W: u32;
override Q: u32;
override OH: u32;
override OW: u32;
override OC: u32;
override TOP: u32;
override LEFT: u32;
override FIRST: u32;
override ROWS: u32;
override COLUMNS: u32;
override QUADS: u32;
override DY: i32;
override DX: i32;
override DC: i32;

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
    batch: u32,
    value: f32,
}

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read_write> output: array<Quad>;
@group(0) @binding(2) var<uniform> params: Params;

fn quad(pixel: u32, q: i32) -> vec4<f32> {
    // Below zero this wraps around and is larger than any.
    if u32(q) >= Q {
        return vec4<f32>();
    }
    return load(input[pixel * Q + u32(q)]);
}

// Four channels of a pixel of the input from `first` on.
fn channels(pixel: u32, first: i32) -> vec4<f32> {
    let q = first >> 2u;
    let low = quad(pixel, q);
    if (DC & 3) == 0 {
        return low;
    }
    let high = quad(pixel, q + 1);
    let by_one = vec4<f32>(low.yzw, high.x);
    let by_two = vec4<f32>(low.zw, high.xy);
    let by_three = vec4<f32>(low.w, high.xyz);
    return select(select(by_three, by_two, (DC & 3) == 2), by_one, (DC & 3) == 1);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    for (var index = invocation.x; index < params.batch * ROWS * COLUMNS * QUADS; index += workgroups.x * WORKGROUP) {
        let q = index % QUADS + FIRST / 4u;
        let x = index / QUADS % COLUMNS + LEFT;
        let y = index / (QUADS * COLUMNS) % ROWS + TOP;
        let n = index / (QUADS * COLUMNS * ROWS);

        // Above the input and to its left these wrap around.
        let iy = y + u32(DY);
        let ix = x + u32(DX);
        var value = vec4<f32>(params.value);
        if (iy < H) & (ix < W) {
            value = channels((n * H + iy) * W + ix, i32(4u * q) + DC);
        }
        let place = ((n * OH + y) * OW + x) * ((OC + 3u) / 4u) + q;
        let channel = vec4<u32>(4u * q) + vec4<u32>(0u, 1u, 2u, 3u);
        if 4u * q < FIRST {
            value = select(value, load(output[place]), channel < vec4<u32>(FIRST));
        }
        output[place] = store(select(vec4<f32>(), value, channel < vec4<u32>(OC)));
    }
}

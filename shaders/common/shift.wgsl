// A region of an image, from another image that is shifted against it:
//
//   output[n, y, x, c] = input[n, y + by.y, x + by.x, c + by.c]
//
// Where y + by.y or x + by.x lies outside the input it is the value of the uniform, where c + by.c does, zero.
// Over the whole output this is a crop, one part of a split, or padding with a constant, and the gradient of each.
// Over a region it is one input of a concatenation.
//
// input, output: the quads of images, ((n·height + y)·width + x)·quads + q.
// The region begins at `left`, `top` and the quad of channel `first`. The channels of that quad below `first` stay as
// they are: an earlier dispatch wrote them.
// An invocation of n takes every n-th quad of the region: the kernel is bound by memory, and neighbours read and
// write neighbouring quads. Where by.c is no multiple of four a quad comes out of two, of which a neighbour reads one
// as well. Sizes are in the uniform, not overrides, so that layers share a pipeline: there is one for each way to move.

const WORKGROUP = 64u;

// Whether by.c is no multiple of four.
override ACROSS: bool = true;
// Whether the region reaches past the input's height or width, and past its quads of channels.
override SURROUNDED: bool = true;
override LACKING: bool = true;
// Whether it begins within a quad.
override KEEPS: bool = true;

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
    // Of the input: its height, width and quads of channels.
    in_height: u32,
    in_width: u32,
    in_quads: u32,
    // Of the output, and its channels.
    out_height: u32,
    out_width: u32,
    out_channels: u32,
    // Where the region begins, and how many quads, columns and rows it has.
    first: u32,
    left: u32,
    top: u32,
    quads: u32,
    columns: u32,
    rows: u32,
    // From a place in the output to that in the input.
    by_channels: i32,
    by_columns: i32,
    by_rows: i32,
}

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read_write> output: array<Quad>;
@group(0) @binding(2) var<uniform> params: Params;

// Where an item lies in the region: its quad, column, row and sample.
fn place(item: u32) -> vec4<u32> {
    let pixel = item / params.quads;
    let row = pixel / params.columns;
    return vec4(item % params.quads, pixel % params.columns, row % params.rows, row / params.rows);
}

// The place that is as many items after another as `by` is after the first: without a division, which is slow where
// the divisor is not known to the compiler.
fn advance(at: vec4<u32>, by: vec4<u32>) -> vec4<u32> {
    let q = at.x + by.x;
    let next_column = q >= params.quads;
    let column = at.y + by.y + u32(next_column);
    let next_row = column >= params.columns;
    let row = at.z + by.z + u32(next_row);
    let next_sample = row >= params.rows;
    return vec4(
        select(q, q - params.quads, next_column),
        select(column, column - params.columns, next_row),
        select(row, row - params.rows, next_sample),
        at.w + by.w + u32(next_sample),
    );
}

// A quad of the input, zero where there is none.
fn quad(pixel: u32, q: i32) -> vec4<f32> {
    // Below zero this wraps around and is larger than any.
    if LACKING & (u32(q) >= params.in_quads) {
        return vec4<f32>();
    }
    return load(input[pixel * params.in_quads + u32(q)]);
}

// Four channels of a pixel of the input from `first` on.
fn channels(pixel: u32, first: i32) -> vec4<f32> {
    let q = first >> 2u;
    let low = quad(pixel, q);
    if !ACROSS {
        return low;
    }
    let skip = params.by_channels & 3;
    let high = quad(pixel, q + 1);
    let by_one = vec4<f32>(low.yzw, high.x);
    let by_two = vec4<f32>(low.zw, high.xy);
    let by_three = vec4<f32>(low.w, high.xyz);
    return select(select(by_three, by_two, skip == 2), by_one, skip == 1);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    let step = place(workgroups.x * WORKGROUP);
    for (var at = place(invocation.x); at.w < params.batch; at = advance(at, step)) {
        let q = at.x + params.first / 4u;
        let x = at.y + params.left;
        let y = at.z + params.top;

        // Above the input and to its left these wrap around.
        let iy = y + u32(params.by_rows);
        let ix = x + u32(params.by_columns);
        var value = vec4<f32>(params.value);
        if !SURROUNDED | ((iy < params.in_height) & (ix < params.in_width)) {
            value = channels((at.w * params.in_height + iy) * params.in_width + ix, i32(4u * q) + params.by_channels);
        }
        let out_quads = (params.out_channels + 3u) / 4u;
        let index = ((at.w * params.out_height + y) * params.out_width + x) * out_quads + q;
        let channel = vec4<u32>(4u * q) + vec4<u32>(0u, 1u, 2u, 3u);
        if KEEPS {
            let kept = 4u * q < params.first;
            value = select(value, load(output[select(0u, index, kept)]), channel < vec4<u32>(params.first));
        }
        output[index] = store(select(vec4<f32>(), value, channel < vec4<u32>(params.out_channels)));
    }
}

// The bandwidth of workgroup memory: vec4 are read from it, over and over.
//
// output: the sum of what an invocation read, [invocation].
// A workgroup has 64 invocations and a tile of 512 vec4 (8 KiB), so that several of them find room on one core. In a
// step an invocation reads eight vec4 that lie 64 apart, neighbours next to each other: no two of a subgroup meet in a
// bank more often than they must. Four sums, that reads need not wait for additions.

var<workgroup> tile: array<vec4<f32>, 512>;

@group(0) @binding(0) var<storage, read_write> output: array<vec4<f32>>;
@group(0) @binding(1) var<uniform> steps: u32;

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(local_invocation_index) invocation: u32,
) {
    for (var at = invocation; at < 512u; at += 64u) {
        tile[at] = vec4(f32(at));
    }
    workgroupBarrier();
    var a = vec4<f32>();
    var b = vec4<f32>();
    var c = vec4<f32>();
    var d = vec4<f32>();
    var at = invocation;
    for (var step = 0u; step < steps; step++) {
        a += tile[at];
        b += tile[(at + 64u) & 511u];
        c += tile[(at + 128u) & 511u];
        d += tile[(at + 192u) & 511u];
        a += tile[(at + 256u) & 511u];
        b += tile[(at + 320u) & 511u];
        c += tile[(at + 384u) & 511u];
        d += tile[(at + 448u) & 511u];
        at = (at + 8u) & 511u;
    }
    output[id.x] = a + b + c + d;
}

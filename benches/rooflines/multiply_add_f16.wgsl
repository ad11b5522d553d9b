// The rate of multiply-adds in f16, where the device has them: x = x * a + b, over and over.
//
// factors: a and b, read so that no compiler knows them. output: the sum of an invocation's chains, [invocation].
// A workgroup has 64 invocations. An invocation owns four chains of vec4 that do not wait for each other: enough to hide
// what one takes, and few enough for the 16 vector registers of a processor that stands in for a GPU.

enable f16;

@group(0) @binding(0) var<storage, read> factors: array<vec4<f16>>;
@group(0) @binding(1) var<storage, read_write> output: array<vec4<f16>>;
// Every step has four multiply-adds a chain.
@group(0) @binding(2) var<uniform> steps: u32;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let a = factors[0];
    let b = factors[1];
    var x0 = vec4(f16(id.x & 7u));
    var x1 = x0 + a;
    var x2 = x0 - a;
    var x3 = x0 + b;
    for (var step = 0u; step < steps; step++) {
        x0 = fma(x0, a, b);
        x1 = fma(x1, a, b);
        x2 = fma(x2, a, b);
        x3 = fma(x3, a, b);
        x0 = fma(x0, a, b);
        x1 = fma(x1, a, b);
        x2 = fma(x2, a, b);
        x3 = fma(x3, a, b);
        x0 = fma(x0, a, b);
        x1 = fma(x1, a, b);
        x2 = fma(x2, a, b);
        x3 = fma(x3, a, b);
        x0 = fma(x0, a, b);
        x1 = fma(x1, a, b);
        x2 = fma(x2, a, b);
        x3 = fma(x3, a, b);
    }
    output[id.x] = x0 + x1 + x2 + x3;
}

// The end of every loss's forward pass: the sums of what its workgroups measured, and
// loss = Σ loss, divided by Σ weight where MEAN.
//
// partials: (loss, weight, right, count) of each workgroup of the kernel before, from `begin` to before `end`.
// result: one vec4, (loss, weight, right, count).
//
// One workgroup of 256 invocations does all: invocation i sums the partials i, i + 256, i + 512, …, and
// the sums are joined as a fixed tree. A partial stands for at least 64 predictions, so that an invocation
// comes to 65,535 iterations only at a thousand million of them, which no binding holds.

const WORKGROUP = 256u;

override MEAN: bool;

struct Params {
    begin: u32,
    end: u32,
    // How many invocations join their sums: all of a workgroup. Were it a constant, drivers would write out the loop, and
    // those for processors take a tenth of a second for each barrier.
    lanes: u32,
}

@group(0) @binding(0) var<storage, read> partials: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> result: vec4<f32>;
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> sums: array<vec4<f32>, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(local_invocation_index) invocation: u32) {
    var sum = vec4<f32>();
    for (var index = params.begin + invocation; index < params.end; index += WORKGROUP) {
        sum += partials[index];
    }
    sums[invocation] = sum;
    workgroupBarrier();
    for (var half = params.lanes / 2u; half > 0u; half /= 2u) {
        if invocation < half {
            sums[invocation] += sums[invocation + half];
        }
        workgroupBarrier();
    }
    if invocation == 0u {
        let total = sums[0];
        result = vec4(select(total.x, total.x / total.y, MEAN), total.yzw);
    }
}

// Batch normalisation outside training: the running statistics in the form that normalisation takes them,
//
//   mean = running_mean,   inverse = 1 / √(running_var + EPS)
//
// running_mean, running_var  [quads] vec4
// statistics                 [quads]: mean and inverse; zero in pad lanes
//
// An invocation owns one quad; there are few.

const WORKGROUP = 64u;

override EPS: f32;

struct Statistics {
    mean: vec4<f32>,
    inverse: vec4<f32>,
}

@group(0) @binding(0) var<storage, read> running_mean: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> running_var: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> statistics: array<Statistics>;
@group(0) @binding(3) var<uniform> channels: u32;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let q = (workgroup.x + workgroup.y * workgroups.x) * WORKGROUP + local;
    if q >= (channels + 3u) / 4u {
        return;
    }
    let is_pad = q * 4u + vec4(0u, 1u, 2u, 3u) >= vec4(channels);
    let inverse = 1.0 / sqrt(running_var[q] + EPS);
    statistics[q] = Statistics(running_mean[q], select(inverse, vec4<f32>(), is_pad));
}

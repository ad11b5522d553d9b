// Activations in half precision on devices with the feature shader-f16.
//
// A file of sections, put into the place of the kernels' own (src/ops/section.rs). The conversion rounds to the
// nearest and makes infinite what is too large on all adapters seen, so that an overflow is seen; WGSL promises neither.

enable f16;

// section storage: four f16.
alias Quad = vec4<f16>;
fn load(quad: Quad) -> vec4<f32> {
    return vec4<f32>(quad);
}
fn store(value: vec4<f32>) -> Quad {
    return vec4<f16>(value);
}
// end storage

// section result: an output that is an activation.
alias Result = Quad;
fn store_result(value: vec4<f32>) -> Result {
    return store(value);
}
// end result

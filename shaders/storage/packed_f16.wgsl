// Activations in half precision on any device: two channels in a word.
//
// A file of sections, put into the place of the kernels' own (src/ops/section.rs). The packing function may
// give anything for what is too large for f16, so such values become infinite here by hand: an overflow must be seen.
// From 65,520 on a number is nearer to the first that f16 does not have than to 65,504, its largest. And it may round
// towards zero, as Direct3D's does, which would make everything a little smaller; so what it gets is rounded before.

// section storage: four f16 in two words.
alias Quad = vec2<u32>;
fn load(quad: Quad) -> vec4<f32> {
    return vec4(unpack2x16float(quad.x), unpack2x16float(quad.y));
}
// The nearest number that f16 has, to even where two are as near.
fn nearest_half(value: vec2<f32>) -> vec2<f32> {
    let bits = bitcast<vec2<u32>>(value);
    let exponent = (bits >> vec2(23u)) & vec2(0xffu);
    // How many bits f16 has no room for: from 2^-14 downwards more and more.
    let lost = vec2(126u) - clamp(exponent, vec2(103u), vec2(113u));
    let below_half = (vec2(1u) << (lost - vec2(1u))) - vec2(1u);
    let rounded = ((bits + below_half + ((bits >> lost) & vec2(1u))) >> lost) << lost;
    // Between half of the least number, 2^-24, and all of it.
    let least = (bits & vec2(0x80000000u)) | vec2(0x33800000u);
    let is_least = (exponent < vec2(103u)) & ((bits & vec2(0x7fffffffu)) > vec2(0x33000000u));
    return bitcast<vec2<f32>>(select(rounded, least, is_least));
}
fn pack_half(value: vec2<f32>) -> u32 {
    let infinite = vec2(0x7c00u) | ((bitcast<vec2<u32>>(value) >> vec2(16u)) & vec2(0x8000u));
    let packed = pack2x16float(clamp(nearest_half(value), vec2(-65504.0), vec2(65504.0)));
    let finite = vec2(packed & 0xffffu, packed >> 16u);
    let halves = select(
        select(finite, infinite, abs(value) >= vec2(65520.0)),
        vec2(0x7e00u),
        (bitcast<vec2<u32>>(value) & vec2(0x7fffffffu)) > vec2(0x7f800000u),
    );
    return halves.x | (halves.y << 16u);
}
fn store(value: vec4<f32>) -> Quad {
    return vec2(pack_half(value.xy), pack_half(value.zw));
}
// end storage

// section result: an output that is an activation.
alias Result = Quad;
fn store_result(value: vec4<f32>) -> Result {
    return store(value);
}
// end result

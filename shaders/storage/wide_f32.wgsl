// Four numbers in single precision that are read and written as two of 64 bits, and eight that are read as four.
//
// A file of sections, put into the place of the kernels' own (src/ops/section.rs), on processors that stand in for a
// GPU: their drivers load each invocation's components one by one, each checked against the bounds, and half as many cost
// less where the operands lie in a cache, as those of a matrix product do. Kernels that stream from one tensor to another
// are slower with them. The bits are the same. What a matrix product writes stays vectors: its stores gain nothing.

// section storage: four f32 in two words of 64 bits.
alias Quad = vec2<u64>;
fn load(quad: Quad) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(u32(quad.x), u32(quad.x >> 32u), u32(quad.y), u32(quad.y >> 32u)));
}
fn store(value: vec4<f32>) -> Quad {
    let bits = bitcast<vec4<u32>>(value);
    return vec2(u64(bits.x) | (u64(bits.y) << 32u), u64(bits.z) | (u64(bits.w) << 32u));
}
// end storage

// section plain: the same of what is read and no activation.
alias Plain = vec2<u64>;
fn load_plain(plain: Plain) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(u32(plain.x), u32(plain.x >> 32u), u32(plain.y), u32(plain.y >> 32u)));
}
// end plain

// section pair: the same of two quads that are read together.
alias Pair = vec4<u64>;
fn low(pair: Pair) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(u32(pair.x), u32(pair.x >> 32u), u32(pair.y), u32(pair.y >> 32u)));
}
fn high(pair: Pair) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(u32(pair.z), u32(pair.z >> 32u), u32(pair.w), u32(pair.w >> 32u)));
}
// end pair

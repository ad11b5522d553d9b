// As little as a dispatch can do: one word is written.
//
// output: a word.
// A workgroup is one invocation.

@group(0) @binding(0) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(1)
fn main() {
    output[0] = 1u;
}

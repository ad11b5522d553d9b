//! What dispatches cost at least.

use std::collections::BTreeMap;

use wgcnn::ops::program::{Access, Dispatch, Program, TensorId};

use super::ceilings::Work;

/// The work of dispatches, part by part: a part is what follows upon each other for one layer.
pub fn parts(program: &Program, dispatches: &[usize]) -> Vec<Work> {
    let layer = |at: &usize| program.dispatches[*at].layer.as_str();
    dispatches.chunk_by(|a, b| layer(a) == layer(b) && b - a == 1).map(|part| work(program, part)).collect()
}

/// The names of the kernels, each once.
pub fn variant(program: &Program, dispatches: &[usize]) -> String {
    let mut names: Vec<String> = vec![];
    for name in dispatches.iter().map(|at| program.dispatches[*at].variant()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

/// The bytes of all tensors that are bound, at every dispatch anew; what is updated in place is read and written.
pub fn bound_bytes(program: &Program, dispatches: &[usize]) -> u64 {
    let bindings = dispatches.iter().flat_map(|at| &program.dispatches[*at].bindings);
    let times = |access: Access| if access == Access::ReadWrite { 2 } else { 1 };
    bindings.map(|binding| times(binding.access) * program.tensors[binding.tensor.0].bytes).sum()
}

/// How the dispatches of a part use a tensor.
#[derive(Default)]
struct Use {
    /// The bytes of the tensor that are bound.
    bytes: BTreeMap<TensorId, u64>,
    written: bool,
    /// Whether it is read after it was written.
    passed_on: bool,
    /// Whether what was there before is read, and something else written in its place.
    updated: bool,
}

/// The operations of a part, and the bytes that must come in and go out: of each tensor once, of what is updated in place
/// twice, and nothing of what only hands something on within the part.
pub fn work(program: &Program, part: &[usize]) -> Work {
    let dispatch = |at: &usize| -> &Dispatch { &program.dispatches[*at] };
    let mut uses: BTreeMap<TensorId, Use> = BTreeMap::new();
    for binding in part.iter().flat_map(|at| &dispatch(at).bindings) {
        let (whole, _) = program.whole(binding.tensor);
        let used = uses.entry(whole).or_default();
        used.bytes.insert(binding.tensor, program.tensors[binding.tensor.0].bytes);
        let reads = binding.access != Access::Write;
        used.passed_on |= reads && used.written;
        used.updated |= binding.access == Access::ReadWrite && !used.written;
        used.written |= binding.access.writes();
    }
    let elsewhere = |tensor: TensorId| {
        let others = program.dispatches.iter().enumerate().filter(|(at, _)| !part.contains(at));
        let mut bindings = others.flat_map(|(_, dispatch)| &dispatch.bindings);
        bindings.any(|binding| program.whole(binding.tensor).0 == tensor)
    };
    let mut bytes = 0;
    for (tensor, used) in uses {
        if used.passed_on && !used.updated && !elsewhere(tensor) {
            continue;
        }
        let bound = used.bytes.values().sum::<u64>().min(program.tensors[tensor.0].bytes);
        bytes += if used.updated { 2 * bound } else { bound };
    }
    Work { flops: part.iter().map(|at| dispatch(at).flops).sum(), bytes }
}

//! Where each tensor of a program lies: tensors that do not live at the same time share memory.
//!
//! WebGPU does not let one dispatch read a buffer through a read-only binding and write it through another,
//! not even in disjoint ranges. So the tensors that live only within a program are spread over a few
//! arenas: what a dispatch reads and what it writes lie in different ones, which is a colouring of the graph
//! of their conflicts. Within an arena a tensor takes the lowest gap among those that live while it does,
//! the largest tensors first (Pisarchyk and Lee 2020, arXiv:2001.03288, "greedy by size").

use std::ops::Range;

use super::colours::{Tensors, colours};
use crate::gpu::Capabilities;
use crate::ops::program::{Binding, Program};
use crate::{Error, Result};

/// A tensor's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The buffer, an index into the plan's buffers.
    pub buffer: usize,
    /// The offset in bytes.
    pub offset: u64,
}

/// The tensors of a program in arenas.
#[derive(Debug)]
pub(super) struct Arenas {
    /// The place of each tensor, its buffer counted within the arenas; `None` for those that lie elsewhere
    /// or that no dispatch uses.
    pub places: Vec<Option<Place>>,
    /// The size of each arena in bytes.
    pub sizes: Vec<u64>,
    /// The most bytes that live at any one time: no placement needs less.
    pub lower_bound: u64,
    /// The sizes of all tensors together: what would be needed without sharing.
    pub unshared: u64,
}

/// Places the tensors of `program` for which `transient` holds, as they live.
///
/// # Errors
/// [`Error::Limit`] where a tensor is larger than a buffer may be.
pub(super) fn place(
    program: &Program,
    lifetimes: &[Range<usize>],
    transient: impl Fn(usize) -> bool,
    capabilities: &Capabilities,
) -> Result<Arenas> {
    let mut order: Vec<usize> = (0..program.tensors.len())
        .filter(|tensor| transient(*tensor) && !lifetimes[*tensor].is_empty())
        .collect();
    order.sort_by_key(|tensor| lifetimes[*tensor].start);
    let bytes = |tensor: usize| program.tensors[tensor].bytes.next_multiple_of(capabilities.alignment);
    let colours =
        colours(&Tensors { order: &order, conflicts: &conflicts(program), lifetimes, bytes: &bytes });
    order.sort_by_key(|tensor| std::cmp::Reverse(program.tensors[*tensor].bytes));

    let mut places: Vec<Option<Place>> = vec![None; program.tensors.len()];
    let mut arenas: Vec<Arena> = vec![];
    for tensor in order.iter().copied() {
        let desc = &program.tensors[tensor];
        check_size(&desc.label, desc.bytes, capabilities)?;
        let colour = colours[tensor];
        let bytes = bytes(tensor);
        let best = (0..arenas.len())
            .filter(|arena| arenas[*arena].colour == colour)
            .map(|arena| {
                let neighbours = order.iter().copied().filter_map(|other| {
                    let place = places[other].filter(|place| place.buffer == arena)?;
                    let meets = overlap(&lifetimes[tensor], &lifetimes[other]);
                    meets.then(|| place.offset..place.offset + program.tensors[other].bytes)
                });
                (lowest_gap(neighbours.collect(), bytes, capabilities.alignment), arena)
            })
            .filter(|(offset, _)| offset + bytes <= capabilities.max_buffer)
            .min();
        let (offset, arena) = best.unwrap_or_else(|| {
            arenas.push(Arena { colour, bytes: 0 });
            (0, arenas.len() - 1)
        });
        arenas[arena].bytes = arenas[arena].bytes.max(offset + bytes);
        places[tensor] = Some(Place { buffer: arena, offset });
    }

    let live_at = |step: usize| -> u64 {
        order.iter().filter(|t| lifetimes[**t].contains(&step)).map(|t| program.tensors[*t].bytes).sum()
    };
    let lower_bound = (0..program.dispatches.len()).map(live_at).max().unwrap_or(0);
    let unshared = order.iter().map(|tensor| program.tensors[*tensor].bytes).sum();
    let sizes = arenas.iter().map(|arena| arena.bytes).collect();
    Ok(Arenas { places, sizes, lower_bound, unshared })
}

/// An arena that is being filled with the tensors of one colour.
struct Arena {
    colour: usize,
    bytes: u64,
}

/// Checks that a tensor fits into one buffer.
pub(super) fn check_size(label: &str, bytes: u64, capabilities: &Capabilities) -> Result<()> {
    within(label, bytes, "maxBufferSize", capabilities.max_buffer)
}

/// Checks that a tensor, or a part of one, fits into one binding.
pub(super) fn check_binding(label: &str, bytes: u64, capabilities: &Capabilities) -> Result<()> {
    within(label, bytes, "maxStorageBufferBindingSize", capabilities.max_storage_binding)
}

fn within(label: &str, needed: u64, limit_name: &'static str, limit: u64) -> Result<()> {
    if needed <= limit {
        return Ok(());
    }
    Err(Error::Limit { what: format!("tensor {label} (bytes)"), needed, limit_name, limit })
}

/// The dispatches from the first to the last use of each tensor; empty where there is none.
pub(super) fn lifetimes(program: &Program) -> Vec<Range<usize>> {
    let mut lifetimes = vec![0..0; program.tensors.len()];
    for (step, dispatch) in program.dispatches.iter().enumerate() {
        for binding in &dispatch.bindings {
            let lifetime: &mut Range<usize> = &mut lifetimes[program.whole(binding.tensor).0.0];
            if Range::is_empty(lifetime) {
                lifetime.start = step;
            }
            lifetime.end = step + 1;
        }
    }
    lifetimes
}

/// For each tensor those that some dispatch reads while it writes this one, and the reverse.
fn conflicts(program: &Program) -> Vec<Vec<usize>> {
    let mut conflicts = vec![vec![]; program.tensors.len()];
    for dispatch in &program.dispatches {
        let (written, read): (Vec<&Binding>, Vec<&Binding>) =
            dispatch.bindings.iter().partition(|binding| binding.access.writes());
        let whole = |binding: &Binding| program.whole(binding.tensor).0.0;
        for r in &read {
            for w in &written {
                conflicts[whole(r)].push(whole(w));
                conflicts[whole(w)].push(whole(r));
            }
        }
    }
    conflicts
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// The lowest offset at which `bytes` bytes meet none of the `taken` ranges.
fn lowest_gap(mut taken: Vec<Range<u64>>, bytes: u64, alignment: u64) -> u64 {
    taken.sort_by_key(|range| range.start);
    let mut offset = 0;
    for range in taken {
        if offset + bytes <= range.start {
            break;
        }
        offset = offset.max(range.end.next_multiple_of(alignment));
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::program::{Dispatch, Kernel, TensorId};

    const KERNEL: Kernel = Kernel { name: "none", source: "" };

    /// A chain: each dispatch reads one tensor and writes the next.
    fn chain(sizes: &[usize]) -> Program {
        let mut program = Program::new(&Capabilities::webgpu());
        let tensors: Vec<TensorId> = sizes.iter().map(|bytes| program.tensor("t", *bytes)).collect();
        for pair in tensors.windows(2) {
            program.push(Dispatch::new("layer", KERNEL).read(pair[0]).write(pair[1]));
        }
        program
    }

    #[test]
    fn a_chain_needs_two_arenas_and_no_more_than_its_two_largest_neighbours() {
        let program = chain(&[1024, 4096, 512, 2048, 4096, 256]);
        let arenas = place(&program, &lifetimes(&program), |_| true, &Capabilities::webgpu()).unwrap();
        assert_eq!(arenas.sizes.len(), 2);
        assert_eq!(arenas.lower_bound, 2048 + 4096);
        assert_eq!(arenas.unshared, 1024 + 4096 + 512 + 2048 + 4096 + 256);
        assert!(arenas.sizes.iter().sum::<u64>() < arenas.unshared);
    }

    #[test]
    fn tensors_that_live_together_never_overlap() {
        let mut program = chain(&[640, 1280, 64, 1280, 640, 320]);
        // A long-lived tensor: written first, read last.
        let early = TensorId(1);
        let late = program.tensor("late", 2560);
        program.push(Dispatch::new("join", KERNEL).read(early).read(TensorId(5)).write(late));
        let arenas = place(&program, &lifetimes(&program), |_| true, &Capabilities::webgpu()).unwrap();
        let lifetimes = lifetimes(&program);
        for a in 0..program.tensors.len() {
            for b in 0..a {
                let (Some(pa), Some(pb)) = (arenas.places[a], arenas.places[b]) else { panic!("unplaced") };
                if pa.buffer == pb.buffer && overlap(&lifetimes[a], &lifetimes[b]) {
                    let disjoint = pa.offset + program.tensors[a].bytes <= pb.offset
                        || pb.offset + program.tensors[b].bytes <= pa.offset;
                    assert!(disjoint, "tensors {a} and {b} overlap");
                }
            }
        }
        for dispatch in &program.dispatches {
            let place = |b: &Binding| arenas.places[b.tensor.0].unwrap().buffer;
            for read in dispatch.bindings.iter().filter(|b| !b.access.writes()) {
                for written in dispatch.bindings.iter().filter(|b| b.access.writes()) {
                    assert_ne!(place(read), place(written));
                }
            }
        }
    }

    #[test]
    fn a_tensor_larger_than_a_buffer_is_named() {
        let capabilities = Capabilities { max_buffer: 1024, ..Capabilities::webgpu() };
        let program = chain(&[512, 2048]);
        let error = place(&program, &lifetimes(&program), |_| true, &capabilities).unwrap_err();
        assert!(matches!(error, Error::Limit { needed: 2048, limit: 1024, .. }), "{error}");
    }
}

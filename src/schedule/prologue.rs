//! What need not be done in every pass: dispatches that depend on nothing but parameters which the pass leaves alone,
//! like the folding of a normalisation into a weight, or the turning round of a weight.
//!
//! They come first in a program, and run when the parameters have changed. What they leave for the pass lies in
//! buffers of its own, which no other pass works in.

use std::ops::Range;

use crate::ops::program::{Access, Dispatch, Program, TensorId};

use super::plan::Io;
use super::planner::Resident;

/// The part of a program that runs only when the parameters have changed.
#[derive(Debug, Default)]
pub(super) struct Prologue {
    /// How many of the program's first dispatches it is.
    pub dispatches: usize,
    /// Whether it writes each tensor.
    pub writes: Vec<bool>,
}

impl Prologue {
    /// No dispatch of a program.
    pub fn none(program: &Program) -> Self {
        Self { dispatches: 0, writes: vec![false; program.tensors.len()] }
    }

    /// Moves the dispatches of the prologue to the front of a program.
    pub fn split_off(program: &mut Program, io: &Io, resident: &[(TensorId, Resident, u64)]) -> Self {
        let count = program.tensors.len();
        let mut writers = vec![0; count];
        for dispatch in &program.dispatches {
            for binding in dispatch.bindings.iter().filter(|binding| binding.access.writes()) {
                writers[program.whole(binding.tensor).0.0] += 1;
            }
        }
        let changes = |block: usize| {
            let mut of_block = resident.iter().filter(|(_, r, _)| *r == Resident::Parameters(block));
            of_block.any(|(tensor, ..)| writers[tensor.0] > 0)
        };
        // What is known before the pass, and what only the program touches.
        let mut known: Vec<bool> = program.tensors.iter().map(|desc| desc.contents.is_some()).collect();
        let mut own: Vec<bool> = known.iter().map(|known| !known).collect();
        for (tensor, resident, _) in resident {
            own[tensor.0] = false;
            known[tensor.0] = matches!(resident, Resident::Parameters(block) if !changes(*block));
        }
        for tensor in io.tensors() {
            own[tensor.0] = false;
        }

        let mut prologue = Self::none(program);
        let (mut first, mut rest) = (vec![], vec![]);
        for dispatch in std::mem::take(&mut program.dispatches) {
            if early(program, &dispatch, &known, |tensor| own[tensor] && writers[tensor] == 1) {
                for binding in dispatch.bindings.iter().filter(|binding| binding.access.writes()) {
                    known[binding.tensor.0] = true;
                    prologue.writes[binding.tensor.0] = true;
                }
                first.push(dispatch);
            } else {
                rest.push(dispatch);
            }
        }
        prologue.dispatches = first.len();
        program.dispatches = first;
        program.dispatches.append(&mut rest);
        prologue
    }

    /// Lets the tensors that the prologue leaves for the pass live to its `end`, and so from pass to pass.
    pub fn prolong(&self, lifetimes: &mut [Range<usize>], end: usize) {
        for (lifetime, written) in lifetimes.iter_mut().zip(&self.writes) {
            if *written && lifetime.end > self.dispatches {
                lifetime.end = end;
            }
        }
    }
}

/// Whether a dispatch reads only what is `known`, and writes whole tensors that `may` be written early.
fn early(program: &Program, dispatch: &Dispatch, known: &[bool], may: impl Fn(usize) -> bool) -> bool {
    dispatch.bindings.iter().all(|binding| {
        let (whole, _) = program.whole(binding.tensor);
        match binding.access {
            Access::Read | Access::Uniform => known[whole.0],
            Access::Write => whole == binding.tensor && may(whole.0),
            Access::ReadWrite => false,
        }
    })
}

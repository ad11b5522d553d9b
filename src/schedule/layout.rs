//! The buffers of a plan, and where in them each tensor lies.

use crate::Result;
use crate::gpu::Capabilities;
use crate::ops::program::{Program, TensorId};

use super::blocks::Block;
use super::placement::{Arenas, Place, check_size, lifetimes, place};
use super::plan::{BufferPlan, Io, Role};
use super::planner::Resident;
use super::prologue::Prologue;

/// The buffers of a plan, and where in them each tensor lies.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub buffers: Vec<BufferPlan>,
    /// `None` for tensors that no dispatch uses.
    pub places: Vec<Option<Place>>,
    /// The most bytes of tensors in arenas that live at any one time.
    pub lower_bound: u64,
    /// The sizes of the tensors in arenas together.
    pub unshared: u64,
}

impl Layout {
    /// Lays out the tensors of `program`.
    ///
    /// # Errors
    /// [`Error::Limit`](crate::Error::Limit) names a tensor that is larger than a buffer may be.
    pub fn new(
        program: &Program,
        prologue: &Prologue,
        io: &Io,
        blocks: &[Block],
        resident: &[(TensorId, Resident, u64)],
        capabilities: &Capabilities,
    ) -> Result<Self> {
        let mut layout = Self { places: vec![None; program.tensors.len()], ..Self::default() };
        for (tensor, resident, offset) in resident {
            let buffer = layout.resident(program, blocks, *resident);
            layout.places[tensor.0] = Some(Place { buffer, offset: *offset });
        }
        layout.alone(program, io, capabilities)?;

        let mut lifetimes = lifetimes(program);
        prologue.prolong(&mut lifetimes, program.dispatches.len());
        let elsewhere: Vec<bool> = (0..program.tensors.len())
            .map(|tensor| layout.places[tensor].is_some() || program.tensors[tensor].part_of.is_some())
            .collect();
        let early = |tensor: usize| !elsewhere[tensor] && prologue.writes[tensor];
        let prepared = place(program, &lifetimes, early, capabilities)?;
        layout.append(&prepared, Role::Prepared, "prepared");
        let late = |tensor: usize| !elsewhere[tensor] && !prologue.writes[tensor];
        let arenas = place(program, &lifetimes, late, capabilities)?;
        layout.append(&arenas, Role::Arena, "arena");
        (layout.lower_bound, layout.unshared) = (arenas.lower_bound, arenas.unshared);
        layout.parts(program);
        Ok(layout)
    }

    /// The buffer of something that outlives a pass.
    fn resident(&mut self, program: &Program, blocks: &[Block], resident: Resident) -> usize {
        let role = Role::Resident(resident);
        if let Some(known) = self.buffers.iter().position(|buffer| buffer.role == role) {
            return known;
        }
        let (bytes, label) = match resident {
            Resident::Parameters(block) => (blocks[block].bytes, format!("parameters {block}")),
            Resident::Gradients(block) => (blocks[block].bytes, format!("gradients {block}")),
            Resident::State(block, k) => (blocks[block].bytes, format!("optimizer state {block}.{k}")),
            Resident::UpdateControl(tensor) => {
                let desc = &program.tensors[tensor.0];
                (desc.bytes, desc.label.clone())
            }
        };
        self.buffers.push(BufferPlan { role, label, bytes });
        self.buffers.len() - 1
    }

    /// Gives the host's tensors and the constants a buffer each.
    fn alone(&mut self, program: &Program, io: &Io, capabilities: &Capabilities) -> Result<()> {
        let constants: Vec<_> = (0..program.tensors.len())
            .filter(|tensor| program.tensors[*tensor].contents.is_some() && self.places[*tensor].is_none())
            .map(|tensor| (TensorId(tensor), Role::Constant(TensorId(tensor))))
            .collect();
        for (tensor, role) in io.tensors().map(|tensor| (tensor, Role::Io)).chain(constants) {
            let desc = &program.tensors[tensor.0];
            check_size(&desc.label, desc.bytes, capabilities)?;
            self.places[tensor.0] = Some(Place { buffer: self.buffers.len(), offset: 0 });
            self.buffers.push(BufferPlan { role, label: desc.label.clone(), bytes: desc.bytes });
        }
        Ok(())
    }

    fn append(&mut self, arenas: &Arenas, role: Role, label: &str) {
        for (tensor, within) in arenas.places.iter().enumerate() {
            if let Some(within) = within {
                let buffer = self.buffers.len() + within.buffer;
                self.places[tensor] = Some(Place { buffer, offset: within.offset });
            }
        }
        for (i, bytes) in arenas.sizes.iter().enumerate() {
            self.buffers.push(BufferPlan { role, label: format!("{label} {i}"), bytes: *bytes });
        }
    }

    /// Places the parts of tensors where those are.
    fn parts(&mut self, program: &Program) {
        for part in 0..self.places.len() {
            if let Some((whole, offset)) = program.tensors[part].part_of {
                let place = self.places[whole.0];
                self.places[part] = place.map(|place| Place { offset: place.offset + offset, ..place });
            }
        }
    }
}

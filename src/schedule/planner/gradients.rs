//! Where the gradients to the parameters lie: for as long as anybody reads them, or until their update is done.

use std::ops::Range;

use super::super::blocks::{Block, Member};
use super::{Planner, Resident};
use crate::network::ParameterId;
use crate::ops::program::TensorId;

/// Gradients of less than this are not worth an update of their own: a dispatch takes longer than they would.
const SMALL: u64 = 4 << 20;

/// Gradients that lie side by side, as their parameters do in a block, and are updated by one dispatch.
#[derive(Debug)]
pub(super) struct Gradients {
    /// The block, and which of its bytes.
    pub block: usize,
    pub range: Range<u64>,
    /// Their memory.
    pub tensor: TensorId,
    /// How many of them are still to be computed.
    pub missing: usize,
}

impl Gradients {
    /// The number of vec4.
    pub fn quads(&self) -> usize {
        (self.range.end - self.range.start) as usize / 16
    }
}

impl Planner<'_> {
    /// Makes room for the gradients that are wanted.
    pub(super) fn place_gradients(&mut self) {
        if !self.options.parameter_gradients && self.options.optimizer.is_none() {
            return;
        }
        let kept = self.keeps_gradients();
        let blocks = self.blocks;
        for (index, block) in blocks.iter().enumerate().filter(|(_, block)| block.trainable) {
            let capacity = if kept { u64::MAX } else { largest(block).max(SMALL) };
            for members in runs(block, capacity) {
                let range = members[0].offset..end(members);
                let bytes = (range.end - range.start) as usize;
                let tensor = self.program.tensor(format!("gradients {index}"), bytes);
                if kept {
                    self.resident.push((tensor, Resident::Gradients(index), range.start));
                }
                for member in members {
                    let gradient = self.program.part(tensor, member.offset - range.start, member.bytes());
                    self.gradients[member.id.0] = Some((gradient, self.groups.len()));
                }
                self.groups.push(Gradients { block: index, range, tensor, missing: members.len() });
            }
        }
    }

    /// Whether gradients outlive the pass: where they are to be read, where no update can begin before all of them are
    /// known, and where one is never computed, so that it stays zero.
    fn keeps_gradients(&self) -> bool {
        let computed = self.reached();
        let network = self.network;
        let trainable = |id: &ParameterId| network.parameters()[id.0].trainable;
        let missing = |node: usize| network.nodes()[node].parameters.iter().any(trainable) && !computed[node];
        self.options.parameter_gradients
            || !self.options.update.is_plain()
            || (0..network.nodes().len()).any(missing)
    }

    /// Whether the network's output depends on each node.
    fn reached(&self) -> Vec<bool> {
        let network = self.network;
        let mut values = vec![false; network.shapes().len()];
        values[network.output().0] = true;
        let mut nodes = vec![false; network.nodes().len()];
        for (index, node) in network.nodes().iter().enumerate().rev() {
            nodes[index] = values[node.output.0];
            for input in &node.inputs {
                values[input.0] |= nodes[index];
            }
        }
        nodes
    }
}

/// The members of a block in runs of as many bytes as `capacity`, or less.
fn runs(block: &Block, capacity: u64) -> Vec<&[Member]> {
    let mut runs = vec![];
    let mut first = 0;
    for next in 1..=block.members.len() {
        let full =
            |member: &Member| end(std::slice::from_ref(member)) - block.members[first].offset > capacity;
        if block.members.get(next).is_none_or(full) {
            runs.push(&block.members[first..next]);
            first = next;
        }
    }
    runs
}

/// The byte of its block at which a run ends.
fn end(members: &[Member]) -> u64 {
    members.last().map_or(0, |member| member.offset + member.bytes())
}

/// The size of a block's largest parameter.
fn largest(block: &Block) -> u64 {
    block.members.iter().map(Member::bytes).max().unwrap_or(0)
}

//! The update of the parameters.

use super::gradients::Gradients;
use super::{Planner, Resident};
use crate::network::Node;
use crate::ops::program::TensorId;
use crate::ops::{Optimizer, UpdatePass, update_control};

impl Planner<'_> {
    /// What the updates are told. It outlives the pass where it depends on the gradients.
    pub(super) fn update_control(&mut self) -> TensorId {
        let control = update_control::tensor(&mut self.program, &self.options.update);
        if !self.options.update.is_plain() {
            self.resident.push((control, Resident::UpdateControl(control), 0));
        }
        self.io.update_control = Some(control);
        control
    }

    /// Updates the parameters whose gradients are complete now that those of `node` are there: so they need not be kept
    /// until the end of the pass.
    pub(super) fn update_complete(&mut self, node: &Node) {
        for id in &node.parameters {
            let Some((_, group)) = self.gradients[id.0] else { continue };
            let gradients = &mut self.groups[group];
            gradients.missing -= 1;
            if gradients.missing == 0 && self.options.update.is_plain() {
                self.update_group(group);
            }
        }
    }

    /// Updates all trainable parameters that are not updated yet.
    pub(super) fn update(&mut self) {
        let plain = self.options.update.is_plain();
        let waiting: Vec<usize> =
            (0..self.groups.len()).filter(|group| !plain || self.groups[*group].missing > 0).collect();
        if let (false, false, Some(control)) = (plain, waiting.is_empty(), self.io.update_control) {
            let gradients = waiting.iter().map(|group| &self.groups[*group]);
            let gradients: Vec<(TensorId, usize)> = gradients.map(|g| (g.tensor, g.quads())).collect();
            update_control::decide(&mut self.program, &self.options.update, control, &gradients);
        }
        for group in waiting {
            self.update_group(group);
        }
    }

    fn update_group(&mut self, group: usize) {
        let (Some(optimizer), Some(control)) = (self.options.optimizer, self.io.update_control) else {
            return;
        };
        let Gradients { block, tensor, .. } = self.groups[group];
        let quads = self.groups[group].quads();
        let parameters = self.run(format!("parameters {block}"), group, Resident::Parameters(block));
        let state: Vec<TensorId> = (0..optimizer.state_tensors())
            .map(|k| {
                let label = format!("{} state {block}.{k}", optimizer.name());
                self.run(label, group, Resident::State(block, k))
            })
            .collect();
        let (program, step) = (&mut self.program, self.io.step);
        let pass = UpdatePass { program, parameters, gradients: tensor, state: &state, quads, step, control };
        Optimizer::update(optimizer, pass);
    }

    /// The part of a resident buffer that belongs to a group's gradients.
    fn run(&mut self, label: String, group: usize, resident: Resident) -> TensorId {
        let range = self.groups[group].range.clone();
        let tensor = self.program.tensor(label, (range.end - range.start) as usize);
        self.resident.push((tensor, resident, range.start));
        tensor
    }
}

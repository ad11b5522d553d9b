//! The update of the parameters.

use super::super::blocks::Block;
use super::{Planner, Resident};
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

    /// Updates all trainable parameters, a block at a time.
    pub(super) fn update(&mut self, optimizer: &dyn Optimizer, control: TensorId) {
        let blocks = self.blocks;
        let trainable: Vec<(usize, &Block)> =
            blocks.iter().enumerate().filter(|(_, block)| block.trainable).collect();
        let gradients: Vec<(TensorId, usize)> = trainable
            .iter()
            .map(|(index, block)| {
                let tensor = self.run(format!("gradients {index}"), block, Resident::Gradients(*index));
                (tensor, block.bytes as usize / 16)
            })
            .collect();
        if !self.options.update.is_plain() && !gradients.is_empty() {
            update_control::decide(&mut self.program, &self.options.update, control, &gradients);
        }
        for ((index, block), (gradients, quads)) in trainable.into_iter().zip(gradients) {
            let parameters = self.run(format!("parameters {index}"), block, Resident::Parameters(index));
            let state: Vec<TensorId> = (0..optimizer.state_tensors())
                .map(|k| {
                    let label = format!("{} state {index}.{k}", optimizer.name());
                    self.run(label, block, Resident::State(index, k))
                })
                .collect();
            let (program, step) = (&mut self.program, self.io.step);
            optimizer.update(UpdatePass {
                program,
                parameters,
                gradients,
                state: &state,
                quads,
                step,
                control,
            });
        }
    }

    /// A whole block's buffer as one tensor.
    fn run(&mut self, label: String, block: &Block, resident: Resident) -> TensorId {
        let tensor = self.program.tensor(label, block.bytes as usize);
        self.resident.push((tensor, resident, 0));
        tensor
    }
}

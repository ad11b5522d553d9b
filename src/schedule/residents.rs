//! What an execution keeps for each parameter from pass to pass: its gradient, and what the optimizer remembers.

use std::sync::Arc;

use crate::gpu::Buffer;
use crate::{Error, Result, Tensor};

use super::blocks::{Block, Member};
use super::execution::Execution;
use super::parameters::read_blocks;
use super::plan::Role;
use super::planner::Resident;

impl Execution {
    /// Reads the gradients to the network's parameters, with their names.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] and what else the device reports.
    pub fn read_parameter_gradients(&self) -> Result<Vec<(String, Tensor)>> {
        let (blocks, buffers) = self.residents(|resident| match resident {
            Resident::Gradients(block) => Some(block),
            _ => None,
        });
        read_blocks(&self.context, &blocks, &buffers)
    }

    /// Reads the `index`th of the tensors that the optimizer remembers for each of the network's parameters, with the
    /// parameters' names.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] and what else the device reports.
    pub fn read_optimizer_state(&self, index: usize) -> Result<Vec<(String, Tensor)>> {
        let (blocks, buffers) = self.states(index);
        read_blocks(&self.context, &blocks, &buffers)
    }

    /// Writes what [`read_optimizer_state`](Self::read_optimizer_state) reads. What is not among the `values` stays as
    /// it is.
    ///
    /// # Errors
    /// [`Error::Parameter`] where a name is not that of a parameter that is trained, or its value is of another shape
    /// than the parameter, and where the optimizer remembers no such tensor.
    pub fn write_optimizer_state(&self, index: usize, values: &[(String, Tensor)]) -> Result<()> {
        let (blocks, buffers) = self.states(index);
        let places = values.iter().map(|(name, value)| {
            let refusal = |message: String| Error::Parameter { name: name.clone(), message };
            let place = blocks.iter().zip(&buffers).find_map(|(block, buffer)| {
                let member = block.members.iter().find(|member| member.name == *name)?;
                Some((buffer, member))
            });
            let Some((buffer, member)) = place else {
                return Err(refusal(format!("the optimizer remembers no tensor {index} of it")));
            };
            if value.shape() != member.shape {
                let message = format!("its state is of shape {:?}, got {:?}", member.shape, value.shape());
                return Err(refusal(message));
            }
            Ok((buffer, member, value))
        });
        // Nothing is written where one of them cannot be.
        for (buffer, Member { shape, layout, offset, .. }, value) in places.collect::<Result<Vec<_>>>()? {
            let packed = layout.pack(shape, value.data());
            self.context.write(buffer, *offset, bytemuck::cast_slice(&packed))?;
        }
        Ok(())
    }

    fn states(&self, index: usize) -> (Vec<Block>, Vec<Arc<Buffer>>) {
        self.residents(|resident| match resident {
            Resident::State(block, state) if state == index => Some(block),
            _ => None,
        })
    }

    /// The buffers that hold one tensor for each parameter of a block, as `block_of` says.
    fn residents(&self, block_of: impl Fn(Resident) -> Option<usize>) -> (Vec<Block>, Vec<Arc<Buffer>>) {
        let buffers = self.plan.buffers.iter().zip(&self.buffers);
        let members = buffers.filter_map(|(desc, buffer)| match desc.role {
            Role::Resident(resident) => {
                Some((self.plan.blocks[block_of(resident)?].clone(), Arc::clone(buffer)))
            }
            _ => None,
        });
        members.unzip()
    }
}

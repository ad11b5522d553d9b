//! Where the parameters lie: a few large buffers, so that one dispatch updates many of them.

use crate::Result;
use crate::gpu::Capabilities;
use crate::network::{Network, ParameterId};

use super::placement::{check_binding, check_size};

/// A run of parameters that share a buffer, and alike a gradient buffer and the optimizer's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Whether training changes them: a block holds only such or only frozen ones.
    pub trainable: bool,
    /// The size of the buffer in bytes.
    pub bytes: u64,
    /// The parameters with their offsets in bytes.
    pub members: Vec<(ParameterId, u64)>,
}

/// The blocks of a network's parameters: the trainable ones first, each block as large as one binding may be.
///
/// # Errors
/// [`Error::Limit`](crate::Error::Limit) names a parameter that is larger than that.
pub(super) fn blocks(network: &Network, capabilities: &Capabilities) -> Result<Vec<Block>> {
    let most = capabilities.max_storage_binding.min(capabilities.max_buffer);
    let mut blocks: Vec<Block> = vec![];
    for trainable in [true, false] {
        let parameters = network.parameters().iter().enumerate();
        for (id, parameter) in parameters.filter(|(_, parameter)| parameter.trainable == trainable) {
            let bytes = 4 * parameter.spec.layout.len(&parameter.spec.shape) as u64;
            check_binding(&parameter.name, bytes, capabilities)?;
            check_size(&parameter.name, bytes, capabilities)?;
            let aligned = bytes.next_multiple_of(capabilities.alignment);
            let open = blocks.last().is_some_and(|b| b.trainable == trainable && b.bytes + bytes <= most);
            if !open {
                blocks.push(Block { trainable, bytes: 0, members: vec![] });
            }
            if let Some(block) = blocks.last_mut() {
                block.members.push((ParameterId(id), block.bytes));
                block.bytes = (block.bytes + aligned).min(most);
            }
        }
    }
    Ok(blocks)
}

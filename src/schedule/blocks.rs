//! Where the parameters lie: a few large buffers, so that one dispatch updates many of them.

use crate::Result;
use crate::gpu::Capabilities;
use crate::network::{Network, Parameter, ParameterId};
use crate::ops::program::ParameterLayout;

use super::placement::{check_binding, check_size};

/// A run of parameters that share a buffer, and alike a gradient buffer and the optimizer's state.
///
/// A block holds only trainable parameters, only frozen ones, or only buffers: a dispatch may then write buffers
/// while it reads what is learned, which WebGPU does not allow in one and the same `GPUBuffer`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Block {
    /// Whether an optimizer changes them.
    pub trainable: bool,
    /// Whether they are buffers.
    pub buffers: bool,
    /// The size of the buffer in bytes.
    pub bytes: u64,
    /// The parameters.
    pub members: Vec<Member>,
}

/// A parameter of a [`Block`].
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member {
    /// Which of the network's parameters it is.
    pub id: ParameterId,
    /// Its name in the network.
    pub name: String,
    /// Its shape, as a person sees it.
    pub shape: Vec<usize>,
    /// How it lies in memory.
    pub layout: ParameterLayout,
    /// Where it begins in the buffer, in bytes.
    pub offset: u64,
}

impl Member {
    fn first(id: ParameterId, parameter: &Parameter) -> Self {
        let (name, spec) = (parameter.name.clone(), &parameter.spec);
        Self { id, name, shape: spec.shape.clone(), layout: spec.layout, offset: 0 }
    }

    /// Its size in bytes.
    pub fn bytes(&self) -> u64 {
        4 * self.layout.len(&self.shape) as u64
    }
}

/// The blocks of a network's parameters: the trainable ones first, then the frozen ones, then the buffers; each block
/// as large as one binding may be.
///
/// # Errors
/// [`Error::Limit`](crate::Error::Limit) names a parameter that is larger than that.
pub(super) fn blocks(network: &Network, capabilities: &Capabilities) -> Result<Vec<Block>> {
    let most = capabilities.max_storage_binding.min(capabilities.max_buffer);
    let mut blocks: Vec<Block> = vec![];
    for (trainable, buffers) in [(true, false), (false, false), (false, true)] {
        let parameters = network.parameters().iter().enumerate();
        let belongs =
            |parameter: &Parameter| parameter.trainable == trainable && parameter.spec.buffer == buffers;
        for (id, parameter) in parameters.filter(|(_, parameter)| belongs(parameter)) {
            let member = Member::first(ParameterId(id), parameter);
            let bytes = member.bytes();
            check_binding(&parameter.name, bytes, capabilities)?;
            check_size(&parameter.name, bytes, capabilities)?;
            let aligned = bytes.next_multiple_of(capabilities.alignment);
            let open = blocks
                .last()
                .is_some_and(|b| (b.trainable, b.buffers) == (trainable, buffers) && b.bytes + bytes <= most);
            if !open {
                blocks.push(Block { trainable, buffers, bytes: 0, members: vec![] });
            }
            if let Some(block) = blocks.last_mut() {
                block.members.push(Member { offset: block.bytes, ..member });
                block.bytes = (block.bytes + aligned).min(most);
            }
        }
    }
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_of_one_kind() {
        let norms = |builder: crate::network::NetworkBuilder| builder.batch_norm("a").batch_norm("b");
        let mut network = norms(Network::builder(3)).build().unwrap();
        network.freeze("a").unwrap();
        let kinds = |network: &Network| -> Vec<(bool, bool, Vec<String>)> {
            let name = |member: &Member| member.name.clone();
            let blocks = blocks(network, &Capabilities::webgpu()).unwrap();
            blocks.iter().map(|b| (b.trainable, b.buffers, b.members.iter().map(name).collect())).collect()
        };
        let named = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let buffers = named(&["a.running_mean", "a.running_var", "b.running_mean", "b.running_var"]);
        let [a, b] = ["a", "b"].map(|layer| vec![format!("{layer}.weight"), format!("{layer}.bias")]);
        assert_eq!(kinds(&network), [(true, false, b), (false, false, a), (false, true, buffers.clone())]);
        network.freeze("").unwrap();
        assert_eq!(kinds(&network).len(), 2);
        network.unfreeze("").unwrap();
        assert_eq!(kinds(&network)[1], (false, true, buffers));
    }
}

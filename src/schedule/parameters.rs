//! The parameters of a network on the device, shared by all that runs it.

use std::sync::Arc;

use crate::gpu::{Buffer, Context, Pending, Readback};
use crate::network::Network;
use crate::{Error, Result, Tensor};

use super::blocks::{Block, Member, blocks};
use super::version::Version;

/// The parameters of a network in device memory.
#[derive(Debug)]
pub struct DeviceParameters {
    blocks: Vec<Block>,
    buffers: Vec<Arc<Buffer>>,
    version: Version,
}

impl DeviceParameters {
    /// Uploads the parameters of `network`.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory), or [`Error::Limit`](crate::Error::Limit) where a
    /// parameter is larger than a binding may be.
    pub fn upload(context: &Context, network: &Network) -> Result<Self> {
        let blocks = blocks(network, context.capabilities())?;
        let mut buffers = vec![];
        for (index, block) in blocks.iter().enumerate() {
            let buffer = Buffer::zeros(context, &format!("parameters {index}"), block.bytes)?;
            for member in &block.members {
                let value = &network.parameters()[member.id.0].value;
                let packed = member.layout.pack(&member.shape, value.data());
                context.write(&buffer, member.offset, bytemuck::cast_slice(&packed))?;
            }
            buffers.push(Arc::new(buffer));
        }
        Ok(Self { blocks, buffers, version: Version::default() })
    }

    /// Which state they are in.
    pub(super) fn version(&self) -> &Version {
        &self.version
    }

    /// The buffer of a block.
    pub(super) fn buffer(&self, block: usize) -> &Arc<Buffer> {
        &self.buffers[block]
    }

    /// Checks that a plan's blocks are these.
    ///
    /// # Errors
    /// [`Error::Network`] names the first parameter that differs.
    pub(super) fn check(&self, planned: &[Block]) -> Result<()> {
        if self.blocks == planned {
            return Ok(());
        }
        let [planned, uploaded] = [planned, &self.blocks].map(described);
        let at = planned.iter().zip(&uploaded).take_while(|(planned, uploaded)| planned == uploaded).count();
        let [planned, uploaded] =
            [planned, uploaded].map(|all| all.into_iter().nth(at).unwrap_or_else(|| "none more".into()));
        Err(Error::Network(format!(
            "the plan is of other parameters than those on the device: it has {planned}, and there is {uploaded}"
        )))
    }

    /// Reads the parameters back into a copy of `network`, whose parameters they are.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) where the network has not all of them, and of their shapes;
    /// [`Error::DeviceLost`](crate::Error::DeviceLost) and what else the device reports.
    pub fn download(&self, context: &Context, network: &Network) -> Result<Network> {
        let mut copy = network.clone();
        for (parameter, value) in read_blocks(context, &self.blocks, &self.buffers)? {
            copy.set_parameter(&parameter, value)?;
        }
        Ok(copy)
    }
}

/// Each parameter of the blocks, in words.
fn described(blocks: &[Block]) -> Vec<String> {
    let kind = |block: &Block| match (block.trainable, block.buffers) {
        (true, _) => "trained",
        (_, true) => "a buffer",
        _ => "frozen",
    };
    let members = blocks.iter().flat_map(|block| block.members.iter().map(move |member| (block, member)));
    members
        .map(|(block, Member { name, shape, layout, offset, .. })| {
            format!("{name} of {shape:?} ({layout:?}), {}, at byte {offset}", kind(block))
        })
        .collect()
}

/// Reads blocks laid out as the parameters are, and gives each member its name and the host's layout.
pub(super) fn read_blocks(
    context: &Context,
    blocks: &[Block],
    buffers: &[Arc<Buffer>],
) -> Result<Vec<(String, Tensor)>> {
    let mut members = vec![];
    for (block, buffer) in blocks.iter().zip(buffers) {
        let floats: Vec<f32> = read(context, buffer, 0, block.bytes, bytemuck::pod_collect_to_vec)?.wait()?;
        for Member { name, shape, layout, offset, .. } in &block.members {
            let start = *offset as usize / 4;
            let device = &floats[start..start + layout.len(shape)];
            let value = Tensor::new(shape.clone(), layout.unpack(shape, device))?;
            members.push((name.clone(), value));
        }
    }
    Ok(members)
}

/// Asks for `bytes` bytes of a buffer.
pub(super) fn read<T: 'static>(
    context: &Context,
    buffer: &Buffer,
    offset: u64,
    bytes: u64,
    decode: fn(&[u8]) -> T,
) -> Result<Pending<T>> {
    let mut encoder = context.device().create_command_encoder(&Default::default());
    let readback = Readback::record(context, &mut encoder, buffer, offset, bytes)?;
    let submission = context.submit([encoder.finish()])?;
    Ok(readback.pending(context, submission, decode))
}

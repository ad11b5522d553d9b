//! The parameters of a network on the device, shared by all that runs it.

use std::sync::Arc;

use crate::gpu::{Buffer, Context, Pending, Readback};
use crate::network::Network;
use crate::{Result, Tensor};

use super::blocks::{Block, blocks};
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
            for (id, offset) in &block.members {
                let parameter = &network.parameters()[id.0];
                let packed = parameter.spec.layout.pack(&parameter.spec.shape, parameter.value.data());
                context.queue().write_buffer(buffer.raw(), *offset, bytemuck::cast_slice(&packed));
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

    /// Reads the parameters back into a copy of `network`, whose parameters they are.
    ///
    /// # Errors
    /// [`Error::DeviceLost`](crate::Error::DeviceLost) and what else the device reports.
    pub fn download(&self, context: &Context, network: &Network) -> Result<Network> {
        let mut copy = network.clone();
        for (parameter, value) in read_blocks(context, network, &self.blocks, &self.buffers)? {
            copy.set_parameter(&parameter, value)?;
        }
        Ok(copy)
    }
}

/// Reads blocks laid out as the parameters are, and gives each member its name and the host's layout.
pub(super) fn read_blocks(
    context: &Context,
    network: &Network,
    blocks: &[Block],
    buffers: &[Arc<Buffer>],
) -> Result<Vec<(String, Tensor)>> {
    let mut members = vec![];
    for (block, buffer) in blocks.iter().zip(buffers) {
        let floats: Vec<f32> = read(context, buffer, 0, block.bytes, bytemuck::pod_collect_to_vec)?.wait()?;
        for (id, offset) in &block.members {
            let parameter = &network.parameters()[id.0];
            let (layout, shape) = (parameter.spec.layout, &parameter.spec.shape);
            let start = *offset as usize / 4;
            let device = &floats[start..start + layout.len(shape)];
            let value = Tensor::new(shape.clone(), layout.unpack(shape, device))?;
            members.push((parameter.name.clone(), value));
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

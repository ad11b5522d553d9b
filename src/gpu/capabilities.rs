//! What a device can do, as plain data that plans are made from.

/// What a device can do, as far as the choice of kernels rests on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Capabilities {
    /// The number of invocations in a subgroup where it is the same for every pipeline and subgroup
    /// operations are available; `None` otherwise.
    pub subgroup_size: Option<u32>,
    /// Whether the device is a processor that stands in for a GPU. There a barrier is dear and memory
    /// shared by a workgroup is no faster than any other.
    pub software: bool,
    /// Whether kernels may use the type `f16`.
    pub shader_f16: bool,
    /// Whether kernels may use integers of 64 bits.
    pub shader_int64: bool,
    /// The matrices that the invocations of a subgroup multiply together, where kernels may use them.
    pub cooperative_matrix: Option<CooperativeMatrix>,
    /// The largest storage binding in bytes.
    pub max_storage_binding: u64,
    /// The largest buffer in bytes.
    pub max_buffer: u64,
    /// The alignment of a tensor's place in a buffer, in bytes.
    pub alignment: u64,
    /// How many storage buffers a kernel may bind.
    pub max_storage_buffers: u32,
    /// How many invocations a workgroup may have.
    pub max_workgroup_invocations: u32,
    /// How many workgroups a dispatch may have along one axis.
    pub max_workgroups_per_axis: u32,
}

/// Square matrices of `f16` that a subgroup multiplies, adding to one of `f32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CooperativeMatrix {
    /// 8 by 8.
    Size8,
    /// 16 by 16.
    Size16,
}

impl CooperativeMatrix {
    /// All that kernels know, the one that does most at a time first.
    pub const ALL: [Self; 2] = [Self::Size16, Self::Size8];

    /// The rows, and the columns.
    pub fn size(self) -> usize {
        match self {
            Self::Size8 => 8,
            Self::Size16 => 16,
        }
    }
}

impl Capabilities {
    /// How many workgroups keep a device busy: a few for each core of a processor; on a GPU of unknown width, about
    /// four for each of 128 units.
    pub fn workgroups_wanted(&self) -> usize {
        if self.software { 16 } else { 512 }
    }

    /// How many workgroups of 64 invocations take the items of a kernel in turn that is bound by memory. A GPU waits for
    /// memory, and hides that with many. On a processor an invocation takes time to start; and it runs eight or so of a
    /// workgroup through all their turns before the next ones, which should find their memory still in the cache.
    pub fn workgroups_in_turn(&self) -> usize {
        if self.software { 16 } else { 2048 }
    }

    /// Whether kernels whose operands lie in a cache read single precision in words of 64 bits. Drivers for processors
    /// load the components of a vector one by one, each checked against the bounds, so that half as many cost less. A
    /// GPU loads all of them at once.
    pub fn wide_loads(&self) -> bool {
        self.software && self.shader_int64
    }

    /// The least number of samples after which all of several tensors can be bound, each of so many bytes a sample.
    pub fn bindable_samples(&self, sample_bytes: &[usize]) -> usize {
        // A power of two divides the product where one factor has what the other lacks of it.
        let alignment = usize::try_from(self.alignment).unwrap_or(1);
        let least =
            |bytes: &usize| (alignment >> bytes.trailing_zeros().min(alignment.trailing_zeros())).max(1);
        sample_bytes.iter().map(least).max().unwrap_or(1)
    }

    /// What every WebGPU device has: the specification's default limits, and no optional feature.
    pub fn webgpu() -> Self {
        Self {
            subgroup_size: None,
            software: false,
            shader_f16: false,
            shader_int64: false,
            cooperative_matrix: None,
            max_storage_binding: 128 << 20,
            max_buffer: 256 << 20,
            alignment: 256,
            max_storage_buffers: 8,
            max_workgroup_invocations: 256,
            max_workgroups_per_axis: 65_535,
        }
    }
}

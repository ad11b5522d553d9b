//! Kernels, and dispatches of them.

use std::borrow::Cow;

use super::super::elementwise::Function;
use super::super::section;
use super::TensorId;

/// One kernel: a WGSL file with one entry point, `main`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kernel {
    /// Its path under `shaders/` without the ending, `conv2d/forward_tiled` for instance.
    pub name: &'static str,
    /// The WGSL source.
    pub source: &'static str,
}

/// The [`Kernel`] of `shaders/<name>.wgsl`.
macro_rules! kernel {
    ($name:literal) => {
        $crate::ops::program::Kernel {
            name: $name,
            source: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $name, ".wgsl")),
        }
    };
}
pub(crate) use kernel;

/// How a dispatch uses a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// `var<storage, read>`.
    Read,
    /// `var<storage, read_write>`, every element written, none read before it is written.
    Write,
    /// `var<storage, read_write>`, read and updated in place.
    ReadWrite,
    /// `var<uniform>`: a tensor of a few words that every invocation reads.
    Uniform,
}

impl Access {
    /// Whether the kernel changes the tensor.
    pub fn writes(self) -> bool {
        matches!(self, Self::Write | Self::ReadWrite)
    }
}

/// One tensor bound to a dispatch.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// The tensor.
    pub tensor: TensorId,
    /// How the kernel uses it.
    pub access: Access,
}

/// One dispatch of one kernel.
#[derive(Debug, Clone)]
pub struct Dispatch {
    /// The layer it belongs to.
    pub layer: String,
    /// The kernel.
    pub kernel: Kernel,
    /// Sections of its source that another file's section of the same name takes the place of. Functions of several files
    /// for one section are applied in this order.
    pub sections: Vec<(&'static str, Kernel)>,
    /// Whether its tensors are in f32 however the program stores activations.
    pub in_f32: bool,
    /// Whether the output of a kernel with a section `result` is an activation, not parts of a sum.
    pub result_is_activation: bool,
    /// Whether it reads and writes single precision in words of 64 bits where the device has [wide
    /// loads](crate::gpu::Capabilities::wide_loads).
    pub wide: bool,
    /// Pipeline-overridable constants. The batch is never one of them: a plan for another batch
    /// reuses the pipelines.
    pub constants: Vec<(&'static str, f64)>,
    /// The tensors, in the order of the kernel's bindings.
    pub bindings: Vec<Binding>,
    /// The words of the kernel's uniform, bound after the tensors; none where it is empty.
    pub uniform: Vec<u32>,
    /// The number of workgroups on each axis.
    pub workgroups: [u32; 3],
    /// How many items its invocations take in turn, however many there are of them, and the loop iterations that one
    /// takes: see [`Dispatch::in_turn`].
    items: Option<[usize; 2]>,
    /// Floating-point operations, a multiply-add counted as two: those of the direct form, also where a dispatch stands
    /// for it that gets by with fewer.
    pub flops: u64,
}

impl Dispatch {
    /// A dispatch of `kernel` for `layer`, with nothing bound yet.
    pub fn new(layer: &str, kernel: Kernel) -> Self {
        Self {
            layer: layer.into(),
            kernel,
            sections: vec![],
            in_f32: false,
            result_is_activation: false,
            wide: false,
            constants: vec![],
            bindings: vec![],
            uniform: vec![],
            workgroups: [1; 3],
            items: None,
            flops: 0,
        }
    }

    /// Says that its tensors are in f32 however the program stores activations.
    pub fn in_f32(mut self) -> Self {
        self.in_f32 = true;
        self
    }

    /// Says that it is faster with words of 64 bits where the device has them: its operands lie in a cache, or it writes
    /// where it has read. A kernel that streams from one tensor to another was seen to take four times as long with them.
    pub fn wide(mut self) -> Self {
        self.wide = true;
        self
    }

    /// Says that the output of a kernel with a section `result` is an activation.
    pub fn result_is_activation(mut self) -> Self {
        self.result_is_activation = true;
        self
    }

    /// Ends a kernel that has a section `activation` with a function, where there is one.
    pub fn activation(self, function: Option<&Function>) -> Self {
        match function {
            Some(function) => self.borrow("activation", function),
            None => self,
        }
    }

    /// Has the right operand of a kernel that has a section `operand` go through a function, where there is one.
    pub fn operand(self, function: Option<&Function>) -> Self {
        match function {
            Some(function) => self.borrow("operand", function),
            None => self,
        }
    }

    /// Puts the section `name` of another file in the place of this kernel's.
    pub fn section(mut self, name: &'static str, other: Kernel) -> Self {
        self.sections.push((name, other));
        self
    }

    /// Puts a function that other kernels hold in their sections `name` in the place of this kernel's, unless it is this
    /// kernel's own.
    pub fn borrow(mut self, name: &'static str, function: &Function) -> Self {
        if function.kernels != [self.kernel] {
            self.sections.extend(function.kernels.iter().map(|kernel| (name, *kernel)));
        }
        self.constants(&function.constants)
    }

    /// Sets override constants.
    pub fn constants(mut self, constants: &[(&'static str, f64)]) -> Self {
        self.constants.extend(constants);
        self
    }

    /// The name of the kernel and of all that its sections come from: no two sources have the same.
    pub fn variant(&self) -> String {
        let sections = self.sections.iter().map(|(name, other)| format!(" {name}={}", other.name));
        self.kernel.name.to_owned() + &sections.collect::<String>()
    }

    /// The kernel, and the functions of other layers that it begins or ends with, for people:
    /// `conv2d/forward_tiled + relu`.
    pub fn description(&self) -> String {
        let operators = |section: &'static str| {
            let others =
                self.sections.iter().filter(move |(name, other)| *name == section && *other != self.kernel);
            others.filter_map(|(_, other)| other.name.split('/').next())
        };
        let parts = operators("operand").chain([self.kernel.name]).chain(operators("activation"));
        parts.collect::<Vec<_>>().join(" + ")
    }

    /// The WGSL source, with its sections replaced.
    pub fn source(&self) -> Cow<'static, str> {
        match &self.sections[..] {
            [] => Cow::Borrowed(self.kernel.source),
            sections => Cow::Owned(section::assemble(self.kernel, sections)),
        }
    }

    /// Sets an override constant.
    pub fn constant(mut self, name: &'static str, value: impl Into<f64>) -> Self {
        self.constants.push((name, value.into()));
        self
    }

    /// Sets an override constant of type `u32` (or `i32`) from a size.
    pub fn size(self, name: &'static str, value: usize) -> Self {
        self.constant(name, value as f64)
    }

    /// Tells a kernel that keeps the lanes past the last of `CHANNELS` channels zero how many there are. Where a pixel has no
    /// such lane any number of quads will do: layers of all widths share a pipeline.
    pub fn channels(self, channels: usize) -> Self {
        self.size("CHANNELS", if channels.is_multiple_of(4) { 4 } else { channels })
    }

    /// Binds a tensor that is only read.
    pub fn read(mut self, tensor: TensorId) -> Self {
        self.bindings.push(Binding { tensor, access: Access::Read });
        self
    }

    /// Binds a tensor that is written whole.
    pub fn write(mut self, tensor: TensorId) -> Self {
        self.bindings.push(Binding { tensor, access: Access::Write });
        self
    }

    /// Binds a tensor that is updated in place.
    pub fn update(mut self, tensor: TensorId) -> Self {
        self.bindings.push(Binding { tensor, access: Access::ReadWrite });
        self
    }

    /// Binds a tensor of a few words that is only read, as a uniform.
    pub fn read_uniform(mut self, tensor: TensorId) -> Self {
        self.bindings.push(Binding { tensor, access: Access::Uniform });
        self
    }

    /// Adds a word to the uniform.
    pub fn uniform(mut self, word: u32) -> Self {
        self.uniform.push(word);
        self
    }

    /// Adds a word for each of these sizes to the uniform.
    pub fn uniform_sizes(mut self, sizes: &[usize]) -> Self {
        self.uniform.extend(sizes.iter().map(|size| word(*size)));
        self
    }

    /// As many workgroups of `size` invocations as cover `invocations`, folded over x and y.
    pub fn invocations(self, invocations: usize, size: usize) -> Self {
        self.groups(invocations.div_ceil(size))
    }

    /// As many workgroups of [`TURN_WORKGROUP`] invocations along x as suit the device, which take `items` items in
    /// turn: of n invocations each takes every n-th. An item takes at most `iterations` iterations of loops.
    pub fn in_turn(mut self, items: usize, iterations: usize) -> Self {
        self.items = Some([items, iterations]);
        self
    }

    /// Settles how many workgroups take [its items in turn](Dispatch::in_turn), if it has any, where `wanted` suit the
    /// device.
    pub(super) fn take_turns(&mut self, wanted: usize) {
        if let Some([items, iterations]) = self.items {
            self.workgroups = [turn_workgroups(items, iterations, wanted) as u32, 1, 1];
        }
    }

    /// This many workgroups, folded over x and y so that neither passes 65,535.
    pub fn groups(mut self, groups: usize) -> Self {
        let [x, y] = fold(groups);
        self.workgroups = [x, y, self.workgroups[2]];
        self
    }

    /// This many layers of workgroups along z.
    pub fn layers(mut self, z: usize) -> Self {
        self.workgroups[2] = word(z);
        self
    }

    /// Says how many floating-point operations it does.
    pub fn flops(mut self, flops: u64) -> Self {
        self.flops = flops;
        self
    }
}

/// A size as a word. What does not fit is not cut to something small: it is more than any limit.
fn word(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

/// WebGPU's limit on the workgroups along one axis, which no adapter seen passes by much.
pub const MAX_WORKGROUPS_PER_AXIS: usize = 65_535;

/// The invocations of a workgroup of the kernels whose invocations take items in turn: few enough that neighbours read
/// neighbouring memory even where a processor runs them one after the other.
pub const TURN_WORKGROUP: usize = 64;

/// The most loop iterations that one item of [`Dispatch::in_turn`] may take. Some drivers end an invocation's loops
/// after 65,535 iterations in all, without a word; one is that of the loop over the items.
pub(in crate::ops) const MAX_ITERATIONS: usize = 65_534;

/// How many workgroups take `items` items in turn, `wanted` of them where there are enough items.
fn turn_workgroups(items: usize, iterations: usize, wanted: usize) -> usize {
    let turns = (MAX_ITERATIONS / (iterations + 1)).max(1);
    let least = items.div_ceil(turns * TURN_WORKGROUP);
    items.div_ceil(TURN_WORKGROUP).min(wanted).max(least).clamp(1, MAX_WORKGROUPS_PER_AXIS)
}

/// Splits `groups` workgroups over x and y with as few idle ones as the even split allows.
fn fold(groups: usize) -> [u32; 2] {
    let rows = groups.div_ceil(MAX_WORKGROUPS_PER_AXIS).max(1);
    [groups.div_ceil(rows).max(1) as u32, rows as u32]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_covers_every_workgroup() {
        for groups in [0, 1, 65_535, 65_536, 131_071, 10_000_000] {
            let [x, y] = fold(groups);
            assert!(x as usize * y as usize >= groups);
            assert!(x as usize <= MAX_WORKGROUPS_PER_AXIS && y as usize <= MAX_WORKGROUPS_PER_AXIS);
            assert!(x as usize * y as usize - groups < y as usize + 1);
        }
    }
}

//! What operators say to the scheduler: a list of dispatches over tensors, as plain data.
//!
//! Nothing here touches a device. An operator appends [`Dispatch`]es to a [`Program`]; the
//! scheduler places the tensors in buffers and turns the dispatches into pipelines and bind groups.
//!
//! # How tensors lie in device memory
//! - An **activation** is NHWC with the channels padded to a multiple of four, read as
//!   `array<vec4<f32>>`: the quad of pixel (n, y, x) and channels 4q..4q+3 is at index
//!   `((n · H + y) · W + x) · Q + q`, `Q = ceil(C / 4)`. **The lanes past C are zero**: every kernel that
//!   writes an activation or a gradient keeps this, so that every kernel may read whole quads.
//!   Features (`[N, F]`) are activations of height and width 1.
//! - A **weight** is `[kh][kw][in][out]` with the outputs padded to a multiple of four and the
//!   inputs too, unless there are three or fewer of them; the number of rows (kh · kw · in) is rounded
//!   up to a multiple of four. Its padding is zero. See [`ParameterLayout`].
//! - A **vector** (a bias) is padded to a multiple of four with zeros.
//! - What enters and leaves a network (`Program::host_tensor`) is NCHW without padding, as on the host.
//!
//! # How a kernel is bound
//! `@group(0)` holds the dispatch's bindings in their order from `@binding(0)`; where the dispatch
//! has uniform words, they are the last binding. A tensor of a few words that every invocation reads may
//! be bound as a uniform, so that kernels with many tensors keep within the devices' limit on storage
//! buffers. What the pipeline is specialised for are override
//! constants. Dispatches of one dimension may be folded over x and y: the kernel's linear workgroup
//! index is `workgroup_id.x + workgroup_id.y * num_workgroups.x`.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::choice::{Choices, Problem};
use super::elementwise::Function;
use super::section;
use crate::gpu::Capabilities;
use crate::shape::Shape;

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

/// A tensor of a program, an index into [`Program::tensors`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub usize);

/// A tensor's memory as the scheduler sees it.
#[derive(Debug, Clone)]
pub struct TensorDesc {
    /// What it is, for people: `conv1.output`.
    pub label: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// What it holds from the start: the scheduler uploads it once. `None` for what the dispatches write before
    /// they read it.
    pub contents: Option<Vec<f32>>,
    /// The tensor that it is a part of, and at which byte it begins there: see [`Program::samples`].
    pub part_of: Option<(TensorId, u64)>,
}

/// An image tensor in device memory, in the layout of the module's documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activation {
    /// Its memory.
    pub tensor: TensorId,
    /// Channels, height and width of one sample.
    pub shape: Shape,
    /// The number of samples.
    pub batch: usize,
}

impl Activation {
    /// The number of vec4 per pixel.
    pub fn quads(&self) -> usize {
        quads(self.shape.channels)
    }

    /// The number of pixels over the whole batch.
    pub fn pixels(&self) -> usize {
        self.batch * self.shape.height * self.shape.width
    }

    /// The number of vec4 over the whole batch.
    pub fn total_quads(&self) -> usize {
        self.pixels() * self.quads()
    }
}

/// `ceil(channels / 4)`.
pub fn quads(channels: usize) -> usize {
    channels.div_ceil(4)
}

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
    /// Sections of its source that another file's section of the same name takes the place of.
    pub sections: Vec<(&'static str, Kernel)>,
    /// Whether its tensors are in f32 however the program stores activations.
    pub in_f32: bool,
    /// Whether the output of a kernel with a section `result` is an activation, not parts of a sum.
    pub result_is_activation: bool,
    /// Whether it reads and writes single precision as vectors of f32 even where the program takes words of 64 bits.
    pub narrow: bool,
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
            narrow: false,
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

    /// Says that it is no faster with words of 64 bits, where the program reads single precision in them.
    pub fn narrow(mut self) -> Self {
        self.narrow = true;
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

    /// Puts a function that another kernel holds in a section `name` in the place of this kernel's.
    pub fn borrow(self, name: &'static str, function: &Function) -> Self {
        self.section(name, function.kernel).constants(&function.constants)
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
        let operator = |section: &str| {
            let (_, other) = self.sections.iter().find(|(name, _)| *name == section)?;
            other.name.split('/').next()
        };
        let first = operator("operand").map(|operator| format!("{operator} + "));
        let last = operator("activation").map(|operator| format!(" + {operator}"));
        first.unwrap_or_default() + self.kernel.name + &last.unwrap_or_default()
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

    /// This many workgroups, folded over x and y so that neither passes 65,535.
    pub fn groups(mut self, groups: usize) -> Self {
        let [x, y] = fold(groups);
        self.workgroups = [x, y, self.workgroups[2]];
        self
    }

    /// This many layers of workgroups along z.
    pub fn layers(mut self, z: usize) -> Self {
        self.workgroups[2] = z as u32;
        self
    }

    /// Says how many floating-point operations it does.
    pub fn flops(mut self, flops: u64) -> Self {
        self.flops = flops;
        self
    }
}

/// WebGPU's limit on the workgroups along one axis, which no adapter seen passes by much.
pub const MAX_WORKGROUPS_PER_AXIS: usize = 65_535;

/// The invocations of a workgroup of the kernels whose invocations take items in turn: few enough that neighbours read
/// neighbouring memory even where a processor runs them one after the other.
pub const TURN_WORKGROUP: usize = 64;

/// The most loop iterations that one item of [`Dispatch::in_turn`] may take. Some drivers end an invocation's loops
/// after 65,535 iterations in all, without a word; one is that of the loop over the items.
pub(super) const MAX_ITERATIONS: usize = 65_534;

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

/// How the four channels of a quad of an activation are stored. Sums are in f32 in any case, and so are parameters,
/// their gradients, statistics and losses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Storage {
    /// Four `f32`.
    #[default]
    F32,
    /// Four `f16`, two in a word, converted by the packing functions that every device has.
    PackedF16,
    /// Four `f16`, on devices with the feature `shader-f16`.
    NativeF16,
}

impl Storage {
    /// The bytes of a quad.
    pub fn quad_bytes(self) -> usize {
        if self == Self::F32 { 16 } else { 8 }
    }

    /// The bytes of one sample of an activation.
    pub fn sample_bytes(self, shape: Shape) -> usize {
        shape.height * shape.width * quads(shape.channels) * self.quad_bytes()
    }

    /// Where the `storage` section of the kernels comes from, unless it is the kernel's own.
    fn kernel(self) -> Option<Kernel> {
        match self {
            Self::F32 => None,
            Self::PackedF16 => Some(kernel!("storage/packed_f16")),
            Self::NativeF16 => Some(kernel!("storage/native_f16")),
        }
    }
}

/// Dispatches in the order in which they run, and the tensors they work on.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// How activations, and gradients to them, are stored.
    pub storage: Storage,
    /// Whether what is in single precision is read and written in words of 64 bits:
    /// [`Capabilities::wide_loads`].
    pub wide_loads: bool,
    /// How many workgroups take items in turn: see [`Dispatch::in_turn`].
    pub workgroups_in_turn: usize,
    /// Which variants were chosen for problems that have several.
    pub choices: Choices,
    /// The problems for which a variant was chosen, as often as it was.
    pub problems: Vec<Arc<dyn Problem>>,
    /// All tensors.
    pub tensors: Vec<TensorDesc>,
    /// All dispatches.
    pub dispatches: Vec<Dispatch>,
}

impl Program {
    /// Which of a problem's candidates is to compute it.
    pub fn choose(&mut self, problem: Arc<dyn Problem>, capabilities: &Capabilities) -> usize {
        let candidate = self.choices.pick(&*problem, capabilities);
        self.problems.push(problem);
        candidate
    }

    /// A tensor of `bytes` bytes, rounded up to whole vec4.
    pub fn tensor(&mut self, label: impl Into<String>, bytes: usize) -> TensorId {
        let bytes = bytes.max(1).next_multiple_of(16) as u64;
        self.tensors.push(TensorDesc { label: label.into(), bytes, contents: None, part_of: None });
        TensorId(self.tensors.len() - 1)
    }

    /// A tensor that holds `contents`, padded with zeros to whole vec4; dispatches only read it.
    pub fn constant_tensor(&mut self, label: impl Into<String>, mut contents: Vec<f32>) -> TensorId {
        contents.resize(quads(contents.len()).max(1) * 4, 0.0);
        let tensor = self.tensor(label, contents.len() * 4);
        self.tensors[tensor.0].contents = Some(contents);
        tensor
    }

    /// An activation of `batch` samples of `shape`.
    pub fn activation(&mut self, label: impl Into<String>, shape: Shape, batch: usize) -> Activation {
        let bytes = batch * self.sample_bytes(shape);
        Activation { tensor: self.tensor(label, bytes), shape, batch }
    }

    /// The bytes of one sample of an activation.
    pub fn sample_bytes(&self, shape: Shape) -> usize {
        self.storage.sample_bytes(shape)
    }

    /// The part of an activation that holds these samples.
    pub fn samples(&mut self, of: Activation, samples: &Range<usize>) -> Activation {
        let bytes = self.sample_bytes(of.shape);
        let tensor = self.part(of.tensor, (samples.start * bytes) as u64, (samples.len() * bytes) as u64);
        Activation { tensor, batch: samples.len(), ..of }
    }

    /// The part of a host's tensor that holds these samples.
    pub fn host_samples(&mut self, of: TensorId, shape: Shape, samples: &Range<usize>) -> TensorId {
        let bytes = shape.len() * 4;
        self.part(of, (samples.start * bytes) as u64, (samples.len() * bytes) as u64)
    }

    /// `bytes` bytes of a tensor, rounded up to whole vec4, as a tensor; the same part is the same tensor.
    pub(crate) fn part(&mut self, of: TensorId, offset: u64, bytes: u64) -> TensorId {
        let (whole, within) = self.whole(of);
        let (part_of, offset) = (Some((whole, within + offset)), within + offset);
        let bytes = bytes.next_multiple_of(16).min(self.tensors[whole.0].bytes - offset);
        if offset == 0 && bytes == self.tensors[whole.0].bytes {
            return whole;
        }
        let known = self.tensors.iter().position(|desc| desc.part_of == part_of && desc.bytes == bytes);
        TensorId(known.unwrap_or_else(|| {
            let label = format!("{} from byte {offset}", self.tensors[whole.0].label);
            self.tensors.push(TensorDesc { label, bytes, contents: None, part_of });
            self.tensors.len() - 1
        }))
    }

    /// The tensor that a part belongs to, and at which byte it begins; of a whole tensor, itself.
    pub fn whole(&self, tensor: TensorId) -> (TensorId, u64) {
        self.tensors[tensor.0].part_of.unwrap_or((tensor, 0))
    }

    /// A tensor laid out as on the host: NCHW, f32, no padding.
    pub fn host_tensor(&mut self, label: impl Into<String>, shape: Shape, batch: usize) -> TensorId {
        self.tensor(label, batch * shape.len() * 4)
    }

    /// Appends a dispatch. Its activations are stored as the program says.
    pub fn push(&mut self, mut dispatch: Dispatch) {
        let half = self.storage.kernel().filter(|_| !dispatch.in_f32);
        let single = (self.wide_loads && !dispatch.narrow).then_some(kernel!("storage/wide_f32"));
        let stored = half.or(single);
        let result = half.filter(|_| dispatch.result_is_activation);
        let sections = [("storage", stored), ("result", result), ("plain", single)];
        dispatch.sections.extend(sections.into_iter().filter_map(|(name, from)| Some((name, from?))));
        if let Some([items, iterations]) = dispatch.items {
            let groups = turn_workgroups(items, iterations, self.workgroups_in_turn);
            dispatch.workgroups = [groups as u32, 1, 1];
        }
        self.dispatches.push(dispatch);
    }
}

/// How a parameter lies in device memory. The host's copy is always plain row-major.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterLayout {
    /// `[out, in, kh, kw]` on the host (`[out, in]`: a kernel of 1 x 1) becomes `[kh][kw][in][out]`,
    /// padded as the module's documentation says.
    Weight,
    /// `[in, out / groups, kh, kw]` on the host, a transposed convolution's, becomes `[kh][kw][in / groups][out]`,
    /// padded like [`Weight`](Self::Weight) and with the taps in the opposite order: what its forward pass
    /// multiplies with.
    TransposedWeight {
        /// The groups of channels.
        groups: usize,
    },
    /// `[n]` padded to a multiple of four.
    Vector,
}

impl ParameterLayout {
    /// How many floats the parameter of host shape `shape` takes on the device.
    pub fn len(self, shape: &[usize]) -> usize {
        match self {
            Self::Weight => {
                let [out, _, kh, kw] = oihw(shape);
                weight_rows(shape[1], kh * kw) * quads(out) * 4
            }
            Self::TransposedWeight { groups } => {
                let [inputs, outputs, kh, kw] = oihw(shape);
                weight_rows(inputs / groups.max(1), kh * kw) * quads(outputs * groups) * 4
            }
            Self::Vector => quads(shape[0]) * 4,
        }
    }

    /// The device's form of a parameter.
    pub fn pack(self, shape: &[usize], host: &[f32]) -> Vec<f32> {
        let mut device = vec![0.0; self.len(shape)];
        self.visit(shape, |h, d| device[d] = host[h]);
        device
    }

    /// The host's form of a parameter.
    pub fn unpack(self, shape: &[usize], device: &[f32]) -> Vec<f32> {
        let mut host = vec![0.0; shape.iter().product()];
        self.visit(shape, |h, d| host[h] = device[d]);
        host
    }

    /// Calls `f` with the host's and the device's index of every element.
    fn visit(self, shape: &[usize], mut f: impl FnMut(usize, usize)) {
        match self {
            Self::Vector => (0..shape[0]).for_each(|i| f(i, i)),
            Self::Weight => {
                let [out, inputs, kh, kw] = oihw(shape);
                let (rows, columns) = (padded_inputs(inputs), quads(out) * 4);
                for o in 0..out {
                    for i in 0..inputs {
                        for tap in 0..kh * kw {
                            f((o * inputs + i) * kh * kw + tap, (tap * rows + i) * columns + o);
                        }
                    }
                }
            }
            Self::TransposedWeight { groups } => {
                let [inputs, outputs, kh, kw] = oihw(shape);
                let (taps, group_inputs) = (kh * kw, inputs / groups.max(1));
                let (rows, columns) = (padded_inputs(group_inputs), quads(outputs * groups) * 4);
                for i in 0..inputs {
                    let (group, row) = (i / group_inputs, i % group_inputs);
                    for o in 0..outputs {
                        let column = group * outputs + o;
                        for tap in 0..taps {
                            let device = ((taps - 1 - tap) * rows + row) * columns + column;
                            f((i * outputs + o) * taps + tap, device);
                        }
                    }
                }
            }
        }
    }
}

fn oihw(shape: &[usize]) -> [usize; 4] {
    [shape[0], shape[1], shape.get(2).copied().unwrap_or(1), shape.get(3).copied().unwrap_or(1)]
}

/// The rows that one tap of a weight takes: the input channels, padded to whole quads unless there
/// are three or fewer (the first layer), where padding would multiply its work.
pub fn padded_inputs(inputs: usize) -> usize {
    if inputs < 4 { inputs } else { inputs.next_multiple_of(4) }
}

/// The rows of a weight's matrix, rounded up to whole quads.
pub fn weight_rows(inputs: usize, taps: usize) -> usize {
    (padded_inputs(inputs) * taps).next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_is_undone_by_unpacking() {
        for (layout, shape) in [
            (ParameterLayout::Weight, vec![5, 3, 2, 3]),
            (ParameterLayout::Weight, vec![6, 7, 1, 1]),
            (ParameterLayout::Weight, vec![4, 9]),
            (ParameterLayout::TransposedWeight { groups: 1 }, vec![5, 3, 2, 3]),
            (ParameterLayout::TransposedWeight { groups: 3 }, vec![15, 2, 3, 1]),
            (ParameterLayout::Vector, vec![5]),
        ] {
            let host: Vec<f32> = (1..=shape.iter().product::<usize>()).map(|i| i as f32).collect();
            let device = layout.pack(&shape, &host);
            assert_eq!(device.len(), layout.len(&shape));
            assert_eq!(device.iter().filter(|v| **v != 0.0).count(), host.len());
            assert_eq!(layout.unpack(&shape, &device), host);
        }
    }

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

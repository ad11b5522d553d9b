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

mod dispatch;
mod layout;
mod storage;

use std::ops::Range;
use std::sync::Arc;

use super::choice::{Choices, Problem};
use super::reduce::Summation;
use crate::gpu::Capabilities;
use crate::shape::Shape;

pub(in crate::ops) use dispatch::MAX_ITERATIONS;
pub(crate) use dispatch::kernel;
pub use dispatch::{Access, Binding, Dispatch, Kernel, MAX_WORKGROUPS_PER_AXIS, TURN_WORKGROUP};
pub use layout::{ParameterLayout, padded_inputs, weight_rows};
pub use storage::Storage;

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

/// Dispatches in the order in which they run, and the tensors they work on.
#[derive(Debug, Clone)]
pub struct Program {
    /// How activations, and gradients to them, are stored.
    pub storage: Storage,
    /// Whether dispatches that ask for it ([`Dispatch::wide`]) read and write single precision in words of 64 bits:
    /// [`Capabilities::wide_loads`].
    pub wide_loads: bool,
    /// How many workgroups take items in turn: see [`Dispatch::in_turn`].
    pub workgroups_in_turn: usize,
    /// How sums over many pixels are taken.
    pub(in crate::ops) summation: Summation,
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
    /// An empty one, for a device that can do what `capabilities` say; activations are in single precision.
    pub fn new(capabilities: &Capabilities) -> Self {
        Self {
            storage: Storage::default(),
            wide_loads: capabilities.wide_loads(),
            workgroups_in_turn: capabilities.workgroups_in_turn(),
            summation: Summation::on(capabilities),
            choices: Choices::default(),
            problems: vec![],
            tensors: vec![],
            dispatches: vec![],
        }
    }

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
        dispatch.sections.extend(self.storage.sections(&dispatch, self.wide_loads));
        dispatch.take_turns(self.workgroups_in_turn);
        self.dispatches.push(dispatch);
    }
}

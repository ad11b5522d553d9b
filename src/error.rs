//! The one error type of the crate.

use std::path::PathBuf;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong, in words a person can act on.
///
/// An error names the layer or the file, what it got, and what would have been accepted. After any
/// of them the network whose parameters were last read back or saved is intact.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The machine offers no adapter that can run compute shaders.
    #[error(
        "no GPU adapter was found ({searched}). Install a Vulkan driver for the GPU, or a software \
         one: on Debian and Ubuntu `apt-get install libvulkan1 mesa-vulkan-drivers`, on Fedora \
         `dnf install vulkan-loader mesa-vulkan-drivers`, on Arch `pacman -S vulkan-icd-loader vulkan-swrast`"
    )]
    NoAdapter {
        /// Which backends and names were searched.
        searched: String,
    },
    /// There are adapters, but none has the wanted name.
    #[error("no adapter's name contains {wanted:?}; the adapters here are: {}", list(available))]
    AdapterNotFound {
        /// The name that was asked for.
        wanted: String,
        /// The names of the adapters that are there.
        available: Vec<String>,
    },
    /// The device could not be opened, or it lacks something that the crate cannot do without.
    #[error("the device of adapter {adapter:?} cannot be used: {message}")]
    Device {
        /// The adapter's name.
        adapter: String,
        /// What was missing, or what the driver said.
        message: String,
    },
    /// The driver lost the device (reset, unplugged, destroyed).
    #[error("the GPU device was lost: {0}. Parameters that were read back or saved before are intact")]
    DeviceLost(String),
    /// An allocation on the device failed.
    #[error("out of device memory while allocating {bytes} bytes for {what}")]
    OutOfMemory {
        /// What was to be allocated.
        what: String,
        /// Its size in bytes.
        bytes: u64,
    },
    /// wgpu or the driver refused a call. It means a defect in this crate or in the driver.
    #[error("the GPU refused {what}: {message}")]
    Gpu {
        /// What was attempted.
        what: String,
        /// wgpu's description.
        message: String,
    },
    /// Something is larger than the device's limit allows.
    #[error("{what} needs {needed}, more than the device's {limit_name} of {limit}")]
    Limit {
        /// The tensor or the dispatch.
        what: String,
        /// What it needs.
        needed: u64,
        /// The name of the limit, as WebGPU calls it.
        limit_name: &'static str,
        /// The limit's value.
        limit: u64,
    },
    /// An operator refuses its attributes or the shapes of its inputs.
    #[error("layer {layer:?} ({operator}): {message}")]
    Layer {
        /// The layer's name in the network.
        layer: String,
        /// The operator's name.
        operator: &'static str,
        /// What it got and what would have been accepted.
        message: String,
    },
    /// The layers do not join into a network.
    #[error("network: {0}")]
    Network(String),
    /// A node of an imported model that this crate's operators cannot compute.
    #[error("node {node:?} ({operator}): {message}")]
    Node {
        /// The node's name; that of its first output where it has none.
        node: String,
        /// Its operator, as the model's format calls it.
        operator: String,
        /// What it asks for and what would have been accepted.
        message: String,
    },
    /// A parameter is missing, unknown, or of another shape.
    #[error("parameter {name:?}: {message}")]
    Parameter {
        /// The parameter's name, `layer.weight` for instance.
        name: String,
        /// What it got and what would have been accepted.
        message: String,
    },
    /// A tensor handed in does not have the wanted shape.
    #[error("{what}: expected shape {expected}, got {got:?}")]
    Input {
        /// Which tensor.
        what: String,
        /// The shape that would have been accepted, in words.
        expected: String,
        /// The shape it has.
        got: Vec<usize>,
    },
    /// A class label outside the network's classes.
    #[error("label {label} of image {image} is not a class: the network has {classes} outputs, so labels are 0 to {}", classes.saturating_sub(1))]
    Label {
        /// The index of the image in its batch or data set.
        image: usize,
        /// The label.
        label: i64,
        /// The number of classes.
        classes: usize,
    },
    /// A target that the loss cannot compare a prediction with.
    #[error("target: the loss {loss} takes {expected}, got {got}")]
    Target {
        /// The loss's name.
        loss: &'static str,
        /// What would have been accepted.
        expected: String,
        /// What it got.
        got: String,
    },
    /// An option has a value that makes no sense.
    #[error("{option} is {got}; it must be {expected}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// Its value.
        got: String,
        /// What would have been accepted.
        expected: &'static str,
    },
    /// A file's content is not what its format promises.
    #[error("{}: {message}", path.display())]
    Data {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        message: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    /// An [`Error::Io`] for `path`.
    pub(crate) fn io(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }

    /// An [`Error::Data`] for `path`.
    pub(crate) fn data(path: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self::Data { path: path.into(), message: message.into() }
    }
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

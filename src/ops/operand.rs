//! The tensors of a trial: what they hold while candidates are compared.

use half::f16;
use rand::{Rng, RngExt};

use super::program::{Activation, ParameterLayout, Program, Storage, TensorId};

/// A tensor that a trial reads or writes, and how it lies in device memory.
#[derive(Debug, Clone)]
pub enum Operand {
    /// An image, or a gradient to one, stored as the program says.
    Activation(Activation),
    /// A parameter, or a gradient to one.
    Parameter {
        /// Its memory.
        tensor: TensorId,
        /// How it lies there.
        layout: ParameterLayout,
        /// Its shape on the host.
        shape: Vec<usize>,
    },
}

impl Operand {
    /// A parameter in a tensor of its own.
    pub fn parameter(
        program: &mut Program,
        label: impl Into<String>,
        layout: ParameterLayout,
        shape: impl Into<Vec<usize>>,
    ) -> Self {
        let shape = shape.into();
        Self::Parameter { tensor: program.tensor(label, 4 * layout.len(&shape)), layout, shape }
    }

    /// Its memory.
    pub fn tensor(&self) -> TensorId {
        match self {
            Self::Activation(activation) => activation.tensor,
            Self::Parameter { tensor, .. } => *tensor,
        }
    }

    /// Whether it is in half precision in a program with this storage.
    pub(crate) fn is_half(&self, storage: Storage) -> bool {
        matches!(self, Self::Activation(_)) && storage != Storage::F32
    }

    /// Numbers between -1 and 1, evenly spread, as they lie in device memory, its padding zero. Where activations are in
    /// half precision so are all numbers, whatever they are kept in: some kernels round a parameter on its way into a
    /// product, and nothing is to tell them apart but their sums.
    pub(crate) fn fill(&self, storage: Storage, random: &mut impl Rng) -> Vec<u8> {
        let mut number = || match (random.random_range(-1.0..1.0f32), storage) {
            (number, Storage::F32) => number,
            (number, Storage::PackedF16 | Storage::NativeF16) => f16::from_f32(number).to_f32(),
        };
        match self {
            Self::Activation(image) => {
                let (channels, lanes) = (image.shape.channels, 4 * image.quads());
                let pixels =
                    (0..image.pixels() * lanes).map(|i| if i % lanes < channels { number() } else { 0.0 });
                if self.is_half(storage) {
                    pixels.flat_map(|value| f16::from_f32(value).to_le_bytes()).collect()
                } else {
                    pixels.flat_map(f32::to_le_bytes).collect()
                }
            }
            Self::Parameter { layout, shape, .. } => {
                let host: Vec<f32> = (0..shape.iter().product()).map(|_| number()).collect();
                layout.pack(shape, &host).into_iter().flat_map(f32::to_le_bytes).collect()
            }
        }
    }

    /// The numbers in what lies in device memory, its padding too.
    pub(crate) fn numbers(&self, storage: Storage, bytes: &[u8]) -> Vec<f32> {
        if self.is_half(storage) {
            bytes.as_chunks::<2>().0.iter().map(|half| f16::from_le_bytes(*half).to_f32()).collect()
        } else {
            bytes.as_chunks::<4>().0.iter().map(|float| f32::from_le_bytes(*float)).collect()
        }
    }
}

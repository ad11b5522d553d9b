//! Tensors whose elements are known when a model is imported.

use std::fs;
use std::path::Path;

use prost::Message;

use crate::{Error, Result, Tensor};

use super::proto::TensorProto;

/// A tensor whose elements are known when a model is imported: a weight, or a setting that ONNX passes as
/// an input (the target of a Reshape).
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    /// ONNX's `FLOAT`.
    Floats(Tensor),
    /// ONNX's `INT64`, `INT32` and `BOOL`.
    Integers(Tensor<i64>),
}

impl Constant {
    /// Reads a file that holds one ONNX tensor (a serialized `TensorProto`, often called `*.pb`).
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be read, [`Error::Data`] where it is no tensor of a type that is
    /// listed at the variants.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|source| Error::io(path, source))?;
        let proto = TensorProto::decode(&*bytes).map_err(|e| Error::data(path, format!("no tensor: {e}")))?;
        Self::decode(&proto).map_err(|message| Error::data(path, message))
    }

    /// The size of each axis.
    pub fn shape(&self) -> &[usize] {
        match self {
            Self::Floats(tensor) => tensor.shape(),
            Self::Integers(tensor) => tensor.shape(),
        }
    }

    /// What it holds, in ONNX's words.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Floats(_) => "FLOAT",
            Self::Integers(_) => "integers",
        }
    }

    /// The same elements under another shape.
    pub(super) fn reshape(self, shape: &[usize]) -> Result<Self> {
        match self {
            Self::Floats(tensor) => tensor.reshape(shape).map(Self::Floats),
            Self::Integers(tensor) => tensor.reshape(shape).map(Self::Integers),
        }
    }

    /// Reads a message.
    pub(super) fn decode(proto: &TensorProto) -> Result<Self, String> {
        if proto.data_location() == EXTERNAL {
            return Err("its elements lie in another file; save the model with its tensors inside".into());
        }
        let shape = shape(&proto.dims)?;
        let raw = proto.raw_data.as_deref();
        let integers = |values: Vec<i64>| Tensor::new(shape.clone(), values).map(Self::Integers);
        let tensor = match proto.data_type() {
            FLOAT => {
                let values =
                    raw.map_or_else(|| Ok(proto.float_data.clone()), |b| numbers(b, f32::from_le_bytes))?;
                Tensor::new(shape, values).map(Self::Floats)
            }
            INT64 => integers(match raw {
                Some(bytes) => numbers(bytes, i64::from_le_bytes)?,
                None => proto.int64_data.clone(),
            }),
            INT32 => integers(match raw {
                Some(bytes) => widened(numbers(bytes, i32::from_le_bytes)?),
                None => widened(proto.int32_data.clone()),
            }),
            BOOL => integers(match raw {
                Some(bytes) => bytes.iter().map(|byte| i64::from(*byte != 0)).collect(),
                None => widened(proto.int32_data.clone()),
            }),
            other => {
                let name = type_name(other);
                return Err(format!("its elements are {name}; they must be FLOAT, INT64, INT32 or BOOL"));
            }
        };
        tensor.map_err(|e| e.to_string())
    }
}

impl From<Tensor> for Constant {
    fn from(tensor: Tensor) -> Self {
        Self::Floats(tensor)
    }
}

impl From<Tensor<i64>> for Constant {
    fn from(tensor: Tensor<i64>) -> Self {
        Self::Integers(tensor)
    }
}

/// `TensorProto.DataLocation.EXTERNAL`.
const EXTERNAL: i32 = 1;

// `TensorProto.DataType`.
pub(super) const FLOAT: i32 = 1;
const INT32: i32 = 6;
const INT64: i32 = 7;
const BOOL: i32 = 9;

/// The names of `TensorProto.DataType`, by number.
const TYPES: [&str; 17] = [
    "UNDEFINED",
    "FLOAT",
    "UINT8",
    "INT8",
    "UINT16",
    "INT16",
    "INT32",
    "INT64",
    "STRING",
    "BOOL",
    "FLOAT16",
    "DOUBLE",
    "UINT32",
    "UINT64",
    "COMPLEX64",
    "COMPLEX128",
    "BFLOAT16",
];

/// The name of a type of elements.
pub(super) fn type_name(number: i32) -> String {
    let name = usize::try_from(number).ok().and_then(|at| TYPES.get(at));
    name.map_or_else(|| format!("of type {number}"), |name| (*name).into())
}

/// The sizes, where none is negative and a machine can count the elements.
fn shape(dims: &[i64]) -> Result<Vec<usize>, String> {
    let sizes = dims.iter().map(|size| usize::try_from(*size).ok()).collect::<Option<Vec<usize>>>();
    sizes
        .filter(|sizes| sizes.iter().try_fold(1, |len: usize, size| len.checked_mul(*size)).is_some())
        .ok_or_else(|| format!("its shape is {dims:?}"))
}

/// Little-endian numbers of `N` bytes each.
fn numbers<const N: usize, T>(bytes: &[u8], read: fn([u8; N]) -> T) -> Result<Vec<T>, String> {
    match bytes.as_chunks() {
        (chunks, []) => Ok(chunks.iter().copied().map(read).collect()),
        _ => Err(format!("it has {} bytes, which is no whole number of elements", bytes.len())),
    }
}

fn widened(values: Vec<i32>) -> Vec<i64> {
    values.into_iter().map(i64::from).collect()
}

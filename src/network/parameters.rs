//! Parameters in files: safetensors, f32, in the order of the host (OIHW, `[out, in]`, `[n]`).
//!
//! The names are those of [`Parameter::name`](super::Parameter::name), so that
//! `safetensors.torch.load_file` gives a dictionary that fits a PyTorch module with the same layer names.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView, View};

use crate::{Error, Result, Tensor, file};

use super::graph::Network;

/// What errors call parameters that come from memory.
const IN_MEMORY: &str = "safetensors in memory";

impl Network {
    /// Writes all parameters to a safetensors file. Until the last byte is on disk an older file of
    /// that name stays as it was.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let bytes = self.encode(path)?;
        file::replace(path, &bytes).map_err(|source| Error::io(path, source))
    }

    /// Reads all parameters from a safetensors file. After an error the network is as it was.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be read, [`Error::Data`] where it is not a whole safetensors file,
    /// [`Error::Parameter`] where one of the network's parameters is missing or of another shape or type, and
    /// where the file holds tensors that are not the network's.
    pub fn load(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|source| Error::io(path, source))?;
        self.decode(&bytes, path)
    }

    /// All parameters as the content of a safetensors file.
    ///
    /// # Errors
    /// [`Error::Data`] where the names alone are past the format's limit of 100 MB.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.encode(Path::new(IN_MEMORY))
    }

    /// Takes all parameters from the content of a safetensors file. After an error the network is as it was.
    ///
    /// # Errors
    /// Those of [`load`](Self::load).
    pub fn load_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.decode(bytes, Path::new(IN_MEMORY))
    }

    fn encode(&self, path: &Path) -> Result<Vec<u8>> {
        let views = self.parameters().iter().map(|p| (p.name.as_str(), F32View(&p.value)));
        safetensors::serialize(views, None).map_err(|e| Error::data(path, e.to_string()))
    }

    fn decode(&mut self, bytes: &[u8], path: &Path) -> Result<()> {
        let file = SafeTensors::deserialize(bytes)
            .map_err(|e| Error::data(path, format!("not a whole safetensors file: {e}")))?;
        self.refuse_unknown(&file, path)?;
        let mut values = Vec::with_capacity(self.parameters.len());
        for parameter in &self.parameters {
            let refuse = |message: String| Error::Parameter { name: parameter.name.clone(), message };
            let shape = &parameter.spec.shape;
            let Ok(tensor) = file.tensor(&parameter.name) else {
                return Err(refuse(format!("its shape is {shape:?}, and {} lacks it", path.display())));
            };
            if tensor.shape() != shape {
                let found = format!("{} has {:?}", path.display(), tensor.shape());
                return Err(refuse(format!("its shape is {shape:?}, and {found}")));
            }
            values.push(read_f32(&tensor).map_err(refuse)?);
        }
        for (parameter, value) in self.parameters.iter_mut().zip(values) {
            parameter.value = value;
        }
        Ok(())
    }

    /// Refuses a file with tensors that are not this network's: it belongs to another.
    fn refuse_unknown(&self, file: &SafeTensors<'_>, path: &Path) -> Result<()> {
        let known = |name: &&str| self.parameters.iter().any(|p| p.name == **name);
        let mut unknown: Vec<&str> = file.names().into_iter().filter(|name| !known(name)).collect();
        unknown.sort_unstable();
        let Some(first) = unknown.first() else { return Ok(()) };
        let (file, listed) = (path.display(), unknown.join(", "));
        let message = format!("{}; unknown in {file}: {listed}", self.not_one_of(first));
        Err(Error::Parameter { name: (*first).into(), message })
    }
}

/// A tensor as the bytes of the file, little-endian whatever the machine.
struct F32View<'a>(&'a Tensor);

impl View for F32View<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        self.0.shape()
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.0.data().iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn data_len(&self) -> usize {
        size_of_val(self.0.data())
    }
}

fn read_f32(tensor: &TensorView<'_>) -> Result<Tensor, String> {
    if tensor.dtype() != Dtype::F32 {
        return Err(format!("the file holds it as {:?}; it must be F32", tensor.dtype()));
    }
    let (values, _) = tensor.data().as_chunks::<4>();
    let values = values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    Tensor::new(tensor.shape(), values).map_err(|e| e.to_string())
}

//! Saving and loading parameters.

use std::fs;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, TensorView};
use wgcnn::network::Network;
use wgcnn::{Error, Tensor};

use crate::custom::Blend;
use crate::errors::assert_says;

/// A folder of its own for a test, removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wgcnn-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("network.safetensors")
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn network(seed: u64) -> Network {
    let builder = Network::builder(4).seed(seed).layer("a", Blend);
    builder.join(Blend, |j| j.branch(|b| b).branch(|b| b.layer("b", Blend))).build().unwrap()
}

fn values(network: &Network) -> Vec<&Tensor> {
    network.parameters().iter().map(|parameter| &parameter.value).collect()
}

/// Writes a safetensors file of zeros.
fn write(path: &Path, tensors: &[(&str, Dtype, &[usize])]) {
    let bytes = vec![0; 4096];
    let views = tensors.iter().map(|(name, dtype, shape)| {
        let len = shape.iter().product::<usize>() * dtype.bitsize() / 8;
        (*name, TensorView::new(*dtype, shape.to_vec(), &bytes[..len]).unwrap())
    });
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

#[test]
fn what_is_saved_is_loaded() {
    let folder = Folder::new("saved");
    let (first, mut second) = (network(1), network(2));
    assert_ne!(values(&first), values(&second));
    network(3).save(folder.file()).unwrap();
    first.save(folder.file()).unwrap();
    assert_eq!(folder.names(), ["network.safetensors"], "nothing else is left behind");
    second.load(folder.file()).unwrap();
    assert_eq!(values(&first), values(&second));

    let mut third = network(3);
    third.load_bytes(&first.to_bytes().unwrap()).unwrap();
    assert_eq!(values(&first), values(&third));
    assert_eq!(first.to_bytes().unwrap(), fs::read(folder.file()).unwrap());
}

#[test]
fn a_file_of_another_network_is_refused() {
    let folder = Folder::new("refused");
    let (path, mut network) = (folder.file(), network(1));
    let before = network.clone();
    let shown = path.display();
    for (tensors, message) in [
        (
            vec![("a.weight", Dtype::F32, &[1][..]), ("b.weight", Dtype::F32, &[1])],
            format!("parameter \"blend1.weight\": its shape is [2], and {shown} lacks it"),
        ),
        (
            vec![
                ("a.weight", Dtype::F32, &[1]),
                ("b.weight", Dtype::F32, &[3, 1]),
                ("blend1.weight", Dtype::F32, &[2]),
            ],
            format!("parameter \"b.weight\": its shape is [1], and {shown} has [3, 1]"),
        ),
        (
            vec![
                ("a.weight", Dtype::F16, &[1]),
                ("b.weight", Dtype::F32, &[1]),
                ("blend1.weight", Dtype::F32, &[2]),
            ],
            "parameter \"a.weight\": the file holds it as F16; it must be F32".into(),
        ),
        (
            vec![
                ("a.weight", Dtype::F32, &[1]),
                ("b.bias", Dtype::F32, &[1]),
                ("b.weight", Dtype::F32, &[1]),
                ("blend1.weight", Dtype::F32, &[2]),
                ("head.weight", Dtype::F32, &[2]),
            ],
            format!(
                "parameter \"b.bias\": the network has none of that name; it has b.weight, blend1.weight, \
                 a.weight; unknown in {shown}: b.bias, head.weight"
            ),
        ),
    ] {
        write(&path, &tensors);
        assert_says(network.load(&path), &message);
        assert_eq!(values(&network), values(&before), "a refused file changes nothing");
    }
}

#[test]
fn a_damaged_file_is_refused() {
    let folder = Folder::new("damaged");
    let (path, mut network) = (folder.file(), network(1));
    let whole = network.to_bytes().unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let error = network.load(&path).unwrap_err();
        assert!(matches!(&error, Error::Data { path: p, .. } if *p == path), "{length}: {error}");
    }
    fs::write(&path, b"not a safetensors file at all").unwrap();
    let error = network.load(&path).unwrap_err().to_string();
    assert!(error.contains("network.safetensors: not a whole safetensors file"), "{error}");
}

#[test]
fn paths_that_cannot_be_used_are_errors() {
    let folder = Folder::new("paths");
    let mut network = network(1);
    let missing = folder.0.join("missing").join("network.safetensors");
    assert!(matches!(network.load(&missing), Err(Error::Io { path, .. }) if path == missing));
    assert!(matches!(network.save(&missing), Err(Error::Io { path, .. }) if path == missing));
    assert!(matches!(network.save("/"), Err(Error::Io { .. })));
    // A folder in the place of the file: the rename fails, and the new file is taken away again.
    fs::create_dir(folder.file()).unwrap();
    assert!(matches!(network.save(folder.file()), Err(Error::Io { .. })));
    assert_eq!(folder.names(), ["network.safetensors"]);
}

//! Whatever a file holds, it is imported or refused: nothing panics.

use std::path::{Path, PathBuf};

use wgcnn::Error;
use wgcnn::import::onnx::{Constant, Model};

use crate::common::onnx;
use crate::models::{FLOAT, Sketch, tensor};
use crate::proto::TensorProto;

fn folders() -> Vec<PathBuf> {
    onnx::folders(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx")).unwrap()
}

/// Imports all that a file's content allows.
fn import(bytes: &[u8]) {
    let Ok(model) = Model::from_bytes(bytes) else { return };
    for port in model.outputs() {
        let _ = model.import(&port.name);
    }
    // What nodes read as constants may come from the caller too.
    let constants: Vec<String> = model.constant_inputs().into_iter().map(String::from).collect();
    let ones = wgcnn::Tensor::full([1, 1, 3, 3], 1.0);
    let given = constants.iter().try_fold(model, |model, name| model.with_constant(name, ones.clone()));
    let given = given.unwrap();
    for port in given.outputs() {
        let _ = given.import(&port.name);
    }
}

#[test]
fn a_truncated_file_is_refused_or_imported() {
    for folder in folders() {
        let bytes = std::fs::read(folder.join("model.onnx")).unwrap();
        for len in 0..bytes.len() {
            import(&bytes[..len]);
        }
    }
}

#[test]
fn a_corrupted_file_is_refused_or_imported() {
    // A multiplicative congruential generator: the same files on every machine.
    let mut state = 20_260_u64;
    let mut next = |below: usize| {
        state = state * 48_271 % 0x7fff_ffff;
        state as usize % below
    };
    for folder in folders() {
        let bytes = std::fs::read(folder.join("model.onnx")).unwrap();
        for _ in 0..200 {
            let mut corrupted = bytes.clone();
            for _ in 0..=next(3) {
                let at = next(corrupted.len());
                corrupted[at] = next(256) as u8;
            }
            import(&corrupted);
        }
    }
}

#[test]
fn what_is_no_model_says_so() {
    let refusal = |bytes: &[u8]| Model::from_bytes(bytes).unwrap_err().to_string();
    assert!(refusal(b"PK\x03\x04").starts_with("ONNX model in memory: not an ONNX model: "));
    assert_eq!(refusal(b""), "ONNX model in memory: not an ONNX model: it has no graph");
    assert_eq!(
        refusal(&Sketch::new(1000).node("x -> Relu -> y").bytes()),
        "ONNX model in memory: it is written in version 1000 of ONNX's operators; versions 1 to 24 can be read"
    );
    let missing = Model::load("no/such/model.onnx").unwrap_err();
    assert!(matches!(missing, Error::Io { .. }), "{missing}");
    assert!(matches!(Constant::load("no/such/tensor.pb"), Err(Error::Io { .. })));
}

#[test]
fn tensors_say_what_is_wrong_with_them() {
    let refusal = |tensor: TensorProto| {
        let sketch = Sketch::new(13).input("x", &[2, 3]).tensor(tensor).node("x w -> Gemm -> y");
        sketch.model().network().unwrap_err().to_string()
    };
    let floats = |dims: &[i64]| tensor("w", FLOAT, dims);
    for (tensor, wanted) in [
        (TensorProto { data_location: Some(1), ..floats(&[3, 1]) }, "its elements lie in another file"),
        (floats(&[3, -1]), "its shape is [3, -1]"),
        (floats(&[i64::MAX, i64::MAX]), "its shape is [9223372036854775807, 9223372036854775807]"),
        (floats(&[3, 1]), "expected shape [3, 1] (3 elements), got [0]"),
        (
            TensorProto { raw_data: Some(vec![0; 11]), ..floats(&[3, 1]) },
            "it has 11 bytes, which is no whole number of elements",
        ),
        (tensor("w", 11, &[3, 1]), "its elements are DOUBLE; they must be FLOAT, INT64, INT32 or BOOL"),
        (tensor("w", -4, &[3, 1]), "its elements are of type -4"),
    ] {
        let message = refusal(tensor);
        assert!(
            message.starts_with("node \"y\" (Gemm): tensor \"w\": ") && message.contains(wanted),
            "{message}"
        );
    }
}

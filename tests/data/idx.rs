//! IDX files: what is read, and what is said of files that are damaged.

use std::fs;
use std::path::PathBuf;

use wgcnn::data::idx::{self, Idx};
use wgcnn::{Error, Result};

/// A file of the test called `name`, with this content.
fn file(name: &str, content: &[u8]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, content).unwrap();
    path
}

/// The bytes of an IDX file.
fn encode(kind: u8, dimensions: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, kind, dimensions.len() as u8];
    bytes.extend(dimensions.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend(values);
    bytes
}

/// Asserts that reading fails with an [`Error::Data`] that names the file and says `part`.
fn refused<T: std::fmt::Debug>(result: Result<T>, name: &str, part: &str) {
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Data { .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.contains(name) && message.contains(part), "{message:?} lacks {name:?} or {part:?}");
}

#[test]
fn what_is_written_is_read() {
    for dimensions in [vec![5], vec![2, 3, 4], vec![2, 3, 2, 2], vec![0, 28, 28], vec![]] {
        let values: Vec<u8> = (0..dimensions.iter().product()).map(|i: u32| i as u8).collect();
        let path = file(&format!("round-trip-{}", dimensions.len()), &encode(8, &dimensions, &values));
        let idx = Idx::read(path).unwrap();
        assert_eq!(idx.dimensions, dimensions.iter().map(|size| *size as usize).collect::<Vec<_>>());
        assert_eq!(idx.values, values);
    }
}

#[test]
fn images_and_labels_make_a_data_set() {
    let images = file("images", &encode(8, &[2, 2, 3], &[0, 51, 102, 153, 204, 255, 1, 2, 3, 4, 5, 6]));
    let labels = file("labels", &encode(8, &[2], &[9, 0]));
    let data = idx::dataset(images, labels, 10).unwrap();
    assert_eq!((data.len(), data.classes(), data.shape()), (2, 10, [1, 2, 3].into()));
    assert_eq!(data.labels().collect::<Vec<_>>(), [9, 0]);
    assert_eq!(data.picture(0).unwrap().data(), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
}

#[test]
fn damaged_files_are_named_with_what_is_wrong() {
    let good = encode(8, &[2, 2, 3], &[7; 12]);
    let huge = encode(8, &[u32::MAX; 4], &[]);
    let longer = [&good[..], &[0]].concat();
    let cases: [(&str, &[u8], &str); 9] = [
        ("empty", b"", "it is truncated: got 0 of the 4 bytes of its header"),
        ("short-magic", &good[..3], "got 3 of the 4 bytes of its header"),
        ("text", b"<html>", "it starts with the bytes [3c, 68, 74, 6d], expected [00, 00, type"),
        (
            "float",
            &encode(0x0d, &[1], &[0; 4]),
            "its elements are of type 0x0d, expected 0x08 (unsigned byte)",
        ),
        ("short-header", &good[..13], "got 13 of the 16 bytes of its header"),
        (
            "truncated",
            &good[..20],
            "it is truncated: got 4 of the 12 bytes that its dimensions [2, 2, 3] ask for",
        ),
        ("longer", &longer, "more bytes follow the 12 that its dimensions [2, 2, 3] ask for"),
        ("huge", &huge, "are more than memory can hold"),
        ("liar", &encode(8, &[60_000, 28, 28], &[1, 2]), "got 2 of the 47040000 bytes"),
    ];
    for (name, content, part) in cases {
        refused(Idx::read(file(name, content)), name, part);
    }
}

#[test]
fn a_missing_file_is_an_io_error_that_names_it() {
    let error = Idx::read("no/such/file").unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
    assert!(error.to_string().starts_with("no/such/file: "), "{error}");
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let images = file("three", &encode(8, &[3, 1, 1], &[0; 3]));
    let labels = |name: &str, values: &[u8]| file(name, &encode(8, &[values.len() as u32], values));
    let cases = [
        (
            labels("two-labels", &[0, 1]),
            "two-labels",
            "its dimensions are [2], expected [3], one label for each",
        ),
        (labels("wrong-label", &[0, 1, 10]), "wrong-label", "label 10 of image 2 is not a class"),
        (images.clone(), "three", "its dimensions are [3, 1, 1], expected [3]"),
    ];
    for (labels, name, part) in cases {
        refused(idx::dataset(&images, labels, 10), name, part);
    }
    let flat = file("flat", &encode(8, &[3], &[0; 3]));
    refused(
        idx::dataset(&flat, &flat, 10),
        "flat",
        "its dimensions are [3], expected [images, height, width]",
    );
    let none = file("none", &encode(8, &[0, 28, 28], &[]));
    refused(idx::dataset(&none, &flat, 10), "none", "expected none of them 0");
}

#[cfg(feature = "gzip")]
mod gzip {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn pack(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn the_content_tells_what_is_compressed() {
        let values: Vec<u8> = (0..200).collect();
        // The name does not count: neither needs the ending `.gz`, nor is it believed.
        let packed = file("packed", &pack(&encode(8, &[200], &values)));
        let plain = file("plain.gz", &encode(8, &[200], &values));
        assert_eq!(Idx::read(packed).unwrap(), Idx::read(plain).unwrap());
    }

    #[test]
    fn damaged_compression_is_named() {
        let packed = pack(&encode(8, &[4000], &(0..4000u32).map(|i| (i * i) as u8).collect::<Vec<_>>()));
        refused(Idx::read(file("cut.gz", &packed[..packed.len() / 2])), "cut.gz", "damaged or cut off after");
        let mut broken = packed.clone();
        let middle = packed.len() / 2;
        broken[middle..middle + 8].fill(0xff);
        refused(Idx::read(file("broken.gz", &broken)), "broken.gz", "its gzip stream is damaged");
        let short = pack(&encode(8, &[9], &[1, 2, 3]));
        refused(Idx::read(file("short.gz", &short)), "short.gz", "got 3 of the 9 bytes");
        let long = pack(&encode(8, &[2], &[1, 2, 3]));
        refused(Idx::read(file("long.gz", &long)), "long.gz", "more bytes follow the 2");
    }
}

#[cfg(not(feature = "gzip"))]
#[test]
fn without_the_feature_a_compressed_file_says_which_is_missing() {
    refused(Idx::read(file("packed-off", &[0x1f, 0x8b, 8, 0])), "packed-off", "with its feature `gzip`");
}

//! Bad input: one line that says what is wrong, exit code 1, and no panic.

use std::fs;
use std::path::Path;

use crate::run::{argument, folder, run};

/// Runs an example that must refuse, and checks that it says all of `words`.
fn refuses(name: &str, arguments: &[&str], words: &[&str]) {
    let run = run(name, arguments, &[]);
    let said = &run.stderr;
    assert_eq!(run.code, Some(1), "{arguments:?}: {said}");
    let starts = said.lines().any(|line| line.starts_with("error: "));
    assert!(starts && !said.contains("panicked") && !said.contains("backtrace"), "{arguments:?}: {said}");
    for word in words {
        assert!(said.contains(word), "{arguments:?}: {word:?} is not in {said}");
    }
}

#[test]
fn options_that_make_no_sense() {
    let file = folder("options").join("file");
    fs::write(&file, "").unwrap();
    let below = file.join("folder");
    let diverges = folder("diverges");
    let table: [(&[&str], &[&str]); 11] = [
        (&["--epochs", "0"], &["--epochs", "0 is not in"]),
        (&["--batch", "0"], &["batch", "at least 1"]),
        (&["--batch", "99999999"], &["more than the device's"]),
        (&["--batch", "many"], &["--batch", "many"]),
        (&["--subset", "0"], &["--subset"]),
        (&["--lr", "-1"], &["-1"]),
        (&["--lr", "nan"], &["--lr", "it must be a number, 0 or more"]),
        (&["--network", "resnet"], &["resnet", "lenet"]),
        (&["--adapter", "no such adapter"], &["adapter"]),
        (&["--output", argument(&below)], &[argument(&below)]),
        (&["--epochs", "1", "--lr", "1e30", "--output", argument(&diverges)], &["the loss became"]),
    ];
    for (arguments, words) in table {
        refuses("digits", arguments, words);
    }
}

/// The bytes of an IDX file.
fn idx(dimensions: &[u32], value: u8) -> Vec<u8> {
    let mut file = vec![0, 0, 8, dimensions.len() as u8];
    dimensions.iter().for_each(|size| file.extend(size.to_be_bytes()));
    file.resize(file.len() + dimensions.iter().product::<u32>() as usize, value);
    file
}

/// Writes a data set of a few images, both parts alike.
fn write(folder: &Path, images: &[u8], labels: &[u8]) {
    for part in ["train", "t10k"] {
        fs::write(folder.join(format!("{part}-images-idx3-ubyte")), images).unwrap();
        fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), labels).unwrap();
    }
}

#[test]
fn data_sets_that_are_none() {
    let (images, labels) = (idx(&[4, 28, 28], 7), idx(&[4], 9));
    let table: [(&str, &[u8], &[u8], &[&str]); 7] = [
        ("truncated", &images[..1000], &labels, &["train-images", "truncated"]),
        ("header", &images[..6], &labels, &["train-images", "truncated"]),
        ("compressed", b"\x1f\x8b\x08 damaged", &labels, &["train-images"]),
        ("text", b"<!DOCTYPE html>", &labels, &["train-images", "not an IDX file"]),
        ("size", &idx(&[4, 32, 32], 0), &labels, &["train-images", "[1, 32, 32]", "[1, 28, 28]"]),
        ("label", &images, &idx(&[4], 10), &["train-labels", "label 10"]),
        ("count", &images, &idx(&[3], 0), &["train-labels", "[4]"]),
    ];
    for (name, images, labels, words) in table {
        let folder = folder(name);
        write(&folder, images, labels);
        refuses("fashion_mnist", &["--data", argument(&folder)], words);
    }
    refuses("fashion_mnist", &["--data", "/no/such/folder"], &["/no/such/folder"]);
    refuses("fashion_mnist", &["--data", argument(&folder("empty"))], &["train-images-idx3-ubyte"]);
}

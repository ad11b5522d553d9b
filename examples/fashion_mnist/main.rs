//! Trains a convolutional network on pictures of clothes: Fashion-MNIST, 70,000 images of 28 x 28
//! pixels (Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747; MIT licence).
//!
//! ```sh
//! ./dev data                                        # Debian and Ubuntu: brings the files
//! cargo run --release --example fashion_mnist
//! ```
//!
//! Prints how training goes and, last, the accuracy on the 10,000 test images; saves pictures and the
//! network in `output/fashion_mnist`.

#[path = "../common/mod.rs"]
mod common;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use common::{Defaults, Options, Result, Task};
use wgcnn::data::{Dataset, idx};
use wgcnn::shape::Shape;

/// Trains a convolutional network on pictures of clothes (Fashion-MNIST).
#[derive(Debug, Parser)]
#[command(name = "fashion_mnist")]
struct Cli {
    #[command(flatten)]
    options: Options,

    /// The folder with the four IDX files, plain or compressed [default: data/fashion-mnist or that of
    /// Debian's package dataset-fashion-mnist, whichever is there]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

const DEFAULTS: Defaults = Defaults {
    network: "lenet",
    epochs: "3",
    batch: "64",
    lr: &["0.02", "0.02", "0.005"],
    momentum: "0.9",
    weight_decay: "0",
    subset: Some("20000"),
    output: "output/fashion_mnist",
};

/// Where the files are looked for.
const FOLDERS: [&str; 2] = ["data/fashion-mnist", "/usr/share/datasets/fashion-mnist"];

/// The shape of an image: channels, height, width.
const SHAPE: Shape = Shape::new(1, 28, 28);

/// Mean and standard deviation of the training set's pixels.
const MEAN: f32 = 0.2860;
const STD: f32 = 0.3530;

const CLASSES: [&str; 10] = [
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
];

fn main() -> ExitCode {
    common::main(&DEFAULTS, |cli: Cli| run(&cli), |cli| &cli.options)
}

fn run(cli: &Cli) -> Result<()> {
    let folder = folder(cli.data.as_deref())?;
    let (train, test) = (read(&folder, "train")?, read(&folder, "t10k")?);
    common::train(&cli.options, &Task { title: "Fashion-MNIST", train, test, classes: &CLASSES })
}

/// The images and labels of a part of the data set, `train` or `t10k`.
fn read(folder: &Path, part: &str) -> Result<Dataset> {
    let images = file(folder, &format!("{part}-images-idx3-ubyte"));
    let labels = file(folder, &format!("{part}-labels-idx1-ubyte"));
    let dataset = idx::dataset(&images, labels, CLASSES.len())?;
    if dataset.shape() != SHAPE {
        let got = dataset.shape();
        return Err(format!("{}: its images are of {got}, expected {SHAPE}", images.display()).into());
    }
    Ok(dataset.normalised(&[MEAN], &[STD])?)
}

/// The file called `name`, or its compressed form where only that is there.
fn file(folder: &Path, name: &str) -> PathBuf {
    let plain = folder.join(name);
    if plain.exists() { plain } else { folder.join(format!("{name}.gz")) }
}

/// The folder that was asked for, or the first of the usual ones that exists.
fn folder(asked: Option<&Path>) -> Result<PathBuf> {
    if let Some(folder) = asked {
        return Ok(folder.into());
    }
    let found = FOLDERS.iter().map(PathBuf::from).find(|folder| folder.is_dir());
    found.ok_or_else(|| {
        format!(
            "Fashion-MNIST is in neither of {}. On Debian and Ubuntu `./dev data` brings it there (or `apt-get \
             install dataset-fashion-mnist`); elsewhere put the four files of \
             https://github.com/zalandoresearch/fashion-mnist into a folder and name it with --data",
            FOLDERS.join(" and ")
        )
        .into()
    })
}

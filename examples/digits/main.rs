//! Trains a convolutional network on 1,797 handwritten digits of 8 x 8 pixels, which come with the crate.
//!
//! ```sh
//! cargo run --release --example digits
//! ```
//!
//! Prints how training goes and, last, the accuracy on the test set (every third image); saves pictures
//! and the network in `output/digits`.

#[path = "../common/mod.rs"]
mod common;

use std::process::ExitCode;

use clap::Parser;
use common::{Defaults, Options, Result, Task};
use wgcnn::data;

/// Trains a convolutional network on handwritten digits.
#[derive(Debug, Parser)]
#[command(name = "digits")]
struct Cli {
    #[command(flatten)]
    options: Options,
}

const DEFAULTS: Defaults = Defaults {
    network: "small",
    epochs: "16",
    batch: "32",
    lr: &["0.03", "0.03", "0.01", "0.003"],
    momentum: "0.9",
    weight_decay: "0.005",
    subset: None,
    output: "output/digits",
};

/// Mean and standard deviation of the training set's pixels.
const MEAN: f32 = 0.3051;
const STD: f32 = 0.3760;

fn main() -> ExitCode {
    common::main(&DEFAULTS, |cli: Cli| run(&cli), |cli| &cli.options)
}

fn run(cli: &Cli) -> Result<()> {
    let (train, test) = data::digits()?.normalised(&[MEAN], &[STD])?.hold_out(3);
    let classes = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    common::train(&cli.options, &Task { title: "Handwritten digits", train, test, classes: &classes })
}

//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, value_parser};

use super::networks::Architecture;

/// The options that all examples have. Their defaults are each example's own: see [`Defaults`].
#[derive(Debug, Args)]
pub struct Options {
    /// Use the first adapter whose name contains this [default: the fastest]
    #[arg(long, value_name = "NAME")]
    pub adapter: Option<String>,

    /// List the adapters and stop
    #[arg(long)]
    pub list_adapters: bool,

    /// Train on the CPU with the slow reference instead of a GPU
    #[arg(long, conflicts_with = "adapter")]
    pub reference: bool,

    /// What network to train
    #[arg(long, value_name = "NAME")]
    pub network: Architecture,

    /// How many times to go through the training images
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    pub epochs: u32,

    /// Images a step
    #[arg(long, value_name = "N")]
    pub batch: usize,

    /// Learning rates, each for an equal share of the epochs
    #[arg(long, value_name = "RATE", num_args = 1.., value_delimiter = ',', value_parser = number)]
    pub lr: Vec<f32>,

    /// Momentum of SGD
    #[arg(long, value_name = "FACTOR", value_parser = number)]
    pub momentum: f32,

    /// Weight decay (L2)
    #[arg(long, value_name = "FACTOR", value_parser = number)]
    pub weight_decay: f32,

    /// Chooses all that is random: first weights, order of the images, dropout
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,

    /// Train on the first N images only
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    pub subset: Option<u32>,

    /// Folder for the pictures and the network; made where it does not exist
    #[arg(long, value_name = "DIR")]
    pub output: PathBuf,
}

impl Options {
    /// The learning rate of an epoch, of which the first is 1.
    pub fn learning_rate(&self, epoch: u32) -> f32 {
        let at = (epoch as usize - 1) * self.lr.len() / self.epochs as usize;
        self.lr.get(at).copied().unwrap_or_default()
    }
}

/// What the options are where they are not given.
pub struct Defaults {
    pub network: &'static str,
    pub epochs: &'static str,
    pub batch: &'static str,
    pub lr: &'static [&'static str],
    pub momentum: &'static str,
    pub weight_decay: &'static str,
    pub subset: Option<&'static str>,
    pub output: &'static str,
}

/// Parses the command line; the error is also how help is answered.
pub fn parse<C: Parser>(defaults: &Defaults) -> Result<C, clap::Error> {
    let Defaults { network, epochs, batch, lr, momentum, weight_decay, subset, output } = *defaults;
    let mut command = C::command().mut_arg("lr", |arg| arg.required(false).default_values(lr));
    for (option, default) in [
        ("network", Some(network)),
        ("epochs", Some(epochs)),
        ("batch", Some(batch)),
        ("momentum", Some(momentum)),
        ("weight_decay", Some(weight_decay)),
        ("subset", subset),
        ("output", Some(output)),
    ] {
        command = command.mut_arg(option, |arg| arg.required(false).default_value(default));
    }
    C::from_arg_matches(&command.try_get_matches()?)
}

/// A finite number that is not negative.
fn number(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(number) if f32::is_finite(number) && number >= 0.0 => Ok(number),
        _ => Err("it must be a number, 0 or more".into()),
    }
}

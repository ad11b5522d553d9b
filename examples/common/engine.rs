//! What trains: a GPU, or where there is none the CPU reference.

use std::io::Write;

use wgcnn::data::{Batch, Dataset};
use wgcnn::gpu::Context;
use wgcnn::network::Network;
use wgcnn::ops::{CrossEntropy, Sgd};
use wgcnn::train::{Metrics, PendingMetrics, Trainer};
use wgcnn::{Error, Result, Tensor, reference};

use super::options::Options;

/// Opens the adapter that the options ask for. `None` stands for the CPU reference, which takes over
/// where the machine has no adapter, and says so.
pub fn open(options: &Options) -> Result<Option<Context>> {
    if options.reference {
        return Ok(None);
    }
    let context = match &options.adapter {
        Some(name) => Context::builder().adapter_name(name).build(),
        None => Context::new(),
    };
    match context {
        Err(error @ Error::NoAdapter { .. }) if options.adapter.is_none() => {
            // Where stderr is closed, nobody can be warned.
            let _ = writeln!(
                std::io::stderr(),
                "\nWARNING: {error}\n\n\
                 WARNING: Training goes on WITHOUT A GPU, with the CPU reference. It computes the same, but is \
                 written to be\nWARNING: read and not to be fast: large networks take very long.\n"
            );
            Ok(None)
        }
        context => context.map(Some),
    }
}

/// A trainer on a GPU or on the CPU.
pub enum Engine {
    Gpu(Box<Trainer>),
    Cpu(Box<reference::Trainer<f32>>),
}

/// A training step that was started.
pub enum Step {
    Pending(PendingMetrics),
    Done(Metrics),
}

impl Step {
    /// What the step measured, once it is through.
    pub fn wait(self) -> Result<Metrics> {
        match self {
            Self::Pending(pending) => pending.wait(),
            Self::Done(metrics) => Ok(metrics),
        }
    }
}

impl Engine {
    /// A trainer of `network` with the optimizer that the options describe.
    pub fn new(context: Option<&Context>, network: Network, options: &Options) -> Result<Self> {
        let loss = CrossEntropy::mean();
        let optimizer =
            Sgd::new(options.learning_rate(1)).momentum(options.momentum).weight_decay(options.weight_decay);
        let mut engine = match context {
            Some(context) => {
                Self::Gpu(Box::new(Trainer::new(context, network, loss, optimizer, options.batch)?))
            }
            None => Self::Cpu(Box::new(reference::Trainer::new(network, loss, optimizer, options.batch)?)),
        };
        match &mut engine {
            Self::Gpu(trainer) => trainer.set_seed(options.seed),
            Self::Cpu(trainer) => trainer.set_seed(options.seed),
        }
        Ok(engine)
    }

    pub fn set_learning_rate(&mut self, learning_rate: f32) -> Result<()> {
        match self {
            Self::Gpu(trainer) => trainer.set_learning_rate(learning_rate),
            Self::Cpu(trainer) => trainer.set_learning_rate(learning_rate),
        }
    }

    pub fn step(&mut self, batch: &Batch) -> Result<Step> {
        match self {
            Self::Gpu(trainer) => trainer.step(batch).map(Step::Pending),
            Self::Cpu(trainer) => trainer.step(batch).map(Step::Done),
        }
    }

    pub fn evaluate(&mut self, dataset: &Dataset) -> Result<Metrics> {
        match self {
            Self::Gpu(trainer) => trainer.evaluate(dataset),
            Self::Cpu(trainer) => trainer.evaluate(dataset),
        }
    }

    pub fn predict(&mut self, images: &Tensor) -> Result<Tensor> {
        match self {
            Self::Gpu(trainer) => trainer.predict(images),
            Self::Cpu(trainer) => trainer.predict(images),
        }
    }

    /// The network as it is now.
    pub fn network(&self) -> Result<Network> {
        match self {
            Self::Gpu(trainer) => trainer.network(),
            Self::Cpu(trainer) => trainer.network(),
        }
    }
}

//! Trains a network on a GPU.

use std::collections::VecDeque;

use crate::data::{Batch, Dataset};
use crate::gpu::{Context, Pending};
use crate::network::Network;
use crate::ops::{Choices, Loss, LossOutput, Optimizer, StepState, UpdateControl, check_learning_rate};
use crate::schedule::{DeviceParameters, Execution, Plan, PlanOptions, tune};
use crate::{Result, Tensor};

use super::input;
use super::metrics::Metrics;
use super::options::TrainerOptions;
use super::pending::PendingMetrics;

/// How many steps may be under way at once: one that runs, and one whose inputs are written meanwhile.
const STEPS_IN_FLIGHT: usize = 2;

/// Trains and runs a network on a GPU.
///
/// A [`step`](Self::step) is recorded and submitted as a whole; nothing is waited for but the step before the
/// last, so that no queue grows without end.
#[derive(Debug)]
pub struct Trainer {
    context: Context,
    network: Network,
    parameters: DeviceParameters,
    loss: Box<dyn Loss>,
    training: Execution,
    /// Made when first asked for; they work in the training step's memory, but for what they prepare when the parameters
    /// have changed.
    evaluation: Option<Execution>,
    inference: Option<Execution>,
    batch: usize,
    half: bool,
    choices: Choices,
    seed: u64,
    steps: u32,
    learning_rate: f32,
    in_flight: VecDeque<wgpu::SubmissionIndex>,
}

impl Trainer {
    /// A trainer. The options may be just the number of images a step: see [`TrainerOptions`].
    ///
    /// # Errors
    /// [`Error::Network`](crate::Error::Network) where the network does not have one input or the loss refuses
    /// its output, [`Error::Option`](crate::Error::Option) where an option or a setting of the optimizer makes no
    /// sense, [`Error::Layer`](crate::Error::Layer) where the batch is too small for the statistics of a layer,
    /// [`Error::Limit`](crate::Error::Limit) and
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory) where the step is too large for the device.
    pub fn new(
        context: &Context,
        network: Network,
        loss: impl Loss + 'static,
        optimizer: impl Optimizer + 'static,
        options: impl Into<TrainerOptions>,
    ) -> Result<Self> {
        let TrainerOptions { batch, half, update, tuning } = options.into();
        input::check_setup(&network, &loss, &optimizer, batch, &update)?;
        let parameters = DeviceParameters::upload(context, &network)?;
        let options = PlanOptions { half, update, ..PlanOptions::training(batch, &loss, &optimizer) };
        let mut plan = Plan::new(&network, &options, context.capabilities())?;
        let choices = tune(context, &plan.program().problems, tuning)?;
        if choices != Choices::default() {
            let options = PlanOptions { choices: Some(&choices), ..options };
            plan = Plan::new(&network, &options, context.capabilities())?;
        }
        let training = Execution::new(context, plan, &parameters, None)?;
        Ok(Self {
            context: context.clone(),
            network,
            parameters,
            loss: Box::new(loss),
            training,
            evaluation: None,
            inference: None,
            batch,
            half,
            choices,
            seed: 0,
            steps: 0,
            learning_rate: optimizer.learning_rate(),
            in_flight: VecDeque::new(),
        })
    }

    /// Chooses the random numbers of training (dropout's masks); 0 otherwise.
    pub fn set_seed(&mut self, seed: u64) {
        self.seed = seed;
    }

    /// Sets the learning rate from the next step on.
    ///
    /// # Errors
    /// [`Error::Option`](crate::Error::Option) where it is negative or no number; the one until now stays.
    pub fn set_learning_rate(&mut self, learning_rate: f32) -> Result<()> {
        check_learning_rate(learning_rate)?;
        self.learning_rate = learning_rate;
        Ok(())
    }

    /// What a training step does, and the memory it takes.
    pub fn plan(&self) -> &Plan {
        self.training.plan()
    }

    /// Records and submits one training step: forward, loss, backward, update. The metrics, which are those
    /// before the update, come when they are ready; they can be ignored.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) where the images have another shape than the network's input, where
    /// there are none or more than the trainer's batch, or where the number or shape of the targets does not fit;
    /// [`Error::Label`](crate::Error::Label) where a label is not a class;
    /// [`Error::Target`](crate::Error::Target) where the targets are not of the kind that the loss takes;
    /// [`Error::Layer`](crate::Error::Layer) where there are too few images for the statistics of a layer;
    /// [`Error::DeviceLost`](crate::Error::DeviceLost) and what else the device reports.
    pub fn step(&mut self, batch: &Batch) -> Result<PendingMetrics> {
        let samples = input::check_batch(&self.network, &*self.loss, batch, self.batch)?;
        while self.in_flight.len() >= STEPS_IN_FLIGHT {
            if let Some(oldest) = self.in_flight.pop_front() {
                self.context.wait(&oldest)?;
            }
        }
        let pending = submit(&self.training, batch, self.step_state(samples))?;
        self.in_flight.push_back(pending.submission().clone());
        self.steps = self.steps.wrapping_add(1);
        Ok(PendingMetrics::new(pending, self.has_classes()))
    }

    /// What the updates of the step submitted last are told, when it is ready: the loss scale, how many steps were
    /// skipped, the gradients' norm. It can be awaited, or waited for.
    ///
    /// # Errors
    /// [`Error::DeviceLost`](crate::Error::DeviceLost) and what else the device reports.
    pub fn update_control(&self) -> Result<Pending<UpdateControl>> {
        self.training.read_update_control()
    }

    /// The loss over a whole data set, and the accuracy where there are classes, without training.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) where its images or targets have another shape than the network's input
    /// or output or there are none, [`Error::Label`](crate::Error::Label) where a label is not a class,
    /// [`Error::Target`](crate::Error::Target) where the targets are not of the kind that the loss takes.
    pub fn evaluate(&mut self, dataset: &Dataset) -> Result<Metrics> {
        input::check_dataset(&self.network, &*self.loss, dataset)?;
        if self.evaluation.is_none() {
            let options = PlanOptions { half: self.half, ..PlanOptions::evaluation(self.batch, &*self.loss) };
            self.evaluation = Some(self.beside_training(&options)?);
        }
        let Some(evaluation) = &self.evaluation else { return Ok(Metrics::default()) };
        let mut pending: VecDeque<Pending<LossOutput>> = VecDeque::new();
        let mut measured = vec![];
        for batch in dataset.batches(self.batch) {
            if pending.len() >= STEPS_IN_FLIGHT {
                measured.extend(pending.pop_front().map(Pending::wait).transpose()?);
            }
            let state = self.step_state(batch.images.nchw()[0]);
            pending.push_back(submit(evaluation, &batch, state)?);
        }
        for rest in pending {
            measured.push(rest.wait()?);
        }
        Ok(Metrics::of_batches(&measured, self.loss.reduction(), self.has_classes()))
    }

    /// The network's output for any number of images (NCHW), `[n, channels, height, width]`.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) where the images have another shape than the network's input or there
    /// are none.
    pub fn predict(&mut self, images: &Tensor) -> Result<Tensor> {
        let samples = input::check_images(&self.network, images, usize::MAX)?;
        if self.inference.is_none() {
            let options = PlanOptions { half: self.half, ..PlanOptions::inference(self.batch) };
            self.inference = Some(self.beside_training(&options)?);
        }
        let (input, output) = (self.network.input_shape(), self.network.output_shape());
        let mut predicted = Vec::with_capacity(samples * output.len());
        let mut pending: VecDeque<(usize, Pending<Vec<f32>>)> = VecDeque::new();
        let mut collect = |(samples, outputs): (usize, Pending<Vec<f32>>)| -> Result<()> {
            predicted.extend(&outputs.wait()?[..samples * output.len()]);
            Ok(())
        };
        for chunk in images.data().chunks(self.batch.saturating_mul(input.len())) {
            let Some(inference) = &self.inference else { break };
            if pending.len() >= STEPS_IN_FLIGHT {
                pending.pop_front().map(&mut collect).transpose()?;
            }
            let samples = chunk.len() / input.len();
            inference.write_input(0, chunk)?;
            inference.write_step(self.step_state(samples))?;
            pending.push_back((samples, inference.run_for_output()?));
        }
        pending.into_iter().try_for_each(collect)?;
        Tensor::new(output.nchw(samples), predicted)
    }

    /// The network with the parameters of now, read back from the device.
    ///
    /// # Errors
    /// [`Error::DeviceLost`](crate::Error::DeviceLost) and what else the device reports.
    pub fn network(&self) -> Result<Network> {
        self.parameters.download(&self.context, &self.network)
    }

    /// Another pass over the same parameters, in the training step's memory.
    fn beside_training(&self, options: &PlanOptions<'_>) -> Result<Execution> {
        let options = PlanOptions { choices: Some(&self.choices), ..*options };
        let plan = Plan::new(&self.network, &options, self.context.capabilities())?;
        Execution::new(&self.context, plan, &self.parameters, Some(&self.training))
    }

    fn has_classes(&self) -> bool {
        input::target(&self.network, &*self.loss).is_classes()
    }

    fn step_state(&self, samples: usize) -> StepState {
        StepState::new(self.seed, self.steps, samples, self.learning_rate)
    }
}

/// Writes a batch and submits the pass over it.
fn submit(execution: &Execution, batch: &Batch, state: StepState) -> Result<Pending<LossOutput>> {
    execution.write_input(0, batch.images.data())?;
    execution.write_target(batch.targets.as_target())?;
    execution.write_step(state)?;
    execution.run_for_loss()
}

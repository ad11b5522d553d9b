//! Trains a network on the CPU, step for step as a GPU does.

use crate::data::{Batch, Dataset, Targets};
use crate::network::Network;
use crate::ops::{
    Loss, LossOutput, Optimizer, StepState, Target, UpdateControl, UpdateOptions, check_learning_rate,
};
use crate::train::{Metrics, TrainerOptions, input};
use crate::{Result, Tensor};

use super::{Gradients, Measured, Pass, Precision, Real, executor, update_control};

/// Trains and runs a network on the CPU, with the same methods as the GPU's trainer and, step for
/// step, the same numbers up to rounding.
///
/// In `f64` it is what the GPU is tested against, in `f32` what a machine without an adapter trains with.
#[derive(Debug)]
pub struct Trainer<T> {
    network: Network,
    parameters: Vec<Tensor<T>>,
    /// What the optimizer remembers of each parameter.
    state: Vec<Vec<Vec<T>>>,
    loss: Box<dyn Loss>,
    optimizer: Box<dyn Optimizer>,
    update: UpdateOptions,
    control: UpdateControl,
    batch: usize,
    seed: u64,
    steps: u32,
    learning_rate: f32,
}

impl<T: Precision> Trainer<T> {
    /// A trainer. The options may be just the number of images a step: see [`TrainerOptions`].
    ///
    /// # Errors
    /// [`Error::Network`](crate::Error::Network) where the network does not have one input or the loss refuses
    /// its output, [`Error::Option`](crate::Error::Option) where an option or a setting of the optimizer makes no
    /// sense, [`Error::Layer`](crate::Error::Layer) where the batch is too small for the statistics of a layer.
    pub fn new(
        network: Network,
        loss: impl Loss + 'static,
        optimizer: impl Optimizer + 'static,
        options: impl Into<TrainerOptions>,
    ) -> Result<Self> {
        let TrainerOptions { batch, update, .. } = options.into();
        input::check_setup(&network, &loss, &optimizer, batch, &update)?;
        let parameters = executor::parameters(&network);
        let remember = |p: &Tensor<T>| vec![vec![T::default(); p.len()]; optimizer.state_tensors()];
        Ok(Self {
            state: parameters.iter().map(remember).collect(),
            parameters,
            network,
            learning_rate: optimizer.learning_rate(),
            loss: Box::new(loss),
            optimizer: Box::new(optimizer),
            update,
            control: update.control(),
            batch,
            seed: 0,
            steps: 0,
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

    /// One training step: forward, loss, backward, update. The metrics are those before the update.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) where the images have another shape than the network's input, where
    /// there are none or more than the trainer's batch, or where the number or shape of the targets does not fit;
    /// [`Error::Label`](crate::Error::Label) where a label is not a class;
    /// [`Error::Target`](crate::Error::Target) where the targets are not of the kind that the loss takes;
    /// [`Error::Layer`](crate::Error::Layer) where there are too few images for the statistics of a layer.
    pub fn step(&mut self, batch: &Batch) -> Result<Metrics> {
        let measured = self.step_exact(batch)?;
        Ok(Metrics::new(output(&measured), self.has_classes()))
    }

    /// [`step`](Self::step), with the loss as it was computed, not rounded to f32.
    ///
    /// # Errors
    /// Those of [`step`](Self::step).
    pub fn step_exact(&mut self, batch: &Batch) -> Result<Measured<T>> {
        let Differentiated { pass, values, measured, gradients } = self.differentiate(batch)?;
        executor::update_buffers(&self.network, &mut self.parameters, &values, &pass)?;
        let parameters = self.network.parameters().iter().zip(&gradients.parameters).enumerate();
        let trained: Vec<(usize, &[T])> =
            parameters.filter(|(_, (p, _))| p.trainable).map(|(i, (_, grad))| (i, grad.data())).collect();
        if !self.update.is_plain() {
            let gradients = trained.iter().map(|(_, gradient)| *gradient);
            self.control = update_control::decide(&self.update, self.control, gradients);
        }
        let optimizer = T::optimizer(&*self.optimizer);
        for (i, gradient) in trained {
            let (parameter, state) = (self.parameters[i].data_mut(), &mut self.state[i]);
            optimizer.apply(parameter, gradient, state, &pass.step, &self.control);
        }
        self.steps = self.steps.wrapping_add(1);
        Ok(measured)
    }

    /// What the updates of the last step were told: the loss scale, how many steps were skipped, the gradients' norm.
    pub fn update_control(&self) -> UpdateControl {
        self.control
    }

    /// What the next [`step`](Self::step) would measure on this batch, and the gradients to the parameters, frozen
    /// ones included, before they are clipped and, where the loss is scaled, times its scale.
    ///
    /// # Errors
    /// Those of [`step`](Self::step).
    pub fn gradients(&self, batch: &Batch) -> Result<(Measured<T>, Gradients<T>)> {
        self.differentiate(batch).map(|step| (step.measured, step.gradients))
    }

    fn differentiate(&self, batch: &Batch) -> Result<Differentiated<T>> {
        let samples = input::check_batch(&self.network, &*self.loss, batch, self.batch)?;
        let pass = Pass { training: true, step: self.step_state(samples), stream: 0 };
        let values = self.forward(&batch.images, &pass)?;
        let measured = self.measure(&values, &batch.targets, samples);
        let scale = T::of(self.control.loss_scale.into());
        let grad = measured.grad.map(|grad| scale * grad);
        let gradients = executor::backward(&self.network, &self.parameters, &values, &grad, &pass)?;
        Ok(Differentiated { pass, values, measured, gradients })
    }

    /// The loss over a whole data set, and the accuracy where there are classes, without training.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) where its images or targets have another shape than the network's input
    /// or output or there are none, [`Error::Label`](crate::Error::Label) where a label is not a class,
    /// [`Error::Target`](crate::Error::Target) where the targets are not of the kind that the loss takes.
    pub fn evaluate(&self, dataset: &Dataset) -> Result<Metrics> {
        input::check_dataset(&self.network, &*self.loss, dataset)?;
        let evaluate = |batch: Batch| {
            let samples = batch.images.nchw()[0];
            let values = self.forward(&batch.images, &self.inference(samples))?;
            Ok(output(&self.measure(&values, &batch.targets, samples)))
        };
        let measured: Vec<LossOutput> = dataset.batches(self.batch).map(evaluate).collect::<Result<_>>()?;
        Ok(Metrics::of_batches(&measured, self.loss.reduction(), self.has_classes()))
    }

    /// The network's output for any number of images (NCHW), `[n, channels, height, width]`.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) where the images have another shape than the network's input or there
    /// are none.
    pub fn predict(&self, images: &Tensor) -> Result<Tensor> {
        let samples = input::check_images(&self.network, images, usize::MAX)?;
        let (input, output) = (self.network.input_shape(), self.network.output_shape());
        let mut predicted = Vec::with_capacity(samples * output.len());
        for chunk in images.data().chunks(self.batch.saturating_mul(input.len())) {
            let samples = chunk.len() / input.len();
            let chunk = Tensor::new(input.nchw(samples), chunk.to_vec())?;
            let values = self.forward(&chunk, &self.inference(samples))?;
            predicted.extend(self.output(&values).data().iter().map(|value| value.f64() as f32));
        }
        Tensor::new(output.nchw(samples), predicted)
    }

    /// The network with the parameters of now, rounded to f32.
    ///
    /// # Errors
    /// None; a GPU's trainer may fail to read its parameters back.
    pub fn network(&self) -> Result<Network> {
        let mut network = self.network.clone();
        for (parameter, value) in self.network.parameters().iter().zip(&self.parameters) {
            network.set_parameter(&parameter.name, value.map(|value| value.f64() as f32))?;
        }
        Ok(network)
    }

    /// The parameters of now as they are, in the order of [`Network::parameters`].
    pub fn parameters(&self) -> &[Tensor<T>] {
        &self.parameters
    }

    /// Every value of the network for images that were checked.
    fn forward(&self, images: &Tensor, pass: &Pass) -> Result<Vec<Tensor<T>>> {
        let shape = self.network.input_shape().nchw(images.nchw()[0]);
        let images = images.map(|pixel| T::of(pixel.into())).reshape(shape)?;
        executor::forward(&self.network, &self.parameters, &[images], pass)
    }

    fn measure(&self, values: &[Tensor<T>], targets: &Targets, samples: usize) -> Measured<T> {
        let (loss, output) = (T::loss(&*self.loss), self.output(values));
        match targets {
            Targets::Classes(labels) => loss.measure(output, Target::Classes(labels), samples),
            Targets::Values(values) => {
                let values = values.map(|value| T::of(value.into()));
                loss.measure(output, Target::Values(values.data()), samples)
            }
        }
    }

    fn output<'a>(&self, values: &'a [Tensor<T>]) -> &'a Tensor<T> {
        &values[self.network.output().0]
    }

    fn has_classes(&self) -> bool {
        input::target(&self.network, &*self.loss).is_classes()
    }

    fn inference(&self, samples: usize) -> Pass {
        Pass { training: false, step: self.step_state(samples), stream: 0 }
    }

    fn step_state(&self, samples: usize) -> StepState {
        StepState::new(self.seed, self.steps, samples, self.learning_rate)
    }
}

/// A training step up to the update.
struct Differentiated<T> {
    pass: Pass,
    /// Every value of the network.
    values: Vec<Tensor<T>>,
    measured: Measured<T>,
    gradients: Gradients<T>,
}

/// What a GPU would report of the same.
fn output<T: Real>(measured: &Measured<T>) -> LossOutput {
    LossOutput {
        loss: measured.loss.f64() as f32,
        weight: measured.weight.f64() as f32,
        correct: measured.correct as f32,
        count: measured.count as f32,
    }
}

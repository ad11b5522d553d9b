//! One run: train, test, report.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Write};

use wgcnn::data::Dataset;
use wgcnn::train::Metrics;

use super::Result;
use super::confusion::Confusion;
use super::engine::{self, Engine, Step};
use super::history::Epoch;
use super::options::Options;
use super::pictures;
use super::pictures::predictions::Prediction;
use super::progress::Progress;

/// What is to be learned.
pub struct Task<'a> {
    /// The data set's name.
    pub title: &'a str,
    /// The images to train on.
    pub train: Dataset,
    /// The images to test on.
    pub test: Dataset,
    /// The names of the classes.
    pub classes: &'a [&'a str],
}

/// So many steps are submitted before the oldest is waited for, so that the GPU never idles.
const AHEAD: usize = 4;

/// Trains a network on a task as the options say, reports, and saves pictures and network.
pub fn train(options: &Options, task: &Task<'_>) -> Result<()> {
    let mut out = io::stdout();
    let train = match options.subset {
        Some(count) => task.train.subset(count as usize),
        None => task.train.clone(),
    };
    let context = engine::open(options)?;
    let network = options.network.build(train.shape(), task.classes.len(), options.seed)?;
    let adapter = context.as_ref().map_or("none, the CPU reference trains".into(), |c| c.description());
    writeln!(out, "{}: {} images to train on, {} to test on", task.title, train.len(), task.test.len())?;
    writeln!(out, "adapter: {adapter}\n\n{}\n", network.summary())?;
    let mut engine = Engine::new(context.as_ref(), network, options)?;
    // Made before training: a folder that cannot be made should not cost the training.
    fs::create_dir_all(&options.output).map_err(|error| format!("{}: {error}", options.output.display()))?;

    let mut history = Vec::new();
    for epoch in 1..=options.epochs {
        let result = run_epoch(&mut engine, options, epoch, &train, &task.test)?;
        writeln!(
            out,
            "epoch {epoch:>2}/{}: train {}; test {}; {:.0} images/s",
            options.epochs, result.train, result.test, result.images_per_second
        )?;
        history.push(result);
    }

    let predictions = predict(&mut engine, &task.test, options.batch)?;
    let pairs = predictions.iter().map(|prediction| (prediction.truth, prediction.guess));
    writeln!(
        out,
        "\nconfusion on the test images, predictions in columns\n\n{}\n",
        Confusion::new(task.classes, pairs)
    )?;
    let network = engine.network()?;
    let path = |name: &str| options.output.join(name);
    network.save(path("network.safetensors"))?;
    pictures::predictions::draw(&path("predictions.png"), task, &predictions)?;
    pictures::filters::draw(&path("filters.png"), task.title, &network)?;
    pictures::curves::draw(&path("curves.png"), task.title, &history)?;
    writeln!(out, "network and pictures are in {}", options.output.display())?;
    let right = predictions.iter().filter(|prediction| prediction.is_right()).count();
    writeln!(out, "test accuracy {:.2} %", 100.0 * right as f64 / predictions.len() as f64)?;
    Ok(())
}

/// Goes through the training images once, and then tests.
fn run_epoch(
    engine: &mut Engine,
    options: &Options,
    epoch: u32,
    train: &Dataset,
    test: &Dataset,
) -> Result<Epoch> {
    engine.set_learning_rate(options.learning_rate(epoch))?;
    // Each epoch has an order of its own, and another seed gives other orders throughout.
    let order = train.shuffled(options.seed.wrapping_mul(1 << 32).wrapping_add(epoch.into()));
    let batches = order.batches(options.batch);
    let mut progress = Progress::new(epoch, options.epochs, batches.len());
    let mut parts: Vec<Metrics> = Vec::with_capacity(batches.len());
    let mut under_way = VecDeque::new();
    let mut finish = |step: Step| -> Result<()> {
        let metrics = step.wait()?;
        if !metrics.loss.is_finite() {
            let rate = options.learning_rate(epoch);
            return Err(format!(
                "the loss became {} in epoch {epoch}: the learning rate {rate} is too large",
                metrics.loss
            )
            .into());
        }
        progress.step(metrics.loss, metrics.count);
        parts.push(metrics);
        Ok(())
    };
    for batch in batches {
        under_way.push_back(engine.step(&batch)?);
        if under_way.len() > AHEAD
            && let Some(oldest) = under_way.pop_front()
        {
            finish(oldest)?;
        }
    }
    under_way.into_iter().try_for_each(finish)?;
    let images_per_second = progress.images_per_second();
    progress.note("testing");
    let test = engine.evaluate(test)?;
    let losses = parts.iter().map(|part| part.loss).collect();
    Ok(Epoch { losses, train: parts.into_iter().collect(), test, images_per_second })
}

/// What the network makes of each image.
fn predict(engine: &mut Engine, dataset: &Dataset, batch: usize) -> Result<Vec<Prediction>> {
    let mut predictions = Vec::with_capacity(dataset.len());
    for batch in dataset.batches(batch) {
        let logits = engine.predict(&batch.images)?;
        let classes = dataset.classes();
        for (logits, label) in logits.data().chunks_exact(classes).zip(batch.labels()) {
            predictions.push(Prediction::new(predictions.len(), *label as usize, logits));
        }
    }
    Ok(predictions)
}

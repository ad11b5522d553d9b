//! What is shown while a network trains.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// The bar of one epoch, on stderr. Where that is no terminal nothing is drawn.
pub struct Progress {
    bar: ProgressBar,
    start: Instant,
    images: usize,
    recent: VecDeque<f32>,
}

/// The loss in the bar is the mean over so many steps.
const RECENT: usize = 20;

const TEMPLATE: &str = "{prefix} [{bar:32}] {pos}/{len} steps, {msg}, {eta} left";

impl Progress {
    pub fn new(epoch: u32, epochs: u32, steps: usize) -> Self {
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(steps as u64)
            .with_style(style.progress_chars("=> "))
            .with_prefix(format!("epoch {epoch}/{epochs}"))
            .with_message("starting");
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, start: Instant::now(), images: 0, recent: VecDeque::new() }
    }

    /// Counts a step that is through.
    pub fn step(&mut self, loss: f32, images: usize) {
        self.images += images;
        self.recent.push_back(loss);
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        let loss = self.recent.iter().sum::<f32>() / self.recent.len() as f32;
        self.bar.set_message(format!("loss {loss:.4}, {:.0} images/s", self.images_per_second()));
        self.bar.inc(1);
    }

    pub fn images_per_second(&self) -> f64 {
        self.images as f64 / self.start.elapsed().as_secs_f64().max(1e-9)
    }

    /// Says what goes on after the last step.
    pub fn note(&self, message: &'static str) {
        self.bar.set_message(message);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

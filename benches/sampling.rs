//! How often something is timed.

use std::time::{Duration, Instant};

use wgcnn::Result;

use super::statistics::Samples;

/// How much time a row may take.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// For how long a row is sampled.
    budget: Duration,
    /// How many samples it has at least.
    least: usize,
}

/// For how long a sample runs, so that what a submission takes is little beside it.
const LONG_ENOUGH: Duration = Duration::from_millis(20);

/// More samples than this say nothing new.
const MOST: usize = 50;

impl Pace {
    /// What is good enough to be stated.
    pub const THOROUGH: Self = Self { budget: Duration::from_millis(1000), least: 5 };
    /// What shows that something runs, and about how fast.
    pub const QUICK: Self = Self { budget: Duration::from_millis(150), least: 3 };

    /// Times what `run` does so many times over as it is told, and returns how long once takes. The first run, in
    /// which drivers compile, and the second, which tells how long it takes, do not count.
    ///
    /// # Errors
    /// Those of `run`.
    pub fn repeated(self, mut run: impl FnMut(usize) -> Result<Duration>) -> Result<Samples> {
        run(1)?;
        let once = run(1)?.max(Duration::from_nanos(100));
        let times = (LONG_ENOUGH.as_secs_f64() / once.as_secs_f64()).ceil().clamp(1.0, 1e4) as usize;
        self.sample(|| Ok(run(times)?.as_secs_f64() / times as f64))
    }

    /// Times a call of `run` from outside, after one that does not count.
    ///
    /// # Errors
    /// Those of `run`.
    pub fn calls(self, mut run: impl FnMut() -> Result<()>) -> Result<Samples> {
        run()?;
        self.sample(|| {
            let started = Instant::now();
            run()?;
            Ok(started.elapsed().as_secs_f64())
        })
    }

    fn sample(self, mut once: impl FnMut() -> Result<f64>) -> Result<Samples> {
        let started = Instant::now();
        let mut seconds = vec![];
        while seconds.len() < self.least || (seconds.len() < MOST && started.elapsed() < self.budget) {
            seconds.push(once()?);
        }
        Ok(Samples::new(seconds))
    }
}

//! The candidates of one problem against each other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::rehearsal::Rehearsal;
use crate::gpu::{Context, Stopwatch};
use crate::ops::program::Storage;
use crate::ops::{Problem, Trial};
use crate::{Error, Result};

/// How much is done for a measurement.
pub(super) struct Effort {
    /// The time for all problems together.
    pub budget: Duration,
    /// How often a candidate is timed; the shortest time counts.
    pub samples: u32,
    /// About the most time that this takes; one sample is always taken.
    pub sampling: Duration,
    /// How many times as long as the best a candidate may take by estimate and still be tried.
    pub farthest: f64,
}

/// How much time is left.
pub(super) struct Hurry {
    deadline: Instant,
    /// What a candidate took at most so far, its compilation included.
    longest: Duration,
}

impl Hurry {
    pub fn until(deadline: Instant) -> Self {
        Self { deadline, longest: Duration::ZERO }
    }

    /// Whether another candidate, if it takes as long as the longest, will be done in time.
    fn allows_another(&self) -> bool {
        Instant::now() + self.longest <= self.deadline
    }

    /// Notes that a candidate was tried since.
    fn tried_since(&mut self, started: Instant) {
        self.longest = self.longest.max(started.elapsed());
    }
}

/// How a contest ends.
pub(super) enum Outcome {
    /// With the index of the best candidate.
    Won(usize),
    /// Without any measurement: the best candidate by estimate does not run.
    Failed,
    /// Before all candidates had their turn.
    OutOfTime,
}

/// What a candidate must take less than, relative to the best one by estimate, to be taken instead: times of less
/// difference may change places from one run to the next.
const MARGIN: f64 = 0.95;

/// What a sample should take at least, so that the clock tells it well enough.
const SAMPLE: Duration = Duration::from_millis(1);

/// Finds the fastest of a problem's candidates.
pub(super) fn contest(
    context: &Context,
    problem: &dyn Problem,
    names: &[String],
    stopwatch: &Stopwatch,
    effort: &Effort,
    hurry: &mut Hurry,
) -> Result<Outcome> {
    let key = problem.key();
    if !hurry.allows_another() {
        return Ok(Outcome::OutOfTime);
    }
    let started = Instant::now();
    let mut contents: Option<Arc<[Vec<u8>]>> = None;
    let first = attempt(context, &key, &names[0], || {
        let filled = |trial: &Trial, storage| Arc::clone(contents.insert(fill(trial, storage)));
        let first = Rehearsal::new(context, problem, 0, filled)?;
        let wanted = first.result()?;
        let time = shortest(&first, stopwatch, effort)?;
        Ok((first, wanted, time))
    })?;
    hurry.tried_since(started);
    let (Some((first, wanted, mut first_time)), Some(contents)) = (first, contents) else {
        return Ok(Outcome::Failed);
    };
    let mut best: Option<(usize, Duration, Rehearsal<'_>)> = None;
    let estimates = problem.estimates(context.capabilities());
    let limit = effort.farthest * estimates.first().unwrap_or(&0.0);
    for (candidate, name) in names.iter().enumerate().skip(1) {
        if estimates.get(candidate).is_some_and(|estimate| *estimate > limit) {
            continue;
        }
        if !hurry.allows_another() {
            return Ok(Outcome::OutOfTime);
        }
        let started = Instant::now();
        let measured = attempt(context, &key, name, || {
            let rehearsal = Rehearsal::new(context, problem, candidate, |_, _| Arc::clone(&contents))?;
            if !rehearsal.agrees(&rehearsal.result()?, &wanted) {
                log::warn!("{key}: {name} is left out: its numbers are not those of {}", names[0]);
                return Ok(None);
            }
            let time = shortest(&rehearsal, stopwatch, effort)?;
            Ok(Some((time, rehearsal)))
        })?;
        hurry.tried_since(started);
        let Some((time, rehearsal)) = measured.flatten() else { continue };
        log::debug!("{key}: {name} takes {time:?}, {} {first_time:?}", names[0]);
        if best.as_ref().is_none_or(|(_, least, _)| time < *least) {
            best = Some((candidate, time, rehearsal));
        }
    }
    let Some((winner, time, rehearsal)) = best else {
        first.keep_pipelines();
        return Ok(Outcome::Won(0));
    };
    if time.as_secs_f64() < MARGIN * first_time.as_secs_f64() {
        // The first may have been unlucky.
        first_time = first_time.min(shortest(&first, stopwatch, effort)?);
    }
    let won = time.as_secs_f64() < MARGIN * first_time.as_secs_f64();
    log::info!("{key}: {} {first_time:?}, {} {time:?}", names[0], names[winner]);
    let (kept, winner) = if won { (rehearsal, winner) } else { (first, 0) };
    kept.keep_pipelines();
    Ok(Outcome::Won(winner))
}

/// What the operands hold: the same for all candidates, and in every process.
fn fill(trial: &Trial, storage: Storage) -> Arc<[Vec<u8>]> {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    trial.operands.iter().map(|operand| operand.fill(storage, &mut random)).collect()
}

/// What `f` returns. Where it fails, that is said, and nothing is returned; only a lost device is an error.
fn attempt<T>(context: &Context, key: &str, name: &str, f: impl FnOnce() -> Result<T>) -> Result<Option<T>> {
    match f() {
        Ok(value) => Ok(Some(value)),
        Err(error @ Error::DeviceLost(_)) => Err(error),
        Err(error) => {
            log::warn!("{key}: {name} is left out: {error}");
            context.check()?;
            Ok(None)
        }
    }
}

/// The shortest of some times that a candidate takes which has run before.
fn shortest(rehearsal: &Rehearsal<'_>, stopwatch: &Stopwatch, effort: &Effort) -> Result<Duration> {
    let started = Instant::now();
    let mut least = rehearsal.time(stopwatch, 1)?;
    let times = (SAMPLE.as_secs_f64() / least.as_secs_f64().max(1e-6)).ceil().clamp(1.0, 64.0) as u32;
    for _ in 0..effort.samples {
        if started.elapsed() >= effort.sampling {
            break;
        }
        least = least.min(rehearsal.time(stopwatch, times)?);
    }
    Ok(least)
}

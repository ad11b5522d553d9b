//! Tuning: which of the variants that compute the same is the fastest on the device at hand, by measurement.

mod contest;
mod rehearsal;
mod remembered;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::gpu::{Context, Stopwatch};
use crate::ops::{Choices, Problem};
use contest::{Effort, Hurry, Outcome, contest};
use remembered::Remembered;

/// How much is measured before kernels are chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Tuning {
    /// Nothing: the best variants by estimate are taken. The same ones in every process, so that a seed gives the same
    /// bits again.
    #[default]
    Off,
    /// What takes under two seconds for a whole network, compilation included: the variants that are not far behind by
    /// estimate. What was measured is remembered; what there was no time for is measured in the next process.
    Quick,
    /// Every variant, several times: up to a minute for a whole network.
    Full,
}

impl Tuning {
    fn effort(self) -> Option<Effort> {
        match self {
            Self::Off => None,
            Self::Quick => Some(Effort {
                budget: Duration::from_millis(1800),
                samples: 3,
                sampling: Duration::from_millis(60),
                farthest: 4.0,
            }),
            Self::Full => Some(Effort {
                budget: Duration::from_secs(60),
                samples: 15,
                sampling: Duration::from_millis(500),
                farthest: f64::INFINITY,
            }),
        }
    }
}

/// Measures the variants of `problems`, those of [`Plan::program`](super::Plan::program) for instance, and returns the
/// fastest of each for [`PlanOptions::choices`](super::PlanOptions::choices). The problems that take longest come
/// first; those for which the time does not suffice, and those where no variant is clearly faster than the best by
/// estimate, are left to the estimate.
///
/// A variant whose numbers are not those of the best by estimate within rounding is not taken, nor is one that does not compile
/// or for which there is no memory; a warning says so. Where the context keeps files
/// ([`ContextBuilder::cache_dir`](crate::gpu::ContextBuilder::cache_dir)) the choices are remembered for the adapter, its
/// driver and this version of the crate, and not measured again.
///
/// # Errors
/// [`Error::DeviceLost`](crate::Error::DeviceLost), or where not even timestamps can be had.
pub fn tune(context: &Context, problems: &[Arc<dyn Problem>], tuning: Tuning) -> Result<Choices> {
    let mut choices = Choices::default();
    let Some(effort) = tuning.effort() else { return Ok(choices) };
    let mut hurry = Hurry::until(Instant::now() + effort.budget);
    let mut remembered = Remembered::open(context.cache());
    let mut unknown = vec![];
    for problem in by_share(problems, context) {
        let (key, candidates) = (problem.key(), problem.candidates(context.capabilities()));
        match remembered.get(&key, tuning) {
            Some(variant) if candidates.iter().any(|name| name == variant) => choices.set(key, variant),
            _ if candidates.len() > 1 => unknown.push((problem, key, candidates)),
            _ => {}
        }
    }
    if !unknown.is_empty() {
        let stopwatch = Stopwatch::new(context)?;
        for (problem, key, candidates) in unknown {
            match contest(context, &*problem, &candidates, &stopwatch, &effort, &mut hurry)? {
                Outcome::Won(winner) => {
                    choices.set(key.clone(), candidates[winner].clone());
                    remembered.set(key, candidates[winner].clone(), tuning);
                }
                Outcome::Failed => {}
                Outcome::OutOfTime => break,
            }
        }
    }
    remembered.save();
    Ok(choices)
}

/// Each problem once, those first that take the largest part of the estimated time.
fn by_share(problems: &[Arc<dyn Problem>], context: &Context) -> Vec<Arc<dyn Problem>> {
    let mut shares: BTreeMap<String, (f64, &Arc<dyn Problem>)> = BTreeMap::new();
    for problem in problems {
        let (share, _) = shares.entry(problem.key()).or_insert((0.0, problem));
        *share += problem.estimates(context.capabilities()).first().unwrap_or(&0.0);
    }
    let mut shares: Vec<_> = shares.into_values().collect();
    shares.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    shares.into_iter().map(|(_, problem)| Arc::clone(problem)).collect()
}

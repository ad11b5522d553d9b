//! About how long kernels take on a device that nobody has measured: what the choice among variants rests on.
//!
//! Time is counted in multiply-adds: one is what the whole device takes for one while it does nothing else. A dispatch
//! takes
//!
//! ```text
//! max(products / (efficiency · utilisation), bytes · balance) + latency
//! ```
//!
//! - *products* are the multiply-adds that its invocations make, those on the padding of tiles too: tiles · what each
//!   of them makes. That is what makes a large tile lose on a small image;
//! - *efficiency* is the part of a device's multiply-adds that the inner loop reaches while there is enough to do;
//! - *utilisation* is how full the device is: workgroups come in rounds of as many as run at a time, and the last
//!   round takes as long as the others;
//! - *bytes* are those that must come from memory or go there, each once: the operands and the result, and what is
//!   written only to be read by the next dispatch. What a cache holds while a kernel reads it again does not count. Where
//!   that is known to be little enough, what one dispatch leaves behind for the next is still in a cache, too;
//! - *balance* is how many multiply-adds a device makes while a byte moves;
//! - *latency* is what a dispatch takes that has nothing to do, and waits for the one before it.
//!
//! What takes several dispatches (a sum that is joined, a transform before and after) takes the sum of their times. The
//! constants are those of devices of a kind, not of any one: estimates are for telling variants apart that differ by
//! half or more. The rest is the tuner's.

use crate::gpu::Capabilities;

/// What a device of a kind is assumed to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Machine {
    /// Whether a processor stands in for a GPU.
    pub software: bool,
    /// The multiply-adds made while a byte moves to or from memory.
    balance: f64,
    /// The multiply-adds that could be made while an empty dispatch runs.
    latency: f64,
    /// The bytes that are still in a cache when the next dispatch reads them.
    cache: f64,
    /// The bytes that move for each byte that the cache does not hold.
    spilled: f64,
}

/// What one dispatch does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Work {
    /// Multiply-adds, with those on padding.
    pub products: f64,
    /// Bytes that come from memory or go there.
    pub bytes: f64,
    /// The number of workgroups.
    pub workgroups: usize,
    /// The invocations of each of them.
    pub invocations: usize,
    /// The part of a device's multiply-adds that the kernel's inner loop reaches.
    pub efficiency: f64,
}

/// How much faster caches are than memory that dispatches share: what is left there counts for so much.
const CACHED: f64 = 0.25;

/// How many cores a processor that stands in for a GPU is assumed to have: each runs one workgroup at a time.
const CORES: f64 = 4.0;

/// How many invocations fill a GPU: a workgroup of 256 on each of 128 units.
const INVOCATIONS: f64 = 128.0 * 256.0;

impl Machine {
    /// What is assumed of a device that can do what `capabilities` say.
    pub fn of(capabilities: &Capabilities) -> Self {
        match capabilities.software {
            // lavapipe on two cores makes 36 · 10⁹ multiply-adds a second and moves 9.5 · 10⁹ bytes.
            // Its last cache is 16 to 32 MiB as a rule, of which a part is others'; a line is read before it is written.
            true => Self { software: true, balance: 4.0, latency: 5e5, cache: 8e6, spilled: 2.0 },
            // Desktop GPUs lie between 10 and 30 multiply-adds a byte. Their dispatches that wait for one another are
            // some 3 µs apart, at 5 · 10¹² multiply-adds a second.
            // Their last caches are 2 to 6 MiB, or 24 and more on those from 2021 on, and write what is whole at once.
            false => Self { software: false, balance: 16.0, latency: 1.5e7, cache: 4e6, spilled: 1.0 },
        }
    }

    /// About how long a dispatch takes, in multiply-adds.
    pub fn time(&self, work: Work) -> f64 {
        let full = work.efficiency * self.utilisation(work.workgroups, work.invocations);
        (work.products / full).max(work.bytes * self.balance) + self.latency
    }

    /// About how long it takes to only move bytes, by a dispatch of its own.
    pub fn moving(&self, bytes: f64) -> f64 {
        bytes * self.balance + self.latency
    }

    /// How many bytes move at the pace of memory for one that a dispatch writes and the next reads, at either of them,
    /// where it leaves so many behind.
    pub fn left_behind(&self, bytes: f64) -> f64 {
        if bytes <= self.cache { CACHED } else { self.spilled }
    }

    /// How full so many workgroups of so many invocations keep the device, between 0 and 1.
    fn utilisation(&self, workgroups: usize, invocations: usize) -> f64 {
        let at_a_time = if self.software { CORES } else { INVOCATIONS / invocations.max(1) as f64 };
        let rounds = workgroups.max(1) as f64 / at_a_time;
        rounds / rounds.ceil()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORK: Work =
        Work { products: 1e9, bytes: 1e6, workgroups: 4096, invocations: 256, efficiency: 0.5 };

    fn machines() -> [Machine; 2] {
        let gpu = Capabilities::webgpu();
        [Machine::of(&gpu), Machine::of(&Capabilities { software: true, ..gpu })]
    }

    #[test]
    fn what_bounds_a_dispatch_is_what_takes_longer() {
        for machine in machines() {
            let empty = machine.moving(0.0);
            assert_eq!(machine.time(WORK) - empty, 2e9);
            let moved = Work { bytes: 1e10, ..WORK };
            assert_eq!(machine.time(moved), machine.moving(1e10));
        }
    }

    #[test]
    fn what_is_left_in_a_cache_costs_less() {
        for machine in machines() {
            assert!(machine.left_behind(1e6) < 1.0);
            assert!(machine.left_behind(1e8) >= 1.0);
        }
    }

    #[test]
    fn few_workgroups_leave_a_device_idle_and_so_does_a_last_round() {
        for machine in machines() {
            let by = |workgroups| machine.time(Work { workgroups, ..WORK });
            assert!(by(1) > 3.0 * by(4096));
            assert!(by(129) > by(128));
            let one_more = by(128 * 100 + 1) / by(128 * 100);
            assert!((1.0..1.01).contains(&one_more), "{one_more}");
        }
    }
}

//! A plan for people.

use std::fmt;

use super::plan::{Plan, Role};
use crate::ops::program::Dispatch;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dispatches = &self.program.dispatches;
        let kernels: Vec<String> = dispatches.iter().map(Dispatch::description).collect();
        let layer = dispatches.iter().map(|dispatch| dispatch.layer.len()).max().unwrap_or(0).max(5);
        let kernel = kernels.iter().map(String::len).max().unwrap_or(0);
        writeln!(
            f,
            "  # {:layer$}  {:kernel$} {:>16} {:>10} {:>11}",
            "layer", "kernel", "workgroups", "MFLOP", "KiB bound"
        )?;
        for (i, dispatch) in dispatches.iter().enumerate() {
            let [x, y, z] = dispatch.workgroups;
            let bound: u64 = dispatch.bindings.iter().map(|b| self.program.tensors[b.tensor.0].bytes).sum();
            writeln!(
                f,
                "{i:3} {:layer$}  {:kernel$} {:>16} {:>10.2} {:>11.1}",
                dispatch.layer,
                kernels[i],
                format!("{x} x {y} x {z}"),
                dispatch.flops as f64 / 1e6,
                bound as f64 / 1024.0,
            )?;
        }
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let of = |role: fn(&Role) -> bool| mib(self.bytes_of(role));
        if self.prologue > 0 {
            writeln!(f, "the first {} run only when the parameters have changed", self.prologue)?;
        }
        writeln!(
            f,
            "batch {}: {} dispatches, {:.2} GFLOP, {} buffers",
            self.batch,
            dispatches.len() - self.prologue,
            self.flops() as f64 / 1e9,
            self.buffers.len()
        )?;
        writeln!(
            f,
            "peak device memory {:.2} MiB: parameters and their state {:.2}, input and output {:.2}, all else {:.2}",
            mib(self.peak_bytes()),
            of(|role| matches!(role, Role::Resident(_) | Role::Prepared)),
            of(|role| matches!(role, Role::Io | Role::Constant(_))),
            of(|role| matches!(role, Role::Arena)),
        )?;
        write!(
            f,
            "that is {:.0} % of the {:.2} MiB of all tensors; at most {:.2} MiB live at once, and no plan takes less",
            100.0 * self.peak_bytes() as f64 / self.unshared_bytes() as f64,
            mib(self.unshared_bytes()),
            mib(self.lower_bound_bytes()),
        )
    }
}

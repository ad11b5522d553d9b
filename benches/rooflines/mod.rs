//! The adapter's own ceilings, by micro-kernels that do one thing only.

mod kernel;
mod transfers;

use std::time::Duration;

use bytemuck::cast_slice;
use kernel::Kernel;
use wgcnn::Result;
use wgpu::Buffer;

use super::bench::Bench;
use super::ceilings::Ceilings;
use super::row::Row;
use super::statistics::Samples;

/// Workgroups that keep any device busy.
const MANY: u32 = 4096;

/// The invocations of every workgroup of these kernels.
const WORKGROUP: u64 = 64;

/// The quads that a workgroup copies in a step.
const QUADS_A_STEP: u64 = 256;

/// More steps than this would come near the loop iterations that every driver allows.
const MOST_STEPS: u32 = 1 << 14;

/// Measures the ceilings, and reports them.
///
/// # Errors
/// [`Error::DeviceLost`](wgcnn::Error::DeviceLost) and what else the device reports.
pub fn measure(bench: &mut Bench<'_>) -> Result<Ceilings> {
    let (samples, flops) = multiply_add(bench, MULTIPLY_ADD, [0.5; 8])?;
    let multiply_add = flops as f64 / samples.median();
    bench.ceiling("multiply_add_f32", &samples, |row| row.flops(flops));
    if bench.context.capabilities().shader_f16 {
        let half = u32::from_ne_bytes([0x00, 0x38, 0x00, 0x38]);
        let factors = [f32::from_bits(half); 8];
        let (samples, flops) = self::multiply_add(bench, include_str!("multiply_add_f16.wgsl"), factors)?;
        bench.ceiling("multiply_add_f16", &samples, |row| row.flops(flops));
    }
    let (samples, bytes) = workgroup_memory(bench)?;
    bench.ceiling("workgroup_memory", &samples, |row| row.bytes(bytes));

    let mut copy = vec![];
    // What is read and what is written, from what any cache holds to what few do.
    for shift in [17, 20, 23, 26] {
        let bytes = 1_u64 << shift;
        let samples = self::copy(bench, bytes)?;
        copy.push((bytes, bytes as f64 / samples.median()));
        let size = if shift < 20 { format!("{}_KiB", bytes >> 10) } else { format!("{}_MiB", bytes >> 20) };
        bench.ceiling(&format!("copy_{size}"), &samples, |row| row.bytes(bytes));
    }

    let nothing =
        Kernel::new(&bench.context, include_str!("nothing.wgsl"), &[&kernel::storage(&bench.context, 16)]);
    let samples =
        bench.pace.repeated(|times| bench.stopwatch.time(|pass| nothing.dispatch(pass, 1, times)))?;
    bench.ceiling("dispatch", &samples, |row| row);
    transfers::measure(bench)?;
    Ok(Ceilings { multiply_add, copy })
}

/// Measures a ceiling again, and says so if it moved: then others were at work on the machine, now or before.
///
/// # Errors
/// As [`measure`].
pub fn recheck(bench: &Bench<'_>, ceilings: &Ceilings) -> Result<()> {
    let (samples, flops) = multiply_add(bench, MULTIPLY_ADD, [0.5; 8])?;
    let now = flops as f64 / samples.median();
    if (now / ceilings.multiply_add - 1.0).abs() > 0.1 {
        let [before, now] = [ceilings.multiply_add, now].map(|rate| rate / 1e9);
        println!(
            "\nWARNING: multiply-adds ran at {before:.1} GFLOP/s before and at {now:.1} after: the machine was busy, or \
             warm. Take the numbers above for rough."
        );
    }
    Ok(())
}

const MULTIPLY_ADD: &str = include_str!("multiply_add.wgsl");

impl Bench<'_> {
    fn ceiling(&mut self, name: &str, samples: &Samples, with: impl FnOnce(Row) -> Row) {
        let kernel = name.trim_end_matches(|c: char| c.is_ascii_digit() || "_KMiB".contains(c));
        let row = Row::new(&format!("ceiling/{name}"), self.adapter(), kernel.into(), samples);
        self.report(with(row));
    }
}

/// Four chains of vec4, each with four multiply-adds a step.
fn multiply_add(bench: &Bench<'_>, source: &str, factors: [f32; 8]) -> Result<(Samples, u64)> {
    let context = &bench.context;
    let (inputs, output) = (kernel::storage(context, 32), output(bench));
    context.queue().write_buffer(&inputs, 0, cast_slice(&factors));
    let (samples, steps) = steps(bench, |steps| Kernel::new(context, source, &[&inputs, &output, steps]))?;
    Ok((samples, u64::from(MANY) * WORKGROUP * u64::from(steps) * (4 * 4 * 4 * 2)))
}

/// Eight reads of vec4 a step.
fn workgroup_memory(bench: &Bench<'_>) -> Result<(Samples, u64)> {
    let (source, output) = (include_str!("workgroup_memory.wgsl"), output(bench));
    let (samples, steps) = steps(bench, |steps| Kernel::new(&bench.context, source, &[&output, steps]))?;
    Ok((samples, u64::from(MANY) * WORKGROUP * u64::from(steps) * (8 * 16)))
}

/// Room for a vec4 of each invocation.
fn output(bench: &Bench<'_>) -> Buffer {
    kernel::storage(&bench.context, u64::from(MANY) * WORKGROUP * 16)
}

/// Times a kernel with so many steps that starting it is little beside them.
fn steps(bench: &Bench<'_>, kernel: impl FnOnce(&Buffer) -> Kernel) -> Result<(Samples, u32)> {
    let uniform = kernel::word(&bench.context);
    let kernel = kernel(&uniform);
    let run = |times: usize| bench.stopwatch.time(|pass| kernel.dispatch(pass, MANY, times));
    let mut steps = 16;
    loop {
        bench.context.queue().write_buffer(&uniform, 0, cast_slice(&[steps]));
        run(1)?;
        if steps >= MOST_STEPS || run(1)? >= Duration::from_millis(10) {
            return Ok((bench.pace.repeated(run)?, steps));
        }
        steps *= 2;
    }
}

/// A copy that reads and writes so many bytes, in the form that suits the device: in words of 32 or 64 bits, and with
/// so many steps a workgroup.
fn copy(bench: &Bench<'_>, bytes: u64) -> Result<Samples> {
    let context = &bench.context;
    let [input, output] = [(); 2].map(|()| kernel::storage(context, bytes / 2));
    let uniform = kernel::word(context);
    let narrow = include_str!("copy.wgsl").to_owned();
    let wide = narrow.replace("alias Quad = vec4<f32>;", "alias Quad = vec2<u64>;");
    let sources = if context.capabilities().wide_loads() { vec![narrow, wide] } else { vec![narrow] };
    let kernels: Vec<Kernel> =
        sources.iter().map(|source| Kernel::new(context, source, &[&input, &output, &uniform])).collect();
    let total = bytes / 2 / 16 / QUADS_A_STEP;
    let time = |kernel: &Kernel, steps: u64, pace: super::sampling::Pace| {
        context.queue().write_buffer(&uniform, 0, cast_slice(&[steps as u32]));
        pace.repeated(|times| {
            bench.stopwatch.time(|pass| kernel.dispatch(pass, (total / steps) as u32, times))
        })
    };
    let steps = (0..5).map(|shift| 1 << (2 * shift)).filter(|steps| *steps <= total);
    let mut best = (f64::INFINITY, &kernels[0], 1);
    for (kernel, steps) in steps.flat_map(|steps| kernels.iter().map(move |kernel| (kernel, steps))) {
        let median = time(kernel, steps, super::sampling::Pace::QUICK)?.median();
        if median < best.0 {
            best = (median, kernel, steps);
        }
    }
    let (_, kernel, steps) = best;
    time(kernel, steps, bench.pace)
}

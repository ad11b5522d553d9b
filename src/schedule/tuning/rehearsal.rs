//! One candidate of a problem, ready to run by itself.

use std::sync::Arc;
use std::time::Duration;

use crate::Result;
use crate::gpu::{Buffer, Context, Readback, Stopwatch};
use crate::ops::program::{Program, Storage};
use crate::ops::{Problem, Trial};
use crate::schedule::placement::Place;
use crate::schedule::recording::Recording;

/// A candidate in memory of its own.
pub(super) struct Rehearsal<'a> {
    context: &'a Context,
    trial: Trial,
    storage: Storage,
    /// One for each tensor; of those that are part of another, nothing.
    buffers: Vec<Arc<Buffer>>,
    places: Vec<Option<Place>>,
    recording: Recording,
    keep_pipelines: bool,
}

impl<'a> Rehearsal<'a> {
    /// Makes a candidate ready. What its operands hold is asked for once it is known what they are.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory) or [`Error::Gpu`](crate::Error::Gpu).
    pub fn new(
        context: &'a Context,
        problem: &dyn Problem,
        candidate: usize,
        contents: impl FnOnce(&Trial, Storage) -> Arc<[Vec<u8>]>,
    ) -> Result<Self> {
        let mut program = Program::new(context.capabilities());
        let trial = problem.trial(&mut program, context.capabilities(), candidate);
        let (mut buffers, mut places) = (vec![], vec![None; program.tensors.len()]);
        for (tensor, desc) in program.tensors.iter().enumerate() {
            if desc.part_of.is_none() {
                let buffer = Buffer::scratch(context, &desc.label, desc.bytes)?;
                if let Some(contents) = &desc.contents {
                    context.write(&buffer, 0, bytemuck::cast_slice(contents))?;
                }
                places[tensor] = Some(Place { buffer: buffers.len(), offset: 0 });
                buffers.push(Arc::new(buffer));
            }
        }
        for (tensor, desc) in program.tensors.iter().enumerate() {
            if let Some((whole, offset)) = desc.part_of {
                places[tensor] =
                    places[whole.0].map(|place| Place { offset: place.offset + offset, ..place });
            }
        }
        let recording = Recording::new(context, &program, &places, &buffers)?;
        let storage = program.storage;
        let contents = contents(&trial, storage);
        let rehearsal = Self { context, trial, storage, buffers, places, recording, keep_pipelines: false };
        for (operand, bytes) in rehearsal.trial.operands.iter().zip(&*contents) {
            if let Some(place) = rehearsal.places[operand.tensor().0] {
                context.write(&rehearsal.buffers[place.buffer], place.offset, bytes)?;
            }
        }
        Ok(rehearsal)
    }

    /// Runs it, which is when some drivers compile, and returns what it wrote.
    ///
    /// # Errors
    /// What the device reports.
    pub fn result(&self) -> Result<Vec<f32>> {
        let (result, storage) = (self.trial.result.clone(), self.storage);
        let Some(place) = self.places[result.tensor().0] else { return Ok(vec![]) };
        let buffer = &self.buffers[place.buffer];
        let mut encoder = self.context.device().create_command_encoder(&Default::default());
        self.recording.encode(&mut encoder, 0..usize::MAX);
        let bytes = buffer.bytes() - place.offset;
        let readback = Readback::record(self.context, &mut encoder, buffer, place.offset, bytes)?;
        let submission = self.context.submit([encoder.finish()])?;
        readback.pending(self.context, submission, move |bytes| result.numbers(storage, bytes)).wait()
    }

    /// Whether one candidate's result is another's, within rounding.
    pub fn agrees(&self, got: &[f32], wanted: &[f32]) -> bool {
        let near = |(got, wanted): (&f32, &f32)| {
            f64::from((got - wanted).abs()) <= self.trial.tolerance(self.storage, *wanted)
        };
        got.len() == wanted.len() && got.iter().zip(wanted).all(near)
    }

    /// How long it takes to run it so many times over, each.
    ///
    /// # Errors
    /// What the device reports.
    pub fn time(&self, stopwatch: &Stopwatch, times: u32) -> Result<Duration> {
        let all = stopwatch.time(|pass| {
            for _ in 0..times {
                (0..self.recording.len()).for_each(|dispatch| self.recording.dispatch(pass, dispatch));
            }
        })?;
        Ok(all / times.max(1))
    }

    /// Leaves its pipelines for the plan that will have them too. Otherwise they go with it, unless somebody uses them.
    pub fn keep_pipelines(mut self) {
        self.keep_pipelines = true;
    }
}

impl Drop for Rehearsal<'_> {
    fn drop(&mut self) {
        if !self.keep_pipelines {
            self.context.forget(&self.recording.pipelines().collect::<Vec<_>>());
        }
    }
}

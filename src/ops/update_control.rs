//! What is done with gradients before an update: clipping and dynamic loss scaling. No operator of its own.

use super::program::{Activation, Dispatch, Program, TensorId, kernel};
use super::{elementwise, reduce, setting};
use crate::Result;

/// The invocations of a workgroup of the kernels here.
const WORKGROUP: usize = 256;

/// What is done with gradients before an update.
///
/// Where anything is, a step of which some gradient is not finite is skipped: the parameters and what the optimizer
/// remembers stay as they are.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct UpdateOptions {
    /// The largest norm of all gradients together; longer ones are scaled down to it.
    pub clip_grad_norm: Option<f32>,
    /// How the gradient of the loss is scaled.
    pub loss_scaling: Option<LossScaling>,
}

impl UpdateOptions {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::Option`](crate::Error::Option) names the setting.
    pub fn check(&self) -> Result<()> {
        if let Some(max_norm) = self.clip_grad_norm {
            setting::above_zero("the largest gradient norm", max_norm)?;
        }
        self.loss_scaling.map_or(Ok(()), |scaling| scaling.check())
    }

    /// Whether gradients are left as they are, so that nothing needs to be known of them.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// The state before the first step.
    pub fn control(&self) -> UpdateControl {
        let loss_scale = self.loss_scaling.map_or(1.0, |scaling| scaling.init_scale);
        UpdateControl { loss_scale, ..UpdateControl::default() }
    }
}

/// Dynamic loss scaling (Micikevicius et al. 2018, arXiv:1710.03740) by the rules of PyTorch's `GradScaler`.
///
/// The gradient of the loss is multiplied by a scale, so that small gradients keep their digits in half precision,
/// and the gradients to the parameters are divided by it. A step in which one of these is not finite is skipped and
/// the scale lowered; after a number of steps in a row without that it is raised. All of it happens on the GPU.
/// The scale stays from 2⁻¹²⁶ to 2¹²⁶.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossScaling {
    init_scale: f32,
    growth_factor: f32,
    backoff_factor: f32,
    growth_interval: u32,
}

impl LossScaling {
    /// The largest scale, of which the inverse is a normal number.
    pub(crate) const LARGEST: f32 = 1.0 / f32::MIN_POSITIVE;
    /// What leaves everything as it is.
    const NONE: Self = Self { init_scale: 1.0, growth_factor: 1.0, backoff_factor: 1.0, growth_interval: 1 };

    /// Begins with this scale, 65536 unless said otherwise.
    pub fn init_scale(mut self, init_scale: f32) -> Self {
        self.init_scale = init_scale;
        self
    }

    /// What the scale is multiplied by after [`growth_interval`](Self::growth_interval) steps: more than 1, and 2
    /// unless said otherwise.
    pub fn growth_factor(mut self, growth_factor: f32) -> Self {
        self.growth_factor = growth_factor;
        self
    }

    /// What the scale is multiplied by after a step that was skipped: less than 1, and 0.5 unless said otherwise.
    pub fn backoff_factor(mut self, backoff_factor: f32) -> Self {
        self.backoff_factor = backoff_factor;
        self
    }

    /// After how many steps in a row of which none was skipped the scale grows; 2000 unless said otherwise.
    pub fn growth_interval(mut self, growth_interval: u32) -> Self {
        self.growth_interval = growth_interval;
        self
    }

    /// The state after a step, of which some gradient was not finite or all were; for the CPU twin.
    pub(crate) fn next(&self, control: UpdateControl, overflow: bool) -> UpdateControl {
        let scale = control.loss_scale;
        if overflow {
            let loss_scale = (self.backoff_factor * scale).max(f32::MIN_POSITIVE);
            return UpdateControl { loss_scale, growth_tracker: 0, ..control };
        }
        let growth_tracker = control.growth_tracker + 1;
        if growth_tracker < self.growth_interval {
            return UpdateControl { growth_tracker, ..control };
        }
        let grown = self.growth_factor * scale;
        let loss_scale = if grown <= Self::LARGEST { grown } else { scale };
        UpdateControl { loss_scale, growth_tracker: 0, ..control }
    }

    fn check(&self) -> Result<()> {
        let Self { init_scale, growth_factor, backoff_factor, growth_interval } = *self;
        let scales = f32::MIN_POSITIVE..=Self::LARGEST;
        let expected = "a number more than 0, up to 2^126";
        setting::require(scales.contains(&init_scale), "the initial loss scale", init_scale, expected)?;
        let grows = growth_factor.is_finite() && growth_factor > 1.0;
        setting::require(grows, "the growth factor of the loss scale", growth_factor, "more than 1")?;
        let shrinks = backoff_factor > 0.0 && backoff_factor < 1.0;
        let expected = "more than 0 and less than 1";
        setting::require(shrinks, "the backoff factor of the loss scale", backoff_factor, expected)?;
        let option = "the growth interval of the loss scale";
        setting::require(growth_interval > 0, option, growth_interval, "at least 1")
    }
}

impl Default for LossScaling {
    fn default() -> Self {
        Self { init_scale: 65536.0, growth_factor: 2.0, backoff_factor: 0.5, growth_interval: 2000 }
    }
}

/// What the updates of a step are told, and what is known of the steps before, as it lies in device memory. It is
/// kept from step to step.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct UpdateControl {
    /// What every gradient is multiplied by before anything else is done with it.
    pub gradient_scale: f32,
    /// 1 where this step is skipped: parameters and state stay as they are. Otherwise 0.
    pub skip: u32,
    /// How many steps have been skipped so far, this one included.
    pub skipped: u32,
    /// What the gradient of the next step's loss is multiplied by.
    pub loss_scale: f32,
    /// How many steps the loss scale has been as it is without an overflow.
    pub growth_tracker: u32,
    /// The norm of all gradients together, before clipping and without the loss scale, of the last step that was not
    /// skipped; 0 where nobody needs to know it.
    pub gradient_norm: f32,
    /// Zero; makes the struct a multiple of 16 bytes.
    pub reserved: [u32; 2],
}

impl Default for UpdateControl {
    /// Gradients as they are, and nothing skipped.
    fn default() -> Self {
        Self {
            gradient_scale: 1.0,
            skip: 0,
            skipped: 0,
            loss_scale: 1.0,
            growth_tracker: 0,
            gradient_norm: 0.0,
            reserved: [0; 2],
        }
    }
}

/// The [`UpdateControl`] before the first step, as a tensor.
pub(crate) fn tensor(program: &mut Program, options: &UpdateOptions) -> TensorId {
    let words: [f32; 8] = bytemuck::cast(options.control());
    program.constant_tensor("update control", words.to_vec())
}

/// Multiplies the gradient that a backward pass begins with, which is in f32, by the loss scale.
pub(crate) fn scale(program: &mut Program, control: TensorId, gradient: Activation) -> Activation {
    let scaled = program.activation("loss.scaled_gradient", gradient.shape, gradient.batch);
    let dispatch = elementwise::over_quads("loss", kernel!("common/scale_gradient"), gradient.total_quads())
        .read(gradient.tensor)
        .write(scaled.tensor)
        .read_uniform(control)
        .flops(elementwise::elements(gradient));
    program.push(dispatch);
    scaled
}

/// Measures all gradients, which are runs of so many quads, and from that tells the updates of this step and the
/// scaling of the next what to do.
pub(crate) fn decide(
    program: &mut Program,
    options: &UpdateOptions,
    control: TensorId,
    gradients: &[(TensorId, usize)],
) {
    // A workgroup sums enough to be worth its while, and few enough parts are left to join.
    let groups = |quads: usize| reduce::splits(quads.div_ceil(WORKGROUP), 8, 1, 1024);
    let parts: usize = gradients.iter().map(|(_, quads)| groups(*quads)).sum();
    let partials = program.tensor("update.partials", parts * 16);
    let mut first = 0;
    for (tensor, quads) in gradients {
        let dispatch = Dispatch::new("update", kernel!("common/sum_squares")).read(*tensor);
        // Each writes its own parts; the first is bound as the one that writes, the others go on with what it began.
        let dispatch = if first == 0 { dispatch.write(partials) } else { dispatch.update(partials) };
        let groups = groups(*quads);
        let dispatch = dispatch.uniform_sizes(&[*quads, first, WORKGROUP]).groups(groups);
        let dispatch = dispatch.flops(16 * *quads as u64);
        program.push(dispatch);
        first += groups;
    }
    let scaling = options.loss_scaling.unwrap_or(LossScaling::NONE);
    let dispatch = Dispatch::new("update", kernel!("common/update_control"))
        .constant("CLIP", options.clip_grad_norm.is_some())
        .constant("MAX_NORM", options.clip_grad_norm.unwrap_or(f32::MAX))
        .constant("GROWTH_FACTOR", scaling.growth_factor)
        .constant("BACKOFF_FACTOR", scaling.backoff_factor)
        .constant("GROWTH_INTERVAL", scaling.growth_interval)
        .read(partials)
        .update(control)
        .uniform_sizes(&[parts, WORKGROUP])
        .flops(4 * parts as u64);
    program.push(dispatch);
}

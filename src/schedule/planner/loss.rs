//! The loss, and the gradient that the backward pass begins with.

use super::super::plan::HostTarget;
use super::Planner;
use crate::Result;
use crate::ops::host::nchw_to_nhwc;
use crate::ops::program::{Activation, Storage, TensorId};
use crate::ops::{Loss, LossOutput, LossPass, TargetSpec, UpdateOptions, update_control};

impl Planner<'_> {
    /// Records the loss, and its gradient where there is a backward pass.
    pub(super) fn loss(&mut self, loss: &dyn Loss) -> Option<Activation> {
        let prediction = self.value(self.network.output());
        let target = self.target(loss, prediction);
        let result = self.program.tensor("loss", size_of::<LossOutput>());
        self.io.result = Some(result);
        let grad = self.has_backward().then(|| {
            let tensor = self.program.tensor("loss.grad_input", 16 * prediction.total_quads());
            Activation { tensor, ..prediction }
        });
        let (step, capabilities) = (self.io.step, self.capabilities);
        let program = &mut self.program;
        let pass = LossPass { program, capabilities, prediction, target, step, result };
        let saved = loss.forward(LossPass { program: &mut *pass.program, ..pass });
        if let Some(grad) = grad {
            loss.backward(pass, &saved, grad);
        }
        grad
    }

    /// The target of the loss as its kernels read it: labels as they come from the host, and values as an
    /// activation lies, but in `f32` whatever activations are stored in.
    fn target(&mut self, loss: &dyn Loss, prediction: Activation) -> TensorId {
        let spec = loss.target(prediction.shape);
        let host = self.program.tensor("target", 4 * prediction.batch * spec.len());
        self.io.target = Some(HostTarget { tensor: host, loss: loss.name(), spec });
        let TargetSpec::Values { shape, .. } = spec else { return host };
        let bytes = 16 * Activation { shape, ..prediction }.total_quads();
        let values = Activation { tensor: self.program.tensor("target (NHWC)", bytes), shape, ..prediction };
        self.program.push(nchw_to_nhwc("target", host, values).in_f32());
        values.tensor
    }

    /// A gradient to the output that the host provides.
    pub(super) fn grad_output(&mut self) -> Result<Activation> {
        let shape = self.network.output_shape();
        let host = self.program.host_tensor("grad_output", shape, self.options.batch);
        self.io.grad_output = Some(host);
        let stored = self.program.storage;
        if self.options.optimizer.is_some() && self.options.update.loss_scaling.is_some() {
            // It is scaled before it is stored like activations are.
            self.program.storage = Storage::F32;
        }
        let activation = self.activation("grad_output (NHWC)".into(), self.network.output());
        let converted = self.convert("grad_output", host, activation, false);
        self.program.storage = stored;
        converted.map(|()| activation)
    }

    /// The gradient that the backward pass begins with, where the loss is scaled, or its gradient, which is in f32, not
    /// yet stored as activations are.
    pub(super) fn scale_gradient(
        &mut self,
        gradient: Activation,
        control: Option<TensorId>,
    ) -> Option<Activation> {
        let is_stored = self.options.loss.is_none() || self.program.storage == Storage::F32;
        if is_stored && (control.is_none() || self.options.update.loss_scaling.is_none()) {
            return None;
        }
        let program = &mut self.program;
        let control = control.unwrap_or_else(|| update_control::tensor(program, &UpdateOptions::default()));
        Some(update_control::scale(program, control, gradient))
    }
}

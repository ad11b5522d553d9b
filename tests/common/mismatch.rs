//! What is wrong in the results of a case.

use std::fmt;

use wgcnn::Tensor;

use super::case::{Case, Results};

impl Case {
    /// What `results` lack or have wrong; none if the case passes.
    pub fn mismatches(&self, results: &Results) -> Vec<Mismatch> {
        let compare = |(name, want): (&String, &Tensor)| {
            let got = results.get(name).map_or(&[][..], Vec::as_slice);
            let scale = want.data().iter().fold(0.0, |max: f64, x| max.max(f64::from(x.abs())));
            let relative = if self.terms(name) > 10_000 { 1e-4 } else { 1e-5 };
            Mismatch::find(name, got, want, relative * scale + 1e-6)
        };
        self.wanted.iter().filter_map(compare).collect()
    }

    /// About how many terms the sums have that make up the elements of a wanted tensor.
    fn terms(&self, name: &str) -> usize {
        let per = |tensor: &Tensor, axis: usize| tensor.len() / tensor.nchw()[axis].max(1);
        let weight = self.parameters.get("weight");
        if name.starts_with("grad.param.") {
            self.grad_output.as_ref().map_or(1, |grad| per(grad, 1))
        } else if name.starts_with("grad.input.") {
            weight.map_or(1, |weight| per(weight, 1))
        } else {
            let inputs: usize = self.inputs.iter().map(Tensor::len).sum();
            weight.map_or(inputs / self.wanted[name].len().max(1), |weight| per(weight, 0))
        }
    }
}

/// Where a result is furthest from what was wanted.
pub struct Mismatch {
    name: String,
    message: String,
}

impl Mismatch {
    fn find(name: &str, got: &[f64], want: &Tensor, bound: f64) -> Option<Self> {
        let message = if got.len() == want.len() {
            // NaN counts as further than anything.
            let error = |i: usize| {
                let error = (got[i] - f64::from(want.data()[i])).abs();
                if error.is_nan() { f64::INFINITY } else { error }
            };
            let worst = (0..got.len()).max_by(|a, b| error(*a).total_cmp(&error(*b)))?;
            if error(worst) <= bound {
                return None;
            }
            format!(
                "worst error {:.2e} (allowed {bound:.2e}) at {:?}: got {}, want {}",
                error(worst),
                position(worst, want.shape()),
                got[worst],
                want.data()[worst]
            )
        } else {
            format!("{} elements were computed, {} are wanted", got.len(), want.len())
        };
        Some(Self { name: name.into(), message })
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}

/// The index along each axis of the element at flat index `i`.
fn position(mut i: usize, shape: &[usize]) -> Vec<usize> {
    let mut position: Vec<usize> = shape
        .iter()
        .rev()
        .map(|size| {
            let along = i % size;
            i /= size;
            along
        })
        .collect();
    position.reverse();
    position
}

//! What the f64 reference wants of a case, and how far rounding may take a result in f32 from it: the same rule for
//! every operator, loss and optimizer.

use std::fmt;

use wgcnn::Tensor;
use wgcnn::ops::registry::Entry;

use super::case::{Case, Results};
use super::{bound, reference};

/// How far a number is moved to see what depends on it, relative to itself.
const STEP: f32 = 1.0 / 1024.0;

/// What is wanted of a case's results, and how far each element may be off.
pub struct Oracle {
    wanted: Results,
    bounds: Vec<Vec<f64>>,
}

impl Oracle {
    /// Asks the reference.
    ///
    /// A result y of K numbers xᵢ has the condition M = |y| + Σ |xᵢ · ∂y/∂xᵢ|: that is how far a rounding of each of
    /// them takes it, in units of a rounding (Higham 2002, Accuracy and Stability of Numerical Algorithms, §1.6). The
    /// bound is that of a sum of K + 1 terms of magnitude M; for a sum of products a·b, M is |y| + 2 · Σ |a·b|. To it
    /// come some roundings of a number as large as the largest input, or for a gradient the largest that arrives: a
    /// function that is flat there may still be computed in steps that are not, like 1 − y² where y is nearly 1, or
    /// quotients that cancel. WGSL grants each division 2.5 ULP, which are five roundings.
    ///
    /// # Errors
    /// What the operator refuses.
    pub fn of(case: &Case, entry: &Entry) -> Result<Self, String> {
        let wanted = reference::run(case, entry)?;
        let conditions = |(name, values): (&String, &Vec<f64>)| -> Vec<Condition> {
            let entering = if name.starts_with("grad.") { arriving(case) } else { largest(&case.inputs) };
            values.iter().map(|y| Condition::of(*y, entering)).collect()
        };
        let mut conditions: Vec<_> = wanted.iter().map(conditions).collect();
        let mut case = case.clone();
        for tensor in 0..tensors(&mut case).len() {
            for element in 0..tensors(&mut case)[tensor].len() {
                let x = tensors(&mut case)[tensor].data()[element];
                let moved = x * (1.0 + STEP);
                if moved == x {
                    continue;
                }
                tensors(&mut case)[tensor].data_mut()[element] = moved;
                let results = reference::run(&case, entry)?;
                tensors(&mut case)[tensor].data_mut()[element] = x;
                let step = f64::from(moved) / f64::from(x) - 1.0;
                for ((from, to), conditions) in wanted.values().zip(results.values()).zip(&mut conditions) {
                    for ((from, to), condition) in from.iter().zip(to).zip(conditions) {
                        condition.depend((to - from) / step);
                    }
                }
            }
        }
        let bounds = conditions.iter().map(|conditions| conditions.iter().map(Condition::bound).collect());
        Ok(Self { wanted, bounds: bounds.collect() })
    }

    /// Whether all that is wanted is a number.
    pub fn is_finite(&self) -> bool {
        self.wanted.values().flatten().all(|value| value.is_finite())
    }

    /// Which element of `got` is furthest off, as a share of its bound.
    ///
    /// # Errors
    /// Names a result that is missing or has another number of elements.
    pub fn worst(&self, got: &Results) -> Result<Worst, String> {
        let mut worst = Worst::default();
        for ((name, wanted), bounds) in self.wanted.iter().zip(&self.bounds) {
            let got = got.get(name).ok_or_else(|| format!("{name} was not computed"))?;
            if got.len() != wanted.len() {
                return Err(format!("{name} has {} elements, not {}", got.len(), wanted.len()));
            }
            for (at, ((got, wanted), bound)) in got.iter().zip(wanted).zip(bounds).enumerate() {
                let other = Worst { name: name.clone(), at, got: *got, wanted: *wanted, bound: *bound };
                if other.share() > worst.share() {
                    worst = other;
                }
            }
        }
        Ok(worst)
    }
}

/// The tensors of a case that are not its results.
fn tensors(case: &mut Case) -> Vec<&mut Tensor> {
    case.inputs.iter_mut().chain(case.parameters.values_mut()).chain(&mut case.grad_output).collect()
}

/// The largest magnitude of a gradient that arrives; a loss starts from 1.
fn arriving(case: &Case) -> f64 {
    case.grad_output.as_ref().map_or(1.0, |grad| largest([grad]))
}

fn largest<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) -> f64 {
    tensors.into_iter().flat_map(Tensor::data).fold(0.0, |largest, x| largest.max(f64::from(x.abs())))
}

/// How a result depends on what it is made of.
struct Condition {
    terms: f64,
    magnitude: f64,
    /// The largest number that enters.
    entering: f64,
    /// A dependence that is no more than the rounding of f64.
    nothing: f64,
}

impl Condition {
    fn of(y: f64, entering: f64) -> Self {
        Self { terms: 1.0, magnitude: y.abs(), entering, nothing: 1e-9 * y.abs() }
    }

    fn depend(&mut self, derivative: f64) {
        if derivative.abs() > self.nothing {
            self.terms += 1.0;
            self.magnitude += derivative.abs();
        }
    }

    fn bound(&self) -> f64 {
        bound::of_sum(self.terms, self.magnitude) + bound::of_units(16.0, self.entering)
    }
}

/// The element that is furthest off.
#[derive(Default)]
pub struct Worst {
    name: String,
    at: usize,
    got: f64,
    wanted: f64,
    bound: f64,
}

impl Worst {
    /// The error as a share of the bound: more than 1 is wrong. NaN is further off than anything.
    pub fn share(&self) -> f64 {
        let error = (self.got - self.wanted).abs();
        match error {
            0.0 => 0.0,
            _ if error.is_nan() => f64::INFINITY,
            _ => error / self.bound,
        }
    }
}

impl fmt::Display for Worst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, at, got, wanted, bound } = self;
        let error = (got - wanted).abs();
        write!(f, "{name} at {at} is {got}, not {wanted}: {error:.2e} off, allowed {bound:.2e}")
    }
}

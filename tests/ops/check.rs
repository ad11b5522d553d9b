//! An operator on the GPU against the f64 reference: its output and all its gradients.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use wgcnn::Tensor;
use wgcnn::gpu::{Capabilities, Context};
use wgcnn::network::Network;
use wgcnn::ops::registry::{Attributes, FromAttributes};
use wgcnn::ops::{Choices, Conv2d, Operator, Refusal, StepState};
use wgcnn::reference::{self, Pass, Precision};
use wgcnn::schedule::{Plan, PlanOptions};
use wgcnn::shape::Shape;

use crate::common::case::Results;
use crate::common::differences::{self, TOLERANCE, spread};
use crate::common::{bound, gpu};
use crate::contexts::contexts;

/// How an output or a gradient comes about, and with it how far it may be off.
#[derive(Clone, Copy)]
pub enum Rounding {
    /// Elements are only moved, chosen or zeroed.
    Exact,
    /// A sum of products of inputs, parameters and arriving gradients. How many there are is what the reference
    /// gives where all of them are 1; their magnitude is what it gives for absolute values.
    Sum,
    /// A sum of at most so many products, whose magnitude is as in [`Sum`](Self::Sum).
    SumOf(usize),
    /// Linear in the arriving gradient alone, and off by so many roundings of what it would be were all of that
    /// positive.
    Units(f64),
    /// Off by so many roundings of the tensor's largest element: what depends on statistics of many elements, or is a
    /// difference of what may be as large.
    OfLargest(f64),
}

/// The tensors of a pass by their names in `gpu::differentiate`.
type Named = BTreeMap<String, Tensor<f64>>;

/// What becomes of each number. As a trait object, as are others here: for every caller anew, the checks would take
/// most of the time in which the tests compile.
type Change<'a> = &'a dyn Fn(f64) -> f64;

/// The most elements of inputs and parameters for which differences are computed as well.
const FEW: usize = 250;

/// Pairs of NCHW shapes of which one is repeated along some axes, or each along others; the last needs a split sum.
pub const BROADCASTS: [[[usize; 4]; 2]; 8] = [
    [[2, 3, 4, 5], [2, 3, 1, 1]],
    [[2, 17, 1, 1], [2, 17, 2, 3]],
    [[3, 5, 3, 4], [3, 1, 1, 1]],
    [[1, 1, 5, 3], [1, 6, 5, 3]],
    [[2, 5, 1, 4], [2, 1, 3, 1]],
    [[1, 4, 2, 1], [1, 4, 2, 7]],
    [[2, 3, 1, 1], [2, 1, 1, 1]],
    [[1, 1, 1, 1], [1, 5, 67, 61]],
];

/// What a JSON object of attributes says.
pub fn attributes<O: FromAttributes>(json: &str) -> Result<O, Refusal> {
    O::from_attributes(&Attributes::from_json(json)?)
}

/// Checks an operator on inputs of these NCHW shapes, on every variant of its kernels: output and gradients against
/// the reference, and where there are few elements also against differences of the reference's forward pass.
pub fn check(
    operator: impl Operator + 'static,
    inputs: &[[usize; 4]],
    output: Rounding,
    gradients: Rounding,
) {
    check_pass(operator, inputs, output, gradients, training(inputs[0][0]));
}

/// [`check`] in a pass of another kind than a training step with a full batch.
pub fn check_pass(
    operator: impl Operator + 'static,
    inputs: &[[usize; 4]],
    output: Rounding,
    gradients: Rounding,
    pass: Pass,
) {
    let subject = Subject::new(operator, inputs, pass);
    let capabilities = contexts()[0].capabilities();
    subject.check(output, gradients, capabilities, &subject.representatives(capabilities));
}

/// [`check`] of sums, on all tiles in workgroup memory.
pub fn check_tiles(operator: impl Operator + 'static, inputs: &[[usize; 4]]) {
    let subject = Subject::new(operator, inputs, training(inputs[0][0]));
    let here = contexts()[0].capabilities();
    subject.check(Rounding::Sum, Rounding::Sum, here, &subject.variants(here, |_| false));
}

/// [`check`] on what a GPU would take.
pub fn check_as_gpu(
    operator: impl Operator + 'static,
    inputs: &[[usize; 4]],
    output: Rounding,
    gradients: Rounding,
) {
    let subject = Subject::new(operator, inputs, training(inputs[0][0]));
    let here = contexts()[0].capabilities().clone();
    let gpu = Capabilities { software: false, subgroup_size: None, ..here };
    subject.check(output, gradients, &gpu, &[Choices::default()]);
}

/// [`check`] of sums, by the kernels as they stand: on processors others read words of 64 bits.
pub fn check_in_vectors(operator: impl Operator + 'static, inputs: &[[usize; 4]]) {
    let subject = Subject::new(operator, inputs, training(inputs[0][0]));
    let narrow = Capabilities { shader_int64: false, ..contexts()[0].capabilities().clone() };
    subject.check(Rounding::Sum, Rounding::Sum, &narrow, &subject.representatives(&narrow));
}

/// Checks an operator between two convolutions, which read what it writes and write what it reads, on an input of this
/// NCHW shape.
pub fn check_within(operator: impl Operator + 'static, input: [usize; 4]) {
    check_network(between_convolutions(operator, input), input[0]);
}

/// [`check_within`] on every variant of the kernels.
pub fn check_variants_within(operator: impl Operator + 'static, input: [usize; 4]) {
    check_variants(between_convolutions(operator, input), input[0]);
}

fn between_convolutions(
    operator: impl Operator + 'static,
    [_, channels, height, width]: [usize; 4],
) -> Network {
    let before = Network::builder([3, height, width]).conv2d("before", Conv2d::new(channels, 1));
    before.layer("subject", operator).conv2d("after", Conv2d::new(5, 1)).build().unwrap()
}

/// Checks a whole network's output and gradients; each may be off by 10⁻⁵ of its largest element.
pub fn check_network(network: Network, batch: usize) {
    let subject = Subject::of(format!("{:?}", network.nodes()), network, batch, training(batch));
    subject.check_near(&[Choices::default()]);
}

/// [`check_network`] on every variant of the kernels.
pub fn check_variants(network: Network, batch: usize) {
    let subject = Subject::of(format!("{:?}", network.nodes()), network, batch, training(batch));
    subject.check_near(&subject.representatives(contexts()[0].capabilities()));
}

/// How far a network's results may be off, relative to their largest element.
const OF_NETWORK: f64 = 1e-5;

/// The same of a network that nobody chose, and of its output outside training, where layers are joined that a backward
/// pass keeps apart.
pub fn check_stable(network: Network, batch: usize, contexts: &[Context]) -> TestCaseResult {
    let name = format!("{:?}", network.nodes());
    let subject = Subject::of(name, network, batch, training(batch));
    subject.check_stable(contexts)?;
    let name = format!("outside training, {}", subject.name);
    Subject { name, grad_output: None, pass: Pass::default(), ..subject }.check_stable(contexts)
}

/// Checks that every element is within its bound; NaN never is.
pub fn close(what: &str, got: &[f64], wanted: &[f64], bound: impl Fn(usize) -> f64) {
    close_within(what, got, wanted, &bound);
}

fn close_within(what: &str, got: &[f64], wanted: &[f64], bound: &dyn Fn(usize) -> f64) {
    assert_eq!(got.len(), wanted.len(), "{what}: number of elements");
    for (i, (got, wanted)) in got.iter().zip(wanted).enumerate() {
        let (error, bound) = ((got - wanted).abs(), bound(i));
        assert!(error <= bound, "{what} at {i} is {got}, not {wanted}: {error:.2e} off, allowed {bound:.2e}");
    }
}

/// A training step whose batch of `samples` is full.
pub fn training(samples: usize) -> Pass {
    Pass { training: true, stream: 0, step: StepState::new(0, 0, samples, 0.0) }
}

/// The magnitude of the largest element.
fn largest(tensor: &Tensor<f64>) -> f64 {
    tensor.data().iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

/// A network with all that goes into a forward and a backward pass.
struct Subject {
    name: String,
    network: Network,
    inputs: Vec<Tensor>,
    /// The gradient that arrives; none where there is no backward pass.
    grad_output: Option<Tensor>,
    pass: Pass,
}

impl Subject {
    fn new(operator: impl Operator + 'static, inputs: &[[usize; 4]], pass: Pass) -> Self {
        Self::of_operator(Arc::new(operator), inputs, pass)
    }

    fn of_operator(operator: Arc<dyn Operator>, inputs: &[[usize; 4]], pass: Pass) -> Self {
        let name = format!("{operator:?} on {inputs:?}");
        let shapes: Vec<_> = inputs.iter().map(|[_, c, h, w]| Shape::new(*c, *h, *w)).collect();
        let network =
            Network::from_operator(operator, &shapes).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self::of(name, network, inputs[0][0], pass)
    }

    fn of(name: String, mut network: Network, batch: usize, pass: Pass) -> Self {
        for (i, parameter) in (100..).zip(network.clone().parameters()) {
            let value = spread(&parameter.spec.shape, i);
            // A variance is not negative.
            let value = if parameter.spec.buffer { value.map(f32::abs) } else { value };
            network.set_parameter(&parameter.name, value).unwrap();
        }
        let input = |(i, input)| spread(&network.shape(input).nchw(batch), i);
        let inputs = (0..).zip(network.inputs().iter().copied()).map(input).collect();
        let grad_output = Some(spread(&network.output_shape().nchw(batch), 200));
        Self { name, network, inputs, grad_output, pass }
    }

    /// What the reference gives.
    fn wanted(&self) -> Named {
        self.reference(&|x| x, &|grad| grad)
    }

    /// What the reference gives where inputs and parameters are changed by one function and the arriving gradient by
    /// another.
    fn reference(&self, change: Change<'_>, change_grad: Change<'_>) -> Named {
        self.reference_in::<f64>(change, change_grad)
    }

    /// [`reference`](Self::reference) in some arithmetic.
    fn reference_in<T: Precision>(&self, change: Change<'_>, change_grad: Change<'_>) -> Named {
        let (network, pass) = (&self.network, &self.pass);
        let [inputs, mut parameters] = self.doubles().map(|tensors| -> Vec<Tensor<T>> {
            tensors.iter().map(|tensor| tensor.map(|x| T::of(change(x)))).collect()
        });
        let mut values = reference::forward(network, &parameters, &inputs, pass).unwrap();
        let mut named = Named::new();
        if let Some(grad_output) = &self.grad_output {
            let grad_output = grad_output.map(|grad| T::of(change_grad(grad.into())));
            let gradients = reference::backward(network, &parameters, &values, &grad_output, pass).unwrap();
            let gradients = gradients.inputs.into_iter().chain(gradients.parameters);
            named = self.named(gradients.map(|gradient| gradient.map(T::f64)));
        }
        reference::update_buffers(network, &mut parameters, &values, pass).unwrap();
        for (parameter, value) in network.parameters().iter().zip(parameters) {
            if parameter.spec.buffer {
                named.insert(format!("output.{}", parameter.name), value.map(T::f64));
            }
        }
        named.insert("output".into(), values.swap_remove(network.output().0).map(T::f64));
        named
    }

    /// Checks what the kernels give against the reference, by plans for a device of such capabilities with each of these
    /// choices.
    fn check(&self, output: Rounding, gradients: Rounding, capabilities: &Capabilities, ways: &[Choices]) {
        let wanted = self.wanted();
        let absolute = self.reference(&f64::abs, &f64::abs);
        let counts = self.reference(&|_| 1.0, &|_| 1.0);
        let positive = self.reference(&|x| x, &f64::abs);
        let largest: BTreeMap<_, _> =
            wanted.iter().map(|(name, tensor)| (name.as_str(), largest(tensor))).collect();
        let bound = |name: &str, i: usize| {
            let rounding = if name.starts_with("output") { output } else { gradients };
            match rounding {
                Rounding::Exact => 0.0,
                Rounding::Sum => bound::of_sum(counts[name].data()[i], absolute[name].data()[i]),
                Rounding::SumOf(terms) => bound::of_sum(terms as f64, absolute[name].data()[i]),
                Rounding::Units(units) => bound::of_units(units, positive[name].data()[i].abs()),
                Rounding::OfLargest(units) => bound::of_units(units, largest[name]),
            }
        };
        let numeric = self.differences();
        let context = &contexts()[0];
        for choices in ways {
            let got = self.gpu_by(context, capabilities, choices);
            let on = format!("{} by {:?}", self.name, choices.iter().next().map(|(_, name)| name));
            assert!(got.keys().eq(wanted.keys()), "{on}: {:?}", got.keys());
            for (name, wanted) in &wanted {
                close(&format!("{on}: {name}"), &got[name], wanted.data(), |i| bound(name, i));
            }
            for (name, numeric) in numeric.iter().flatten() {
                let bound = |i| bound(name, i) + TOLERANCE * largest[name.as_str()].max(1.0);
                close(&format!("{on}: {name} by differences"), &got[name], numeric.data(), bound);
            }
        }
    }

    /// Checks what the kernels of these choices give, where each result may be off by so much of its largest element.
    fn check_near(&self, ways: &[Choices]) {
        let wanted = self.wanted();
        let context = &contexts()[0];
        for choices in ways {
            let got = self.gpu_by(context, context.capabilities(), choices);
            for (name, wanted) in &wanted {
                let bound = OF_NETWORK * largest(wanted) + 1e-6;
                close(&format!("{}: {name}", self.name), &got[name], wanted.data(), |_| bound);
            }
        }
    }

    /// Checks each result, which may be off as those of [`check_network`]. It does not count where the reference is a
    /// quarter as far off if numbers are moved by some of their roundings, or in f32: where the network multiplies errors,
    /// where a maximum would change hands, or where a gradient is a small sum of large ones.
    fn check_stable(&self, contexts: &[Context]) -> TestCaseResult {
        let wanted = self.wanted();
        // Up or down, as chance will have it.
        let moved = |x: f64| {
            if x.to_bits().count_ones().is_multiple_of(2) { x * (1.0 + 1e-6) } else { x * (1.0 - 1e-6) }
        };
        for other in [self.reference(&moved, &|grad| grad), self.reference_in::<f32>(&|x| x, &|grad| grad)] {
            for (name, wanted) in &wanted {
                let bound = OF_NETWORK / 4.0 * largest(wanted);
                let near = |(wanted, other): (&f64, &f64)| (wanted - other).abs() <= bound;
                prop_assume!(wanted.data().iter().zip(other[name].data()).all(near));
            }
        }
        for context in contexts {
            let got = self.gpu(context);
            for (name, wanted) in &wanted {
                let bound = OF_NETWORK * largest(wanted) + 1e-6;
                for (at, (got, wanted)) in got[name].iter().zip(wanted.data()).enumerate() {
                    let off = (got - wanted).abs();
                    let name = format!("{}: {name}", self.name);
                    prop_assert!(off <= bound, "{name} at {at} is {got}, not {wanted}: allowed {bound:.2e}");
                }
            }
        }
        Ok(())
    }

    /// What the kernels give.
    fn gpu(&self, context: &Context) -> Results {
        self.gpu_by(context, context.capabilities(), &Choices::default())
    }

    /// What chosen variants of the kernels give, by a plan for a device that can do what `capabilities` say.
    fn gpu_by(&self, context: &Context, capabilities: &Capabilities, choices: &Choices) -> Results {
        let inputs: Vec<&Tensor> = self.inputs.iter().collect();
        let by = |options| PlanOptions { choices: Some(choices), ..options };
        let (network, grad_output, pass) = (&self.network, self.grad_output.as_ref(), &self.pass);
        gpu::differentiate_for(context, capabilities, network, &inputs, grad_output, pass, by).unwrap()
    }

    /// What is taken without a choice, and for the name of each further variant the choice of it wherever there is one.
    /// A variant is skipped where a function says so of its name.
    fn variants(&self, capabilities: &Capabilities, skip: impl Fn(&str) -> bool) -> Vec<Choices> {
        let options = PlanOptions::gradients(self.inputs[0].nchw()[0]);
        let plan = Plan::new(&self.network, &options, capabilities).unwrap();
        let mut named: BTreeMap<String, Choices> = BTreeMap::new();
        for problem in &plan.program().problems {
            let names = problem.candidates(capabilities);
            for (i, name) in names.iter().enumerate().skip(1).filter(|(_, name)| !skip(name)) {
                named.entry(name.clone()).or_default().set(problem.key(), names[i].clone());
            }
        }
        std::iter::once(Choices::default()).chain(named.into_values()).collect()
    }

    /// [`variants`](Self::variants) of every kernel but those with tiles in workgroup memory, which take seconds to compile.
    /// They are what is taken without a choice where there are no subgroups; of those that differ in size alone the
    /// smallest is tried there too.
    fn representatives(&self, capabilities: &Capabilities) -> Vec<Choices> {
        let has_subgroups = capabilities.subgroup_size.is_some();
        self.variants(capabilities, |name| {
            name.contains("tiled_") && (has_subgroups || !name.ends_with("tiled_32x32"))
        })
    }

    /// The gradients by differences, where there are few enough elements.
    fn differences(&self) -> Option<Named> {
        let [inputs, parameters] = self.doubles();
        let elements: usize = inputs.iter().chain(&parameters).map(Tensor::len).sum();
        let grad_output = self.grad_output.as_ref().filter(|_| elements <= FEW);
        grad_output.map(|grad_output| {
            let grad_output = grad_output.map(f64::from);
            let gradients =
                differences::gradients(&self.network, &inputs, &parameters, &grad_output, &self.pass);
            self.named(gradients)
        })
    }

    /// The inputs and the parameters.
    fn doubles(&self) -> [Vec<Tensor<f64>>; 2] {
        let inputs = self.inputs.iter().map(|input| input.map(f64::from)).collect();
        [inputs, reference::parameters(&self.network)]
    }

    /// Gradients to the inputs and then the parameters, with their names. Buffers have none.
    fn named(&self, gradients: impl IntoIterator<Item = Tensor<f64>>) -> Named {
        let inputs = (0..self.inputs.len()).map(|i| (false, format!("grad.input.{i}")));
        let parameters = self.network.parameters().iter();
        let parameters = parameters.map(|p| (p.spec.buffer, format!("grad.param.{}", p.name)));
        let named = inputs.chain(parameters).zip(gradients).filter(|((is_buffer, _), _)| !is_buffer);
        named.map(|((_, name), gradient)| (name, gradient)).collect()
    }
}

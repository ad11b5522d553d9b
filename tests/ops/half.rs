//! Activations in half precision: the conversion itself, and an operator's cases.

use std::sync::{Arc, OnceLock};

use half::f16;
use wgcnn::Tensor;
use wgcnn::gpu::Context;
use wgcnn::network::Network;
use wgcnn::ops::registry::{Build, Entry};
use wgcnn::ops::{Choices, Dropout, Operator};
use wgcnn::reference::{self, Pass};
use wgcnn::schedule::PlanOptions;
use wgcnn::shape::Shape;

use crate::check::close;
use crate::common::case::Case;
use crate::common::gpu;
use crate::cooperative;

/// Half the distance from 1 to the next f16: what storing a value may change it by, relative to it.
pub const UNIT: f64 = 1.0 / (1 << 11) as f64;

/// How many of them an output or a gradient may be off by, relative to its largest element: it is rounded once, and
/// what it is computed from (an output from which a derivative follows) once before. A logarithm's error becomes
/// one relative to its exponential.
pub const UNITS: f64 = 8.0;

/// With activations in half precision.
pub fn in_half(options: PlanOptions<'_>) -> PlanOptions<'_> {
    PlanOptions { half: true, ..options }
}

/// A context for each variant of the conversion: by the type `f16` where the adapter has it, and by packing.
pub fn contexts() -> &'static [Context] {
    static CONTEXTS: OnceLock<Vec<Context>> = OnceLock::new();
    CONTEXTS.get_or_init(|| {
        let builder = || Context::builder().poison(true).cooperative_matrices(true);
        let context = |f16: bool| builder().shader_f16(f16).build().unwrap();
        let (native, packed) = (context(true), context(false));
        if native.capabilities().shader_f16 { vec![native, packed] } else { vec![packed] }
    })
}

/// Storing rounds to the nearest, keeps NaN, and makes infinite what is too large, so that an overflow is seen.
#[test]
fn storing_is_what_ieee_754_says() {
    let mut values: Vec<f32> =
        vec![0.0, -0.0, 1.0, 65_504.0, 65_519.0, 65_520.0, 1e9, f32::INFINITY, f32::NAN];
    values.extend((0..200).map(|i| (i as f32 * 0.731).sin() * 2f32.powi(i % 30 - 14)));
    // Halfway between two f16, to even, and just beside it.
    values.extend([2049.0, 2051.0, 2049.001, 2048.999].map(|x: f32| x / 1024.0));
    // The same below 2^-14, where f16 has fewer bits, and around half of its least number.
    let least = 2f32.powi(-24);
    values.extend(
        [0.499, 0.5, 0.501, 0.7, 1.0, 1.5, 2.5, 2.501, 700.5, 701.5, 1022.5, 1023.5].map(|x| x * least),
    );
    let values: Vec<f32> = values.iter().flat_map(|x| [*x, -*x]).collect();
    let input = Tensor::new([1, values.len(), 1, 1], values.clone()).unwrap();
    let identity: Arc<dyn Operator> = Arc::new(Dropout::new(0.0));
    let network = Network::from_operator(identity, &[Shape::features(values.len())]).unwrap();
    for context in contexts() {
        let stored =
            gpu::differentiate_as(context, &network, &[&input], None, &Pass::default(), in_half).unwrap();
        for (value, got) in values.iter().zip(&stored["output"]) {
            let wanted = f16::from_f32(*value).to_f64();
            let same = wanted == *got || (wanted.is_nan() && got.is_nan());
            assert!(same, "{value} is stored as {got}, not {wanted}, on {}", context.description());
        }
    }
}

/// The most cases of one operator: each is a pipeline or more.
const CASES: usize = 3;

/// Checks some of an operator's cases, with inputs that f16 can hold. A loss and an optimizer keep to f32.
pub fn check_cases(entry: &Entry, cases: &[&Case]) {
    let Build::Operator(build) = entry.build else { return };
    for case in cases.iter().step_by(cases.len().div_ceil(CASES).max(1)) {
        check(case, build(&case.attributes).unwrap());
    }
}

fn check(case: &Case, operator: Box<dyn Operator>) {
    let held = |tensor: &Tensor| tensor.map(|x| f16::from_f32(x).to_f32());
    let inputs: Vec<Tensor> = case.inputs.iter().map(held).collect();
    let grad_output = held(case.grad_output.as_ref().unwrap());
    let shapes: Vec<Shape> = inputs
        .iter()
        .map(|input| {
            let [_, channels, height, width] = input.nchw();
            Shape::new(channels, height, width)
        })
        .collect();
    let name = operator.name();
    let mut network = Network::from_operator(operator, &shapes).unwrap();
    for (parameter, value) in &case.parameters {
        network.set_parameter(&format!("{name}.{parameter}"), value.clone()).unwrap();
    }
    let nchw = |tensor: &Tensor| tensor.map(f64::from).reshape(tensor.nchw()).unwrap();
    let doubles: Vec<Tensor<f64>> = inputs.iter().map(nchw).collect();
    let parameters = reference::parameters(&network);
    let pass = case.pass();
    let (output, gradients) =
        reference::vjp(&network, &parameters, &doubles, &nchw(&grad_output), &pass).unwrap();
    let inputs: Vec<&Tensor> = inputs.iter().collect();
    // By what is taken without a choice, and by matrix units where there are any.
    let runs = contexts().iter().flat_map(|context| {
        let units = cooperative::choices(&network, inputs[0].nchw()[0], context);
        std::iter::once(Choices::default()).chain(units).map(move |choices| (context, choices))
    });
    for (context, choices) in runs {
        let by = |options| in_half(PlanOptions { choices: Some(&choices), ..options });
        let got = gpu::differentiate_as(context, &network, &inputs, Some(&grad_output), &pass, by).unwrap();
        let near = |what: &str, wanted: &Tensor<f64>| {
            let largest = wanted.data().iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
            let variant = choices.iter().next().map(|(_, name)| name);
            let label = format!("{} in half precision by {variant:?}: {what}", case.name);
            close(&label, &got[what], wanted.data(), |_| UNITS * UNIT * largest + 1e-6);
        };
        near("output", &output);
        for (i, wanted) in gradients.inputs.iter().enumerate() {
            near(&format!("grad.input.{i}"), wanted);
        }
        for (parameter, wanted) in network.parameters().iter().zip(&gradients.parameters) {
            if !parameter.spec.buffer {
                near(&format!("grad.param.{}", parameter.name), wanted);
            }
        }
    }
}

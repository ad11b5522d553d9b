//! Operators that the crate does not know, as an application could write them.

use wgcnn::Tensor;
use wgcnn::network::Init;
use wgcnn::ops::program::TensorId;
use wgcnn::ops::{Backward, Cost, Forward, Operator, ParameterSpec, Refusal};
use wgcnn::reference::{Gradients, Pass, Real, Twin};
use wgcnn::shape::Shape;

/// `y = weight[0] · x[0] + weight[1] · x[1] + ...` over inputs of one shape.
#[derive(Debug)]
pub struct Blend;

impl Operator for Blend {
    fn name(&self) -> &'static str {
        "blend"
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        match inputs {
            [first, rest @ ..] if rest.iter().all(|shape| shape == first) => Ok(*first),
            _ => Err("the inputs must have one shape".into()),
        }
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        vec![ParameterSpec::vector("weight", inputs.len(), Init::KaimingUniform)]
    }

    fn cost(&self, inputs: &[Shape], output: Shape) -> Cost {
        Cost { flops: (2 * inputs.len() * output.len()) as u64 }
    }

    fn forward(&self, _: Forward<'_>) -> Vec<TensorId> {
        unreachable!("the tests of this folder plan nothing for a GPU")
    }

    fn backward(&self, _: Backward<'_>) {
        unreachable!("the tests of this folder plan nothing for a GPU")
    }
}

impl<T: Real> Twin<T> for Blend {
    fn forward(&self, inputs: &[&Tensor<T>], parameters: &[&Tensor<T>], _: &Pass) -> Tensor<T> {
        let mut output = Tensor::zeros(inputs[0].shape());
        for (input, weight) in inputs.iter().zip(parameters[0].data()) {
            for (y, x) in output.data_mut().iter_mut().zip(input.data()) {
                *y += *weight * *x;
            }
        }
        output
    }

    fn backward(
        &self,
        inputs: &[&Tensor<T>],
        parameters: &[&Tensor<T>],
        _output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _: &Pass,
    ) -> Gradients<T> {
        let weights = parameters[0].data();
        let dot = |input: &&Tensor<T>| {
            let products = input.data().iter().zip(grad_output.data()).map(|(x, g)| *x * *g);
            products.fold(T::default(), |sum, product| sum + product)
        };
        let grad_weight = inputs.iter().map(dot).collect();
        Gradients {
            inputs: weights.iter().map(|weight| grad_output.map(|g| g * *weight)).collect(),
            parameters: vec![Tensor::new([inputs.len()], grad_weight).unwrap()],
        }
    }
}

/// Claims any shape of output and of one parameter; never run.
#[derive(Debug, Clone)]
pub struct Claims {
    pub output: Shape,
    pub weight: Vec<usize>,
}

impl Operator for Claims {
    fn name(&self) -> &'static str {
        "claims"
    }

    fn output_shape(&self, _: &[Shape]) -> Result<Shape, Refusal> {
        Ok(self.output)
    }

    fn parameters(&self, _: &[Shape]) -> Vec<ParameterSpec> {
        vec![ParameterSpec::weight(self.weight.clone(), Init::Constant(0.0))]
    }

    fn cost(&self, _: &[Shape], _: Shape) -> Cost {
        Cost::default()
    }

    fn forward(&self, _: Forward<'_>) -> Vec<TensorId> {
        unreachable!("the tests of this folder plan nothing for a GPU")
    }

    fn backward(&self, _: Backward<'_>) {
        unreachable!("the tests of this folder plan nothing for a GPU")
    }
}

impl<T: Real> Twin<T> for Claims {
    fn forward(&self, _: &[&Tensor<T>], _: &[&Tensor<T>], _: &Pass) -> Tensor<T> {
        unreachable!("it only claims")
    }

    fn backward(
        &self,
        _: &[&Tensor<T>],
        _: &[&Tensor<T>],
        _: &Tensor<T>,
        _: &Tensor<T>,
        _: &Pass,
    ) -> Gradients<T> {
        unreachable!("it only claims")
    }
}

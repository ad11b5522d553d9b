//! Elements of a convolution and of its gradients, each as the plain sum that it is.

use wgcnn::Tensor;
use wgcnn::ops::registry::{Build, Entry};
use wgcnn::shape::{Geometry, Shape};

use super::super::common::case::Case;

/// A sum of products in f64, with what its error may be measured by.
#[derive(Default)]
pub struct Sum {
    pub value: f64,
    /// The sum of the products' magnitudes.
    pub magnitude: f64,
    pub terms: f64,
}

impl Sum {
    fn add(&mut self, a: f32, b: f32) {
        let product = f64::from(a) * f64::from(b);
        self.value += product;
        self.magnitude += product.abs();
        self.terms += 1.0;
    }
}

/// A convolution and its gradients, element by element.
pub struct Convolution<'a> {
    geometry: Geometry,
    groups: usize,
    input: &'a Tensor,
    weight: &'a Tensor,
    bias: Option<&'a Tensor>,
    grad_output: &'a Tensor,
}

impl<'a> Convolution<'a> {
    /// The convolution of a case, if it is of one.
    pub fn of(case: &'a Case, entry: &Entry) -> Option<Self> {
        let Build::Operator(build) = entry.build else { return None };
        if entry.name != "conv2d" {
            return None;
        }
        let input = &case.inputs[0];
        let [_, channels, height, width] = input.nchw();
        let geometry = build(&case.attributes).ok()?.geometry(&[Shape::new(channels, height, width)])?;
        let weight = case.parameters.get("weight")?;
        Some(Self {
            geometry,
            groups: channels / weight.nchw()[1],
            input,
            weight,
            bias: case.parameters.get("bias"),
            grad_output: case.grad_output.as_ref()?,
        })
    }

    /// An element of the output.
    pub fn output(&self, at: usize) -> Sum {
        let [n, out, y, x] = position(at, self.grad_output);
        let [outputs, per_group, kernel_height, kernel_width] = self.weight.nchw();
        let first = out / (outputs / self.groups) * per_group;
        let mut sum = Sum::default();
        for channel in 0..per_group {
            for ky in 0..kernel_height {
                for kx in 0..kernel_width {
                    let place = (self.geometry.row(y, ky), self.geometry.column(x, kx));
                    if let (Some(row), Some(column)) = place {
                        let pixel = element(self.input, [n, first + channel, row, column]);
                        sum.add(pixel, element(self.weight, [out, channel, ky, kx]));
                    }
                }
            }
        }
        if let Some(bias) = self.bias {
            sum.add(bias.data()[out], 1.0);
        }
        sum
    }

    /// An element of the gradient to the input.
    pub fn grad_input(&self, at: usize) -> Sum {
        let [n, channel, row, column] = position(at, self.input);
        let [outputs, per_group, kernel_height, kernel_width] = self.weight.nchw();
        let (group, channel) = (channel / per_group, channel % per_group);
        let [_, _, height, width] = self.grad_output.nchw();
        let mut sum = Sum::default();
        for ky in 0..kernel_height {
            for y in (0..height).filter(|y| self.geometry.row(*y, ky) == Some(row)) {
                for kx in 0..kernel_width {
                    for x in (0..width).filter(|x| self.geometry.column(*x, kx) == Some(column)) {
                        for out in (0..outputs / self.groups).map(|o| group * (outputs / self.groups) + o) {
                            let grad = element(self.grad_output, [n, out, y, x]);
                            sum.add(grad, element(self.weight, [out, channel, ky, kx]));
                        }
                    }
                }
            }
        }
        sum
    }

    /// An element of the gradient to the weight.
    pub fn grad_weight(&self, at: usize) -> Sum {
        let [out, channel, ky, kx] = position(at, self.weight);
        let [outputs, per_group, ..] = self.weight.nchw();
        let channel = out / (outputs / self.groups) * per_group + channel;
        let [batch, _, height, width] = self.grad_output.nchw();
        let mut sum = Sum::default();
        for n in 0..batch {
            for y in 0..height {
                for x in 0..width {
                    let place = (self.geometry.row(y, ky), self.geometry.column(x, kx));
                    if let (Some(row), Some(column)) = place {
                        let grad = element(self.grad_output, [n, out, y, x]);
                        sum.add(grad, element(self.input, [n, channel, row, column]));
                    }
                }
            }
        }
        sum
    }

    /// An element of the gradient to the bias.
    pub fn grad_bias(&self, out: usize) -> Sum {
        let [batch, _, height, width] = self.grad_output.nchw();
        let mut sum = Sum::default();
        for n in 0..batch {
            for y in 0..height {
                (0..width).for_each(|x| sum.add(element(self.grad_output, [n, out, y, x]), 1.0));
            }
        }
        sum
    }
}

/// The four indices of a tensor's element.
fn position(at: usize, tensor: &Tensor) -> [usize; 4] {
    let [_, channels, height, width] = tensor.nchw();
    let (row, plane) = (at / width, at / width / height);
    [plane / channels, plane % channels, row % height, at % width]
}

/// The element at four indices.
fn element(tensor: &Tensor, [n, channel, row, column]: [usize; 4]) -> f32 {
    let [_, channels, height, width] = tensor.nchw();
    tensor.data()[((n * channels + channel) * height + row) * width + column]
}

//! Nothing is timed that computes something wrong.

use wgcnn::Tensor;
use wgcnn::gpu::Context;
use wgcnn::ops::registry::{Build, Entry};
use wgcnn::shape::{Geometry, Shape};

use super::super::common::case::{Case, Results};
use super::super::common::{bound, gpu, reference};

/// Compares what the device computes with the f64 reference: all of it, or of a convolution some elements of each
/// result.
///
/// # Errors
/// Says what is wrong.
pub fn check(context: &Context, case: &Case, entry: &Entry) -> Result<(), String> {
    let results = gpu::run(context, case, entry)?;
    if entry.name == "conv2d" {
        return convolution(case, entry, &results);
    }
    let wanted = reference::run(case, entry)?.into_iter().map(|(name, values)| {
        let shape = vec![values.len(), 1];
        Tensor::new(shape, values.into_iter().map(|x| x as f32).collect()).map(|tensor| (name, tensor))
    });
    let case = Case { wanted: wanted.collect::<Result<_, _>>().map_err(|e| e.to_string())?, ..case.clone() };
    let wrong: Vec<String> = case.mismatches(&results).iter().map(ToString::to_string).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

/// How many elements of each result of a convolution are computed again.
const ELEMENTS: usize = 48;

/// A sum of products in f64, with what its error may be measured by.
#[derive(Default)]
struct Sum {
    value: f64,
    magnitude: f64,
    terms: f64,
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
struct Convolution<'a> {
    geometry: Geometry,
    groups: usize,
    input: &'a Tensor,
    weight: &'a Tensor,
    bias: Option<&'a Tensor>,
    grad_output: &'a Tensor,
}

fn convolution(case: &Case, entry: &Entry, results: &Results) -> Result<(), String> {
    let Build::Operator(build) = entry.build else { return Err("it is no operator".into()) };
    let input = &case.inputs[0];
    let [_, channels, height, width] = input.nchw();
    let geometry = build(&case.attributes)?.geometry(&[Shape::new(channels, height, width)]);
    let weight = case.parameters.get("weight");
    let (Some(geometry), Some(weight), Some(grad_output)) = (geometry, weight, &case.grad_output) else {
        return Err("it has no window, no weight or no gradient".into());
    };
    let groups = channels / weight.nchw()[1];
    let bias = case.parameters.get("bias");
    let convolution = Convolution { geometry, groups, input, weight, bias, grad_output };
    for (name, got) in results {
        // A step that no power of two divides, so that it meets all rows, columns and channels.
        let step = (got.len() / ELEMENTS).max(1) | 1;
        for at in (0..got.len()).step_by(step) {
            let sum = convolution.element(name, at);
            let (off, allowed) = ((got[at] - sum.value).abs(), bound::of_sum(sum.terms, sum.magnitude));
            if off.is_nan() || off > allowed {
                let Sum { value, .. } = sum;
                return Err(format!(
                    "{name} at {at} is {}, not {value}: {off:.2e} off, allowed {allowed:.2e}",
                    got[at]
                ));
            }
        }
    }
    Ok(())
}

impl Convolution<'_> {
    /// An element of a result.
    fn element(&self, name: &str, at: usize) -> Sum {
        match name {
            "output" => self.output(position(at, self.grad_output)),
            "grad.input.0" => self.grad_input(position(at, self.input)),
            "grad.param.weight" => self.grad_weight(position(at, self.weight)),
            _ => self.grad_bias(at),
        }
    }

    fn output(&self, [n, out, y, x]: [usize; 4]) -> Sum {
        let [outputs, per_group, kernel_height, kernel_width] = self.weight.nchw();
        let first = out / (outputs / self.groups) * per_group;
        let mut sum = Sum::default();
        for channel in 0..per_group {
            for ky in 0..kernel_height {
                for kx in 0..kernel_width {
                    let place = (self.geometry.row(y, ky), self.geometry.column(x, kx));
                    if let (Some(row), Some(column)) = place {
                        let pixel = at(self.input, [n, first + channel, row, column]);
                        sum.add(pixel, at(self.weight, [out, channel, ky, kx]));
                    }
                }
            }
        }
        if let Some(bias) = self.bias {
            sum.add(bias.data()[out], 1.0);
        }
        sum
    }

    fn grad_input(&self, [n, channel, row, column]: [usize; 4]) -> Sum {
        let [outputs, per_group, kernel_height, kernel_width] = self.weight.nchw();
        let (group, channel) = (channel / per_group, channel % per_group);
        let [_, _, height, width] = self.grad_output.nchw();
        let mut sum = Sum::default();
        for ky in 0..kernel_height {
            for y in (0..height).filter(|y| self.geometry.row(*y, ky) == Some(row)) {
                for kx in 0..kernel_width {
                    for x in (0..width).filter(|x| self.geometry.column(*x, kx) == Some(column)) {
                        for out in (0..outputs / self.groups).map(|o| group * (outputs / self.groups) + o) {
                            let grad = at(self.grad_output, [n, out, y, x]);
                            sum.add(grad, at(self.weight, [out, channel, ky, kx]));
                        }
                    }
                }
            }
        }
        sum
    }

    fn grad_weight(&self, [out, channel, ky, kx]: [usize; 4]) -> Sum {
        let [outputs, per_group, ..] = self.weight.nchw();
        let channel = out / (outputs / self.groups) * per_group + channel;
        let [batch, _, height, width] = self.grad_output.nchw();
        let mut sum = Sum::default();
        for n in 0..batch {
            for y in 0..height {
                for x in 0..width {
                    let place = (self.geometry.row(y, ky), self.geometry.column(x, kx));
                    if let (Some(row), Some(column)) = place {
                        let grad = at(self.grad_output, [n, out, y, x]);
                        sum.add(grad, at(self.input, [n, channel, row, column]));
                    }
                }
            }
        }
        sum
    }

    fn grad_bias(&self, out: usize) -> Sum {
        let [batch, _, height, width] = self.grad_output.nchw();
        let mut sum = Sum::default();
        for n in 0..batch {
            for y in 0..height {
                (0..width).for_each(|x| sum.add(at(self.grad_output, [n, out, y, x]), 1.0));
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
fn at(tensor: &Tensor, [n, channel, row, column]: [usize; 4]) -> f32 {
    let [_, channels, height, width] = tensor.nchw();
    tensor.data()[((n * channels + channel) * height + row) * width + column]
}

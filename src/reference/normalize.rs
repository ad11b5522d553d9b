//! What the twins of normalisations share. All is computed in double precision, whatever the tensors hold.

use std::ops::Range;

use super::{Gradients, Real};
use crate::Tensor;

/// Mean and biased variance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Statistics {
    pub mean: f64,
    pub variance: f64,
}

impl Statistics {
    /// Of some elements of a tensor.
    pub fn of<T: Real>(x: &Tensor<T>, elements: &[usize]) -> Self {
        let mean_of = |f: &dyn Fn(f64) -> f64| {
            elements.iter().map(|i| f(x.data()[*i].f64())).sum::<f64>() / elements.len() as f64
        };
        let mean = mean_of(&|x| x);
        Self { mean, variance: mean_of(&|x| (x - mean) * (x - mean)) }
    }
}

/// Elements of a tensor that are normalised together.
#[derive(Debug)]
pub(super) struct Set {
    /// Their indices.
    pub elements: Vec<usize>,
    pub statistics: Statistics,
    /// Whether the statistics are those of the elements, and not given from elsewhere.
    pub own: bool,
}

impl Set {
    /// The elements of these samples and channels of an NCHW tensor.
    pub fn elements<T: Real>(x: &Tensor<T>, samples: Range<usize>, channels: Range<usize>) -> Vec<usize> {
        let [_, all, height, width] = x.nchw();
        let pixels = height * width;
        samples
            .flat_map(|sample| {
                (sample * all + channels.start) * pixels..(sample * all + channels.end) * pixels
            })
            .collect()
    }
}

/// A normalisation of `x`. What is in none of the sets becomes zero and has no gradient.
pub(super) struct Normalization<'a, T> {
    pub x: &'a Tensor<T>,
    pub sets: Vec<Set>,
    pub eps: f32,
    /// Weight and bias of the channels.
    pub affine: Option<[&'a Tensor<T>; 2]>,
}

impl<T: Real> Normalization<'_, T> {
    pub fn forward(&self) -> Tensor<T> {
        let mut output = Tensor::zeros(self.x.shape());
        for set in &self.sets {
            for i in set.elements.iter().copied() {
                let bias = self.affine.map_or(0.0, |[_, bias]| bias.data()[self.channel(i)].f64());
                output.data_mut()[i] = T::of(self.normalized(set, i) * self.weight(i) + bias);
            }
        }
        output
    }

    pub fn backward(&self, grad_output: &Tensor<T>) -> Gradients<T> {
        let grad = |i: usize| grad_output.data()[i].f64();
        let mut grad_input = Tensor::zeros(self.x.shape());
        let mut grad_affine = [(); 2].map(|()| vec![0.0; self.x.nchw()[1]]);
        for set in &self.sets {
            let (mut mean, mut mean_product) = (0.0, 0.0);
            for i in set.elements.iter().copied() {
                let normalized = self.normalized(set, i);
                grad_affine[0][self.channel(i)] += grad(i) * normalized;
                grad_affine[1][self.channel(i)] += grad(i);
                if set.own {
                    let share = self.weight(i) * grad(i) / set.elements.len() as f64;
                    mean += share;
                    mean_product += share * normalized;
                }
            }
            for i in set.elements.iter().copied() {
                let own = self.weight(i) * grad(i) - mean - self.normalized(set, i) * mean_product;
                grad_input.data_mut()[i] = T::of(own * self.inverse(set));
            }
        }
        let parameters = self.affine.map_or(vec![], |affine| {
            let of = |i: usize| Tensor::from_fn(affine[i].shape(), |channel| T::of(grad_affine[i][channel]));
            vec![of(0), of(1)]
        });
        Gradients { inputs: vec![grad_input], parameters }
    }

    fn normalized(&self, set: &Set, i: usize) -> f64 {
        (self.x.data()[i].f64() - set.statistics.mean) * self.inverse(set)
    }

    fn inverse(&self, set: &Set) -> f64 {
        1.0 / (set.statistics.variance + f64::from(self.eps)).sqrt()
    }

    fn weight(&self, i: usize) -> f64 {
        self.affine.map_or(1.0, |[weight, _]| weight.data()[self.channel(i)].f64())
    }

    /// The channel of the element at index `i`.
    fn channel(&self, i: usize) -> usize {
        let [_, channels, height, width] = self.x.nchw();
        i / (height * width) % channels
    }
}

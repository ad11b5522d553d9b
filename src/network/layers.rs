//! Sugar: a builder method for each of the crate's operators. Besides the registry, this is the one
//! place outside an operator's own rooms that names it; any operator can be added without it, through
//! [`NetworkBuilder::layer`], [`then`](NetworkBuilder::then) and [`join`](NetworkBuilder::join).

use crate::ops::{
    AdaptiveAvgPool2d, AdaptiveMaxPool2d, Add, AvgPool2d, BatchNorm, Concat, Conv2d, ConvTranspose2d, Crop,
    Dropout, Elu, Flatten, Gelu, GlobalAvgPool2d, GlobalMaxPool2d, GroupNorm, HardSigmoid, HardSwish,
    HardTanh, LeakyRelu, Linear, LocalResponseNorm, LogSoftmax, LpPool2d, MaxPool2d, Mul, Operator, Pad2d,
    Prelu, Relu, Relu6, Reshape, Sigmoid, Silu, Softmax, Softplus, Split, Tanh, UpsampleBilinear2d,
    UpsampleNearest2d,
};
use crate::shape::Pair;

use super::builder::{Branches, NetworkBuilder};

impl NetworkBuilder {
    /// Adds a convolution called `name`.
    pub fn conv2d(self, name: impl Into<String>, conv2d: Conv2d) -> Self {
        self.layer(name, conv2d)
    }

    /// Adds a transposed convolution called `name`.
    pub fn conv_transpose2d(self, name: impl Into<String>, conv_transpose2d: ConvTranspose2d) -> Self {
        self.layer(name, conv_transpose2d)
    }

    /// Adds a fully connected layer called `name`: a number of features, or a [`Linear`] with its settings.
    pub fn linear(self, name: impl Into<String>, linear: impl Into<Linear>) -> Self {
        self.layer(name, linear.into())
    }

    /// Adds batch normalisation called `name`; [`layer`](Self::layer) takes a [`BatchNorm`] with other settings.
    pub fn batch_norm(self, name: impl Into<String>) -> Self {
        self.layer(name, BatchNorm::new())
    }

    /// Adds group normalisation called `name`: a number of groups, or a [`GroupNorm`] with its settings.
    pub fn group_norm(self, name: impl Into<String>, group_norm: impl Into<GroupNorm>) -> Self {
        self.layer(name, group_norm.into())
    }

    /// Adds max(x, 0).
    pub fn relu(self) -> Self {
        self.then(Relu)
    }

    /// Adds x above 0 and a hundredth of it below, or a [`LeakyRelu`](crate::ops::LeakyRelu) through
    /// [`then`](Self::then).
    pub fn leaky_relu(self) -> Self {
        self.then(LeakyRelu::default())
    }

    /// Adds a ReLU called `name` with a learned slope for each channel.
    pub fn prelu(self, name: impl Into<String>) -> Self {
        self.layer(name, Prelu::new())
    }

    /// Adds min(max(x, 0), 6).
    pub fn relu6(self) -> Self {
        self.then(Relu6)
    }

    /// Adds the exponential linear unit with an α of 1.
    pub fn elu(self) -> Self {
        self.then(Elu::default())
    }

    /// Adds x · sigmoid(x).
    pub fn silu(self) -> Self {
        self.then(Silu)
    }

    /// Adds x · Φ(x).
    pub fn gelu(self) -> Self {
        self.then(Gelu)
    }

    /// Adds ln(1 + eˣ).
    pub fn softplus(self) -> Self {
        self.then(Softplus::default())
    }

    /// Adds a line through 1/2 with a slope of 1/6 between 0 and 1.
    pub fn hard_sigmoid(self) -> Self {
        self.then(HardSigmoid::default())
    }

    /// Adds x times the hard sigmoid of x.
    pub fn hard_swish(self) -> Self {
        self.then(HardSwish)
    }

    /// Adds min(max(x, −1), 1).
    pub fn hard_tanh(self) -> Self {
        self.then(HardTanh::default())
    }

    /// Adds the hyperbolic tangent.
    pub fn tanh(self) -> Self {
        self.then(Tanh)
    }

    /// Adds 1 / (1 + e⁻ˣ).
    pub fn sigmoid(self) -> Self {
        self.then(Sigmoid)
    }

    /// Adds max pooling: a kernel size, which is the stride too, or a [`MaxPool2d`] with its settings.
    pub fn max_pool2d(self, pool: impl Into<MaxPool2d>) -> Self {
        self.then(pool.into())
    }

    /// Adds average pooling: a kernel size, which is the stride too, or an [`AvgPool2d`] with its settings.
    pub fn avg_pool2d(self, pool: impl Into<AvgPool2d>) -> Self {
        self.then(pool.into())
    }

    /// Adds pooling by the p-norm of each window.
    pub fn lp_pool2d(self, pool: LpPool2d) -> Self {
        self.then(pool)
    }

    /// Adds average pooling over as many windows as give an output of `output_size` (height and width).
    pub fn adaptive_avg_pool2d(self, output_size: impl Into<Pair>) -> Self {
        self.then(AdaptiveAvgPool2d::new(output_size))
    }

    /// Adds max pooling over as many windows as give an output of `output_size` (height and width).
    pub fn adaptive_max_pool2d(self, output_size: impl Into<Pair>) -> Self {
        self.then(AdaptiveMaxPool2d::new(output_size))
    }

    /// Adds the mean of each channel.
    pub fn global_avg_pool2d(self) -> Self {
        self.then(GlobalAvgPool2d)
    }

    /// Adds the maximum of each channel.
    pub fn global_max_pool2d(self) -> Self {
        self.then(GlobalMaxPool2d)
    }

    /// Adds local response normalisation: a number of channels, or a [`LocalResponseNorm`] with its settings.
    pub fn local_response_norm(self, norm: impl Into<LocalResponseNorm>) -> Self {
        self.then(norm.into())
    }

    /// Adds softmax over the channels.
    pub fn softmax(self) -> Self {
        self.then(Softmax::default())
    }

    /// Adds the logarithm of softmax over the channels.
    pub fn log_softmax(self) -> Self {
        self.then(LogSoftmax::default())
    }

    /// Adds dropout, which in training zeroes an element with this probability.
    pub fn dropout(self, probability: f32) -> Self {
        self.then(Dropout::new(probability))
    }

    /// Makes an image one vector of features.
    pub fn flatten(self) -> Self {
        self.then(Flatten)
    }

    /// Gives the elements another shape, in their order: channels, height and width, or a [`Reshape`] that leaves one
    /// of them open.
    pub fn reshape(self, reshape: impl Into<Reshape>) -> Self {
        self.then(reshape.into())
    }

    /// Cuts a rectangle out of the image.
    pub fn crop(self, crop: Crop) -> Self {
        self.then(crop)
    }

    /// Puts rows and columns around the image: zeros on the top, left, bottom and right, or a [`Pad2d`] with its
    /// settings.
    pub fn pad2d(self, pad: impl Into<Pad2d>) -> Self {
        self.then(pad.into())
    }

    /// Repeats pixels: so many times along height and width, or an [`UpsampleNearest2d`] with its settings.
    pub fn upsample_nearest2d(self, upsample: impl Into<UpsampleNearest2d>) -> Self {
        self.then(upsample.into())
    }

    /// Interpolates between pixels: to so many times the height and width, or an [`UpsampleBilinear2d`] with its
    /// settings.
    pub fn upsample_bilinear2d(self, upsample: impl Into<UpsampleBilinear2d>) -> Self {
        self.then(upsample.into())
    }

    /// Adds `x + branch(x)` (He et al. 2016, arXiv:1512.03385). The branch must keep the shape, or
    /// have 1 along an axis: that counts as repeated.
    ///
    /// ```
    /// # use wgcnn::{network::Network, ops::Conv2d};
    /// let network = Network::builder([8, 6, 6])
    ///     .residual(|b| b.conv2d("conv1", Conv2d::new(8, 3).same()).relu())
    ///     .build()?;
    /// assert_eq!(network.output_shape(), [8, 6, 6].into());
    /// # Ok::<(), wgcnn::Error>(())
    /// ```
    pub fn residual(self, branch: impl FnOnce(Self) -> Self) -> Self {
        self.residual_with(|shortcut| shortcut, branch)
    }

    /// Adds `shortcut(x) + branch(x)`, for a branch that changes the shape. Both must end in one shape, or
    /// in shapes of which one has 1 where they differ.
    pub fn residual_with(
        self,
        shortcut: impl FnOnce(Self) -> Self,
        branch: impl FnOnce(Self) -> Self,
    ) -> Self {
        self.join(Add, |branches| branches.branch(shortcut).branch(branch))
    }

    /// Adds `x · branch(x)`. The branch ends in a factor for each element, or in one for each channel, pixel, row or
    /// column: it may have 1 along any axis (Hu et al. 2018, arXiv:1709.01507).
    ///
    /// ```
    /// # use wgcnn::{network::Network, ops::Conv2d};
    /// let network = Network::builder([8, 6, 6])
    ///     .gate(|b| {
    ///         let squeezed = b.avg_pool2d(6).conv2d("squeeze", Conv2d::new(2, 1)).relu();
    ///         squeezed.conv2d("excite", Conv2d::new(8, 1)).sigmoid()
    ///     })
    ///     .build()?;
    /// assert_eq!(network.output_shape(), [8, 6, 6].into());
    /// # Ok::<(), wgcnn::Error>(())
    /// ```
    pub fn gate(self, branch: impl FnOnce(Self) -> Self) -> Self {
        self.join(Mul, |branches| branches.branch(|x| x).branch(branch))
    }

    /// Splits the value, sends each part through a branch of its own, and joins the branches' ends.
    ///
    /// ```
    /// # use wgcnn::{network::Network, ops::{Concat, Conv2d, Split}, shape::Axis};
    /// let network = Network::builder([8, 6, 6])
    ///     .split(Split::new(Axis::Channels, [2, 6]), Concat::default(), |parts| {
    ///         parts.part(|b| b).part(|b| b.conv2d("conv", Conv2d::new(6, 3).same()))
    ///     })
    ///     .build()?;
    /// assert_eq!(network.output_shape(), [8, 6, 6].into());
    /// # Ok::<(), wgcnn::Error>(())
    /// ```
    pub fn split(
        self,
        split: Split,
        join: impl Operator + 'static,
        parts: impl FnOnce(Parts) -> Parts,
    ) -> Self {
        self.join(join, |branches| parts(Parts { branches, split, next: 0 }).branches)
    }

    /// Adds branches whose outputs are joined along the channels, in their order.
    ///
    /// ```
    /// # use wgcnn::{network::Network, ops::Conv2d};
    /// let network = Network::builder([3, 6, 6])
    ///     .concat(|branches| {
    ///         branches
    ///             .branch(|b| b.conv2d("narrow", Conv2d::new(8, 1)))
    ///             .branch(|b| b.conv2d("wide", Conv2d::new(16, 5).same()))
    ///     })
    ///     .build()?;
    /// assert_eq!(network.output_shape(), [24, 6, 6].into());
    /// # Ok::<(), wgcnn::Error>(())
    /// ```
    pub fn concat(self, branches: impl FnOnce(Branches) -> Branches) -> Self {
        self.join(Concat::default(), branches)
    }
}

/// Collects the branches of [`NetworkBuilder::split`].
#[derive(Debug)]
#[must_use = "a part belongs to the builder that asked for it"]
pub struct Parts {
    branches: Branches,
    split: Split,
    next: usize,
}

impl Parts {
    /// Adds the next part, with the layers that `layers` adds to it. A part without a layer is handed on as it is.
    pub fn part(self, layers: impl FnOnce(NetworkBuilder) -> NetworkBuilder) -> Self {
        let Self { branches, split, next } = self;
        let part = split.clone().part(next);
        Self { branches: branches.branch(|b| layers(b.then(part))), split, next: next + 1 }
    }
}

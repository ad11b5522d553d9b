//! Sugar: a builder method for each of the crate's operators. Besides the registry, this is the one
//! place outside an operator's own rooms that names it; any operator can be added without it, through
//! [`NetworkBuilder::layer`], [`then`](NetworkBuilder::then) and [`join`](NetworkBuilder::join).

use crate::ops::{
    Add, AvgPool2d, Concat, Conv2d, Dropout, Elu, Flatten, Gelu, HardSigmoid, HardSwish, LeakyRelu, Linear,
    LpPool2d, MaxPool2d, Prelu, Relu, Relu6, Sigmoid, Silu, Softplus, Tanh,
};

use super::builder::{Branches, NetworkBuilder};

impl NetworkBuilder {
    /// Adds a convolution called `name`.
    pub fn conv2d(self, name: impl Into<String>, conv2d: Conv2d) -> Self {
        self.layer(name, conv2d)
    }

    /// Adds a fully connected layer called `name`: a number of features, or a [`Linear`] with its settings.
    pub fn linear(self, name: impl Into<String>, linear: impl Into<Linear>) -> Self {
        self.layer(name, linear.into())
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

    /// Adds dropout, which in training zeroes an element with this probability.
    pub fn dropout(self, probability: f32) -> Self {
        self.then(Dropout::new(probability))
    }

    /// Makes an image one vector of features.
    pub fn flatten(self) -> Self {
        self.then(Flatten)
    }

    /// Adds `x + branch(x)` (He et al. 2016, arXiv:1512.03385). The branch must keep the shape.
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

    /// Adds `shortcut(x) + branch(x)`, for a branch that changes the shape. Both must end in one shape.
    pub fn residual_with(
        self,
        shortcut: impl FnOnce(Self) -> Self,
        branch: impl FnOnce(Self) -> Self,
    ) -> Self {
        self.join(Add, |branches| branches.branch(shortcut).branch(branch))
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
        self.join(Concat, branches)
    }
}

//! Which layers are joined: functions of one variable fused into the store of the layer before, into the load of the layer
//! after, with one another, or run in place of their input, and a normalisation folded into the parameters of the layer
//! before.

use crate::network::{Network, Node, ValueId};
use crate::ops::program::ParameterLayout;
use crate::ops::{Derivative, Function, Pointwise};

/// What becomes of the nodes of a network in a plan, by their indices.
#[derive(Debug, Default)]
pub(super) struct Fusion {
    /// The function that a node ends with: that of later nodes, which are then [`absorbed`](Self::absorbed).
    pub activation: Vec<Option<Function>>,
    /// The function that an input of a node goes through first, and which input: that of earlier nodes, which are then
    /// [`absorbed`](Self::absorbed).
    pub operand: Vec<Option<(usize, Function)>>,
    /// The later node that is folded into a node's parameters, and [`absorbed`](Self::absorbed) too.
    pub folded: Vec<Option<usize>>,
    /// Whether another node does a node's work.
    pub absorbed: Vec<bool>,
    /// Whether a node overwrites its input.
    pub in_place: Vec<bool>,
    /// The function of one variable before a node whose gradient is computed from the node's output, in the place of its
    /// own: the node picks some of the function's values. There are fewer of them, and nobody need keep the others.
    pub differentiates: Vec<Option<usize>>,
}

/// Who reads a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Node(usize),
    Host,
}

/// Who writes and reads the values of a network. One that is another under a new name has that one's tensor.
struct Flow {
    /// Of each value.
    tensor: Vec<usize>,
    /// Of each tensor.
    writer: Vec<Option<usize>>,
    /// Of each tensor.
    readers: Vec<Vec<Reader>>,
}

impl Flow {
    /// That of a network in which some nodes only rename their input.
    fn of(network: &Network, renames: impl Fn(&Node) -> bool) -> Self {
        let count = network.shapes().len();
        let mut flow =
            Self { tensor: (0..count).collect(), writer: vec![None; count], readers: vec![vec![]; count] };
        for (index, node) in network.nodes().iter().enumerate() {
            if renames(node) {
                flow.tensor[node.output.0] = flow.tensor[node.inputs[0].0];
                continue;
            }
            flow.writer[node.output.0] = Some(index);
            for input in &node.inputs {
                flow.readers[flow.tensor[input.0]].push(Reader::Node(index));
            }
        }
        flow.readers[flow.tensor[network.output().0]].push(Reader::Host);
        flow
    }

    /// The node that reads a value, if nobody else does.
    fn only_reader(&self, value: ValueId) -> Option<usize> {
        match self.readers[self.tensor[value.0]][..] {
            [Reader::Node(reader)] => Some(reader),
            _ => None,
        }
    }

    /// The node that writes a value; none writes the network's inputs.
    fn writer(&self, value: ValueId) -> Option<usize> {
        self.writer[self.tensor[value.0]]
    }
}

impl Fusion {
    /// Decides for a pass in which `wanted` says of each value whether a gradient to it is computed.
    pub fn find(network: &Network, training: bool, wanted: &[bool]) -> Self {
        let nodes = network.nodes();
        let identity = |node: &Node| node.operator.is_identity(&network.input_shapes(node), training);
        let flow = Flow::of(network, identity);
        let count = nodes.len();
        let mut fusion = Self {
            activation: vec![None; count],
            operand: vec![None; count],
            folded: vec![None; count],
            absorbed: vec![false; count],
            in_place: vec![false; count],
            differentiates: (0..count).map(|index| picked_function(network, &flow, index)).collect(),
        };
        // The node that does a node's work.
        let mut carrier: Vec<usize> = (0..count).collect();
        for (index, node) in nodes.iter().enumerate().filter(|(_, node)| !identity(node)) {
            let Some(input) = node.inputs.first() else { continue };
            // Whether nobody else wants what comes in.
            let alone = flow.only_reader(*input) == Some(index);
            let before = flow.writer(*input).filter(|_| alone).map(|writer| carrier[writer]);
            if let Some(Pointwise { forward: function, derivative, .. }) = node.operator.pointwise() {
                let reads_output = |writer: usize| nodes[writer].operator.reads_output();
                let needed_backward = wanted[node.output.0]
                    && (derivative == Derivative::Input || flow.writer(*input).is_some_and(reads_output));
                if needed_backward {
                    continue;
                }
                let before = before.filter(|before| fusion.can_end(network, *before, &function));
                let by_itself = before.is_none_or(|before| nodes[before].operator.pointwise().is_some());
                let after = flow.only_reader(node.output).filter(|after| {
                    by_itself && !wanted[nodes[*after].output.0] && fusion.takes_operand(network, *after)
                });
                if let Some(after) = after {
                    let first = before.and_then(|before| fusion.dissolve(network, before));
                    let whole = join(first, function);
                    let is_output = |input: &ValueId| flow.tensor[input.0] == flow.tensor[node.output.0];
                    let operand = nodes[after].inputs.iter().position(is_output);
                    fusion.operand[after] = operand.map(|operand| (operand, whole));
                    fusion.absorbed[index] = true;
                } else if let Some(before) = before {
                    fusion.activation[before] = Some(join(fusion.activation[before].take(), function));
                    fusion.absorbed[index] = true;
                    carrier[index] = before;
                } else {
                    fusion.in_place[index] = alone;
                }
            } else if let Some(before) = before {
                let folds = !training
                    && !wanted[node.output.0]
                    && node.operator.folds()
                    && ends_in_columns(network, before)
                    && fusion.activation[before].is_none()
                    && fusion.folded[before].is_none();
                if folds {
                    fusion.folded[before] = Some(index);
                    fusion.absorbed[index] = true;
                    carrier[index] = before;
                }
            }
        }
        fusion
    }

    /// Whether a node can end with a function, after those that it ends with already.
    fn can_end(&self, network: &Network, node: usize, function: &Function) -> bool {
        let Node { operator, .. } = &network.nodes()[node];
        let own = operator.pointwise().map(|own| own.forward);
        let operand = self.operand[node].as_ref().map(|(_, operand)| operand);
        let held = [own.as_ref(), operand, self.activation[node].as_ref()];
        operator.fuses_activation(&network.input_shapes(&network.nodes()[node]))
            && held.into_iter().flatten().all(|held| held.fits(function))
    }

    /// Whether an operand of a node can go through a function, which nothing else does yet.
    fn takes_operand(&self, network: &Network, node: usize) -> bool {
        let inputs = network.input_shapes(&network.nodes()[node]);
        self.operand[node].is_none() && network.nodes()[node].operator.fuses_operand(&inputs)
    }

    /// Leaves what a function of one variable that runs by itself computes, with all that it ends with, to another node.
    fn dissolve(&mut self, network: &Network, node: usize) -> Option<Function> {
        let own = network.nodes()[node].operator.pointwise()?.forward;
        (self.absorbed[node], self.in_place[node]) = (true, false);
        Some(own.then(self.activation[node].take().as_ref()))
    }
}

/// A function after another, if there is one before it.
fn join(first: Option<Function>, function: Function) -> Function {
    match first {
        Some(first) => first.then(Some(&function)),
        None => function,
    }
}

/// The function of one variable whose values a node picks from, if nobody else reads them and its gradient follows from
/// them.
fn picked_function(network: &Network, flow: &Flow, index: usize) -> Option<usize> {
    let node = &network.nodes()[index];
    let input = *node.inputs.first().filter(|_| node.operator.picks())?;
    let writer = flow.writer(input).filter(|_| flow.only_reader(input) == Some(index))?;
    let function = network.nodes()[writer].operator.pointwise()?;
    let fewer = network.shape(node.output).len() <= network.shape(input).len();
    (function.derivative == Derivative::Output && fewer).then_some(writer)
}

/// Whether a node has a weight that a layer after it can be folded into: its columns are the channels of the output.
fn ends_in_columns(network: &Network, node: usize) -> bool {
    let node = &network.nodes()[node];
    node.parameters.first().is_some_and(|weight| {
        let spec = &network.parameters()[weight.0].spec;
        let channels = network.shape(node.output).channels;
        spec.layout == ParameterLayout::Weight && spec.shape.first() == Some(&channels)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::NetworkBuilder;
    use crate::ops::{Conv2d, LeakyRelu, Silu};

    /// For each node whether it is absorbed, and whether it runs in place.
    fn fates(network: &Network, training: bool) -> Vec<(bool, bool)> {
        let fusion = Fusion::find(network, training, &vec![training; network.shapes().len()]);
        fusion.absorbed.into_iter().zip(fusion.in_place).collect()
    }

    const ABSORBED: (bool, bool) = (true, false);
    const IN_PLACE: (bool, bool) = (false, true);
    const RUNS: (bool, bool) = (false, false);

    #[test]
    fn a_convolution_ends_with_the_activation_that_follows() {
        let network = Network::builder([3, 4, 4]).conv2d("conv", Conv2d::new(4, 3)).relu().build().unwrap();
        assert_eq!(fates(&network, true), [RUNS, ABSORBED]);
        assert_eq!(fates(&network, false), [RUNS, ABSORBED]);
    }

    #[test]
    fn a_normalisation_is_folded_into_the_layer_before_outside_training() {
        let builder = Network::builder([3, 8, 8]).conv2d("conv", Conv2d::new(4, 3).same()).batch_norm("norm");
        let network = builder.relu().build().unwrap();
        assert_eq!(fates(&network, false), [RUNS, ABSORBED, ABSORBED]);
        assert_eq!(fates(&network, true), [RUNS, RUNS, ABSORBED]);
        let linear = Network::builder(64).linear("fc", 8).batch_norm("norm").build().unwrap();
        assert_eq!(fates(&linear, false), [RUNS, ABSORBED]);
    }

    #[test]
    fn what_a_backward_pass_needs_is_kept() {
        // SiLU's gradient rests on its input, that of the second ReLU on the first one's output.
        let builder = Network::builder([3, 4, 4]).conv2d("conv", Conv2d::new(4, 3));
        let network = builder.clone().then(Silu).relu().relu().build().unwrap();
        assert_eq!(fates(&network, true), [RUNS, RUNS, ABSORBED, RUNS]);
        assert_eq!(fates(&network, false), [RUNS, ABSORBED, ABSORBED, ABSORBED]);
        let network = builder.relu().tanh().build().unwrap();
        assert_eq!(fates(&network, true), [RUNS, ABSORBED, RUNS]);
    }

    #[test]
    fn what_others_read_is_kept() {
        let builder = Network::builder([3, 4, 4]).conv2d("conv", Conv2d::new(3, 1));
        let network =
            builder.residual(|branch| branch.then(LeakyRelu::new(0.1)).max_pool2d(1)).relu().build().unwrap();
        // The convolution's output is read by the sum too; the sum's by nobody but the second ReLU.
        assert_eq!(fates(&network, false), [RUNS, RUNS, RUNS, RUNS, ABSORBED]);
    }

    #[test]
    fn a_function_goes_into_the_sum_after_it() {
        let network = Network::builder([3, 4, 4]).residual(|branch| branch.sigmoid()).relu().build().unwrap();
        assert_eq!(fates(&network, false), [ABSORBED, RUNS, ABSORBED]);
        // A backward pass needs its value.
        assert_eq!(fates(&network, true), [RUNS, RUNS, ABSORBED]);
        // One of two.
        let both = Network::builder([3, 4, 4]).residual_with(|branch| branch.tanh(), |branch| branch.relu());
        assert_eq!(fates(&both.build().unwrap(), false), [ABSORBED, RUNS, RUNS]);
        // Several in a row, also of those that had run by themselves.
        let row = Network::builder([3, 4, 4]).sigmoid().residual(|branch| branch.tanh().tanh());
        assert_eq!(fates(&row.build().unwrap(), false), [IN_PLACE, ABSORBED, ABSORBED, RUNS]);
    }

    #[test]
    fn a_max_pool_differentiates_what_it_alone_reads() {
        let differentiates = |builder: NetworkBuilder| {
            let network = builder.build().unwrap();
            Fusion::find(&network, true, &vec![true; network.shapes().len()]).differentiates
        };
        let start = || Network::builder([3, 4, 4]);
        assert_eq!(differentiates(start().relu().max_pool2d(2)), [None, Some(0)]);
        // SiLU's gradient rests on its input, and an average is none of the values.
        assert_eq!(differentiates(start().then(Silu).max_pool2d(2)), [None, None]);
        assert_eq!(differentiates(start().relu().avg_pool2d(2)), [None, None]);
        assert_eq!(differentiates(start().relu().adaptive_max_pool2d([5, 5])), [None, None]);
        let both = start().relu().residual(|branch| branch.max_pool2d(1));
        assert_eq!(differentiates(both), [None; 3]);
    }

    #[test]
    fn functions_in_a_row_are_one() {
        let network = Network::builder([3, 4, 4]).max_pool2d(2).sigmoid().relu().tanh().build().unwrap();
        assert_eq!(fates(&network, false), [RUNS, IN_PLACE, ABSORBED, ABSORBED]);
        assert_eq!(fates(&network, true), [RUNS, RUNS, RUNS, RUNS]);
    }

    #[test]
    fn a_kernel_has_no_two_constants_of_one_name() {
        let leaky = || LeakyRelu::new(0.1);
        let builder = Network::builder([3, 4, 4]).conv2d("conv", Conv2d::new(4, 3));
        let network = builder.then(leaky()).relu().then(leaky()).relu().build().unwrap();
        assert_eq!(fates(&network, false), [RUNS, ABSORBED, ABSORBED, IN_PLACE, ABSORBED]);
        let sum = Network::builder([3, 4, 4])
            .residual(|branch| branch.then(leaky()))
            .then(leaky())
            .build()
            .unwrap();
        assert_eq!(fates(&sum, false), [ABSORBED, RUNS, IN_PLACE]);
    }

    #[test]
    fn one_normalisation_is_folded() {
        let builder = Network::builder([3, 8, 8]).conv2d("conv", Conv2d::new(4, 3));
        let network = builder.batch_norm("first").batch_norm("second").relu().build().unwrap();
        assert_eq!(fates(&network, false), [RUNS, ABSORBED, RUNS, ABSORBED]);
    }

    #[test]
    fn the_network_s_input_may_be_overwritten_but_not_its_output() {
        let network = Network::builder([3, 4, 4]).relu().build().unwrap();
        assert_eq!(fates(&network, true), [IN_PLACE]);
        let joined = Network::builder([3, 4, 4]).residual(|branch| branch.relu()).build().unwrap();
        assert_eq!(fates(&joined, true)[0], RUNS);
    }
}

//! Which layers are joined: a function fused into the store of the layer before, into the load of the layer after, or run
//! in place of its input, and a normalisation folded into the parameters of the layer before.

use crate::network::{Network, Node};
use crate::ops::program::ParameterLayout;
use crate::ops::{Derivative, Function};

/// What becomes of the nodes of a network in a plan, by their indices.
#[derive(Debug, Default)]
pub(super) struct Fusion {
    /// The function that a node ends with: that of a later node, which is then [`absorbed`](Self::absorbed).
    pub activation: Vec<Option<Function>>,
    /// The function that an input of a node goes through first, and which input: that of an earlier node, which is then
    /// [`absorbed`](Self::absorbed).
    pub operand: Vec<Option<(usize, Function)>>,
    /// The later node that is folded into a node's parameters, and [`absorbed`](Self::absorbed) too.
    pub folded: Vec<Option<usize>>,
    /// Whether another node does a node's work.
    pub absorbed: Vec<bool>,
    /// Whether a node overwrites its input.
    pub in_place: Vec<bool>,
}

/// Who reads a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Node(usize),
    Host,
}

impl Fusion {
    /// Decides for a pass in which `wanted` says of each value whether a gradient to it is computed.
    pub fn find(network: &Network, training: bool, wanted: &[bool]) -> Self {
        let identity = |node: &Node| node.operator.is_identity(&network.input_shapes(node), training);
        // A value that is another under a new name has that one's tensor.
        let mut tensor: Vec<usize> = (0..network.shapes().len()).collect();
        let mut readers: Vec<Vec<Reader>> = vec![vec![]; tensor.len()];
        let mut writer: Vec<Option<usize>> = vec![None; tensor.len()];
        for (index, node) in network.nodes().iter().enumerate() {
            if identity(node) {
                tensor[node.output.0] = tensor[node.inputs[0].0];
                continue;
            }
            writer[node.output.0] = Some(index);
            for input in &node.inputs {
                readers[tensor[input.0]].push(Reader::Node(index));
            }
        }
        readers[tensor[network.output().0]].push(Reader::Host);

        let count = network.nodes().len();
        let mut fusion = Self {
            activation: vec![None; count],
            operand: vec![None; count],
            folded: vec![None; count],
            absorbed: vec![false; count],
            in_place: vec![false; count],
        };
        // The node that does a node's work.
        let mut carrier: Vec<usize> = (0..count).collect();
        for (index, node) in network.nodes().iter().enumerate() {
            let input = node.inputs.first().map_or(0, |input| tensor[input.0]);
            if identity(node) {
                continue;
            }
            // Whether nobody else wants what comes in.
            let alone = readers[input] == [Reader::Node(index)];
            let before = writer[input].filter(|_| alone).map(|writer| carrier[writer]);
            let offers = |before: &usize| {
                let node = &network.nodes()[*before];
                node.operator.fuses_activation(&network.input_shapes(node))
                    && fusion.activation[*before].is_none()
            };
            let offering = before.filter(offers);
            let folds = |before: &usize| {
                !training
                    && !wanted[node.output.0]
                    && node.operator.folds()
                    && ends_in_columns(network, *before)
            };
            if let Some(function) = node.operator.pointwise() {
                let reads_output = |writer: usize| network.nodes()[writer].operator.reads_output();
                let needed_backward = wanted[node.output.0]
                    && (function.derivative == Derivative::Input || writer[input].is_some_and(reads_output));
                if needed_backward {
                    continue;
                }
                let output = tensor[node.output.0];
                let takes = |after: &usize| {
                    let node = &network.nodes()[*after];
                    function.forward.constants.is_empty()
                        && !wanted[node.output.0]
                        && node.operator.fuses_operand(&network.input_shapes(node))
                        && fusion.operand[*after].is_none()
                };
                let after = match readers[output][..] {
                    [Reader::Node(after)] => Some(after).filter(takes),
                    _ => None,
                };
                if let Some(before) = offering {
                    fusion.activation[before] = Some(function.forward);
                    fusion.absorbed[index] = true;
                    carrier[index] = before;
                } else if let Some(after) = after {
                    let inputs = &network.nodes()[after].inputs;
                    let operand = inputs.iter().position(|input| tensor[input.0] == output);
                    fusion.operand[after] = operand.map(|operand| (operand, function.forward));
                    fusion.absorbed[index] = true;
                } else {
                    fusion.in_place[index] = alone;
                }
            } else if let Some(before) = offering.filter(folds) {
                fusion.folded[before] = Some(index);
                fusion.absorbed[index] = true;
                carrier[index] = before;
            }
        }
        fusion
    }
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
        assert_eq!(fates(&network, true), [RUNS, RUNS, IN_PLACE, RUNS]);
        assert_eq!(fates(&network, false), [RUNS, ABSORBED, IN_PLACE, IN_PLACE]);
        let network = builder.relu().tanh().build().unwrap();
        assert_eq!(fates(&network, true), [RUNS, ABSORBED, RUNS]);
    }

    #[test]
    fn what_others_read_is_kept() {
        let builder = Network::builder([3, 4, 4]).conv2d("conv", Conv2d::new(3, 1));
        let network = builder.residual(|branch| branch.then(LeakyRelu::new(0.1))).relu().build().unwrap();
        // The convolution's output is read by the sum too; the sum's by nobody but the second ReLU.
        assert_eq!(fates(&network, false), [RUNS, RUNS, RUNS, ABSORBED]);
    }

    #[test]
    fn a_function_goes_into_the_sum_after_it() {
        let network = Network::builder([3, 4, 4]).residual(|branch| branch.sigmoid()).relu().build().unwrap();
        assert_eq!(fates(&network, false), [ABSORBED, RUNS, ABSORBED]);
        // A backward pass needs its value.
        assert_eq!(fates(&network, true), [RUNS, RUNS, ABSORBED]);
        // One of two, and none that has constants.
        let both = Network::builder([3, 4, 4]).sigmoid().residual(|branch| branch.tanh().tanh());
        assert_eq!(fates(&both.build().unwrap(), false), [IN_PLACE, RUNS, ABSORBED, RUNS]);
        let leaky = Network::builder([3, 4, 4]).residual(|branch| branch.then(LeakyRelu::new(0.1)));
        assert_eq!(fates(&leaky.build().unwrap(), false), [RUNS, RUNS]);
    }

    #[test]
    fn the_network_s_input_may_be_overwritten_but_not_its_output() {
        let network = Network::builder([3, 4, 4]).relu().build().unwrap();
        assert_eq!(fates(&network, true), [IN_PLACE]);
        let joined = Network::builder([3, 4, 4]).residual(|branch| branch.relu()).build().unwrap();
        assert_eq!(fates(&joined, true)[0], RUNS);
    }
}

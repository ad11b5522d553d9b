//! Which layers are joined: a function fused into the store of the layer before, or run in place of its input.

use crate::network::{Network, Node};
use crate::ops::{Derivative, Function};

/// What becomes of the nodes of a network in a plan, by their indices.
#[derive(Debug, Default)]
pub(super) struct Fusion {
    /// The function that a node ends with: that of a later node, which is then [`absorbed`](Self::absorbed).
    pub activation: Vec<Option<Function>>,
    /// Whether an earlier node does a node's work.
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
            absorbed: vec![false; count],
            in_place: vec![false; count],
        };
        for (index, node) in network.nodes().iter().enumerate() {
            let Some(function) = node.operator.pointwise() else { continue };
            let input = tensor[node.inputs[0].0];
            let before = writer[input];
            let reads_output = |writer: usize| network.nodes()[writer].operator.reads_output();
            // Nobody else may need what the input was: no other node, nor any backward pass.
            let needed_backward = wanted[node.output.0]
                && (function.derivative == Derivative::Input || before.is_some_and(reads_output));
            if readers[input] != [Reader::Node(index)] || needed_backward || identity(node) {
                continue;
            }
            let fuses = |before: &usize| {
                let node = &network.nodes()[*before];
                let offered = node.operator.fuses_activation(&network.input_shapes(node));
                offered && fusion.activation[*before].is_none()
            };
            match before.filter(fuses) {
                Some(before) => {
                    fusion.activation[before] = Some(function.forward);
                    fusion.absorbed[index] = true;
                }
                None => fusion.in_place[index] = true,
            }
        }
        fusion
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Conv2d;

    /// For each node whether it is absorbed, and whether it runs in place.
    fn fates(network: &Network, training: bool) -> Vec<(bool, bool)> {
        let fusion = Fusion::find(network, training, &vec![training; network.shapes().len()]);
        fusion.absorbed.into_iter().zip(fusion.in_place).collect()
    }

    const IN_PLACE: (bool, bool) = (false, true);
    const RUNS: (bool, bool) = (false, false);

    #[test]
    fn what_others_read_is_kept() {
        let builder = Network::builder([3, 4, 4]).conv2d("conv", Conv2d::new(3, 1));
        let network = builder.residual(|branch| branch.relu()).relu().build().unwrap();
        // The convolution's output is read by the sum too; the sum's by nobody but the second ReLU.
        assert_eq!(fates(&network, false), [RUNS, RUNS, RUNS, IN_PLACE]);
    }

    #[test]
    fn the_network_s_input_may_be_overwritten_but_not_its_output() {
        let network = Network::builder([3, 4, 4]).relu().build().unwrap();
        assert_eq!(fates(&network, true), [IN_PLACE]);
        let joined = Network::builder([3, 4, 4]).residual(|branch| branch.relu()).build().unwrap();
        assert_eq!(fates(&joined, true)[0], RUNS);
    }
}

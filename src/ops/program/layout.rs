//! How parameters lie in device memory.

use super::quads;

/// How a parameter lies in device memory. The host's copy is always plain row-major.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterLayout {
    /// `[out, in, kh, kw]` on the host (`[out, in]`: a kernel of 1 x 1) becomes `[kh][kw][in][out]`,
    /// padded as the module's documentation says.
    Weight,
    /// `[in, out / groups, kh, kw]` on the host, a transposed convolution's, becomes `[kh][kw][in / groups][out]`,
    /// padded like [`Weight`](Self::Weight) and with the taps in the opposite order: what its forward pass
    /// multiplies with.
    TransposedWeight {
        /// The groups of channels.
        groups: usize,
    },
    /// `[n]` padded to a multiple of four.
    Vector,
}

impl ParameterLayout {
    /// How many floats the parameter of host shape `shape` takes on the device.
    pub fn len(self, shape: &[usize]) -> usize {
        match self {
            Self::Weight => {
                let [out, _, kh, kw] = oihw(shape);
                weight_rows(shape[1], kh * kw) * quads(out) * 4
            }
            Self::TransposedWeight { groups } => {
                let [inputs, outputs, kh, kw] = oihw(shape);
                weight_rows(inputs / groups.max(1), kh * kw) * quads(outputs * groups) * 4
            }
            Self::Vector => quads(shape[0]) * 4,
        }
    }

    /// The device's form of a parameter.
    pub fn pack(self, shape: &[usize], host: &[f32]) -> Vec<f32> {
        let mut device = vec![0.0; self.len(shape)];
        self.visit(shape, |h, d| device[d] = host[h]);
        device
    }

    /// The host's form of a parameter.
    pub fn unpack(self, shape: &[usize], device: &[f32]) -> Vec<f32> {
        let mut host = vec![0.0; shape.iter().product()];
        self.visit(shape, |h, d| host[h] = device[d]);
        host
    }

    /// Calls `f` with the host's and the device's index of every element.
    fn visit(self, shape: &[usize], mut f: impl FnMut(usize, usize)) {
        match self {
            Self::Vector => (0..shape[0]).for_each(|i| f(i, i)),
            Self::Weight => {
                let [out, inputs, kh, kw] = oihw(shape);
                let (rows, columns) = (padded_inputs(inputs), quads(out) * 4);
                for o in 0..out {
                    for i in 0..inputs {
                        for tap in 0..kh * kw {
                            f((o * inputs + i) * kh * kw + tap, (tap * rows + i) * columns + o);
                        }
                    }
                }
            }
            Self::TransposedWeight { groups } => {
                let [inputs, outputs, kh, kw] = oihw(shape);
                let (taps, group_inputs) = (kh * kw, inputs / groups.max(1));
                let (rows, columns) = (padded_inputs(group_inputs), quads(outputs * groups) * 4);
                for i in 0..inputs {
                    let (group, row) = (i / group_inputs, i % group_inputs);
                    for o in 0..outputs {
                        let column = group * outputs + o;
                        for tap in 0..taps {
                            let device = ((taps - 1 - tap) * rows + row) * columns + column;
                            f((i * outputs + o) * taps + tap, device);
                        }
                    }
                }
            }
        }
    }
}

fn oihw(shape: &[usize]) -> [usize; 4] {
    [shape[0], shape[1], shape.get(2).copied().unwrap_or(1), shape.get(3).copied().unwrap_or(1)]
}

/// The rows that one tap of a weight takes: the input channels, padded to whole quads unless there
/// are three or fewer (the first layer), where padding would multiply its work.
pub fn padded_inputs(inputs: usize) -> usize {
    if inputs < 4 { inputs } else { inputs.next_multiple_of(4) }
}

/// The rows of a weight's matrix, rounded up to whole quads.
pub fn weight_rows(inputs: usize, taps: usize) -> usize {
    (padded_inputs(inputs) * taps).next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_is_undone_by_unpacking() {
        for (layout, shape) in [
            (ParameterLayout::Weight, vec![5, 3, 2, 3]),
            (ParameterLayout::Weight, vec![6, 7, 1, 1]),
            (ParameterLayout::Weight, vec![4, 9]),
            (ParameterLayout::TransposedWeight { groups: 1 }, vec![5, 3, 2, 3]),
            (ParameterLayout::TransposedWeight { groups: 3 }, vec![15, 2, 3, 1]),
            (ParameterLayout::Vector, vec![5]),
        ] {
            let host: Vec<f32> = (1..=shape.iter().product::<usize>()).map(|i| i as f32).collect();
            let device = layout.pack(&shape, &host);
            assert_eq!(device.len(), layout.len(&shape));
            assert_eq!(device.iter().filter(|v| **v != 0.0).count(), host.len());
            assert_eq!(layout.unpack(&shape, &device), host);
        }
    }
}

//! Products on the matrix units of a device: the kernels `*_cooperative`.

use super::super::machine::Machine;
use super::super::program::{Dispatch, Kernel, Storage, kernel};
use super::cut::{Cut, parts_at_once};
use super::problem::{Pass, Problem};
use crate::gpu::{Capabilities, CooperativeMatrix};

/// The subgroups of a workgroup, two by two.
const SUBGROUPS: usize = 4;

/// What a workgroup of these kernels owns. They multiply factors of `f16` and add in `f32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cooperative {
    matrix: CooperativeMatrix,
    /// The invocations of a subgroup.
    lanes: usize,
}

impl Cooperative {
    /// That of a device, if it has matrix units and the problem suits them: of one group, with images that are stored as
    /// `f16` in any case and are not narrower than a quad.
    pub fn of(problem: &Problem, capabilities: &Capabilities) -> Option<Self> {
        let matrix = capabilities.cooperative_matrix?;
        let lanes = capabilities.subgroup_size? as usize;
        let channels = match problem.pass {
            Pass::Forward | Pass::BackwardInput => problem.image_in().channels,
            Pass::BackwardWeight => problem.convolution.inputs,
        };
        let suits = problem.storage == Storage::NativeF16 && problem.convolution.groups == 1 && channels >= 4;
        let units = Self { matrix, lanes };
        // An invocation brings in the same quad of every step.
        let fits = units.invocations() <= capabilities.max_workgroup_invocations as usize
            && units.invocations().is_multiple_of(units.step());
        (suits && fits).then_some(units)
    }

    /// How many quads of the sum a pass takes in a step: two matrices deep.
    pub fn step(self) -> usize {
        2 * self.matrix.size() / 4
    }

    /// A dispatch of the kernel for a forward pass or a gradient to the input.
    pub fn pass(self, layer: &str) -> Dispatch {
        self.dispatch(layer, kernel!("conv2d/forward_cooperative"))
    }

    /// A dispatch of the kernel for a gradient to the weight.
    pub fn backward_weight(self, layer: &str) -> Dispatch {
        self.dispatch(layer, kernel!("conv2d/backward_weight_cooperative"))
    }

    fn dispatch(self, layer: &str, kernel: Kernel) -> Dispatch {
        let dispatch = Dispatch::new(layer, kernel).size("LANES", self.lanes);
        match self.matrix {
            CooperativeMatrix::Size8 => dispatch.section("matrix", kernel!("storage/matrix_8x8")),
            CooperativeMatrix::Size16 => dispatch,
        }
    }
}

impl Cut for Cooperative {
    fn tile(self) -> [usize; 2] {
        [4 * self.matrix.size(), self.matrix.size()]
    }

    fn invocations(self) -> usize {
        SUBGROUPS * self.lanes
    }

    /// Matrix units make twice the multiply-adds of the rest of a GPU or more, of which half is assumed to be reached. A
    /// processor has none: it makes the products of a matrix one by one.
    fn efficiency(self, machine: &Machine) -> f64 {
        if machine.software { 0.02 } else { 1.0 }
    }

    fn workgroups_wanted(self, tiles: usize, capabilities: &Capabilities) -> usize {
        parts_at_once(tiles, self.invocations(), capabilities)
    }
}

#[cfg(test)]
mod tests {
    use super::super::variant::Variant;
    use super::super::{Convolution, Direction};
    use super::*;
    use crate::shape::{Padding, Window};

    /// A GPU with matrix units.
    fn gpu(matrix: CooperativeMatrix) -> Capabilities {
        Capabilities {
            subgroup_size: Some(32),
            shader_f16: true,
            cooperative_matrix: Some(matrix),
            ..Capabilities::webgpu()
        }
    }

    /// The names of the variants of all passes of a convolution.
    fn names(
        [inputs, outputs, kernel, groups]: [usize; 4],
        storage: Storage,
        capabilities: &Capabilities,
    ) -> [Vec<String>; 3] {
        let window = Window { kernel: [kernel; 2], padding: Padding::Same, ..Window::new(kernel) };
        let convolution = Convolution { geometry: window.over([28; 2]).unwrap(), groups, inputs, outputs };
        [Pass::Forward, Pass::BackwardInput, Pass::BackwardWeight].map(|pass| {
            let problem = Problem::new(&convolution, Direction::Forward, pass, 16, storage);
            Variant::candidates(&problem, capabilities).iter().map(Variant::name).collect()
        })
    }

    /// Whether each pass has the variant.
    fn has(sizes: [usize; 4], storage: Storage, capabilities: &Capabilities) -> [bool; 3] {
        names(sizes, storage, capabilities).map(|names| names.iter().any(|name| name == "cooperative"))
    }

    const LAYER: [usize; 4] = [256, 256, 1, 1];

    #[test]
    fn a_gpu_with_matrix_units_multiplies_half_precision_by_them() {
        for matrix in [CooperativeMatrix::Size8, CooperativeMatrix::Size16] {
            let first = names(LAYER, Storage::NativeF16, &gpu(matrix)).map(|names| names[0].clone());
            assert_eq!(first, ["cooperative"; 3]);
            assert_eq!(has([64, 64, 5, 1], Storage::NativeF16, &gpu(matrix)), [true; 3]);
        }
    }

    #[test]
    fn without_them_nothing_changes() {
        let here = gpu(CooperativeMatrix::Size16);
        for storage in [Storage::F32, Storage::PackedF16] {
            assert_eq!(has(LAYER, storage, &here), [false; 3]);
        }
        let devices = [
            Capabilities { cooperative_matrix: None, ..here.clone() },
            Capabilities { subgroup_size: None, ..here.clone() },
            // A workgroup would be four times as many.
            Capabilities { subgroup_size: Some(128), ..here },
        ];
        for device in devices {
            let without = Capabilities { cooperative_matrix: None, ..device.clone() };
            assert_eq!(names(LAYER, Storage::NativeF16, &device), names(LAYER, Storage::NativeF16, &without));
        }
    }

    #[test]
    fn groups_and_narrow_images_have_no_such_product() {
        let here = gpu(CooperativeMatrix::Size16);
        assert_eq!(has([64, 64, 3, 2], Storage::NativeF16, &here), [false; 3]);
        assert_eq!(has([3, 64, 3, 1], Storage::NativeF16, &here), [false, true, false]);
        assert_eq!(has([64, 3, 3, 1], Storage::NativeF16, &here), [true, false, true]);
        // There are no bits for so many taps.
        assert_eq!(has([8, 8, 17, 1], Storage::NativeF16, &here), [false; 3]);
    }

    #[test]
    fn a_processor_takes_them_last() {
        let here = Capabilities { software: true, subgroup_size: Some(8), ..gpu(CooperativeMatrix::Size8) };
        for names in names(LAYER, Storage::NativeF16, &here) {
            assert_eq!(names.last().map(String::as_str), Some("cooperative"), "{names:?}");
        }
    }
}

//! The variants of a pass through a convolution, and which of them suits a device best.

use super::super::machine::{Machine, Work};
use super::super::program::Program;
use super::cooperative::Cooperative;
use super::depthwise::{self, Steps};
use super::depthwise_rows;
use super::gathered;
use super::pointwise;
use super::problem::{Image, Problem, WeightGradient};
use super::product::{self, Product};
use super::sizes::Sizes;
use super::tiling::Tiling;
use super::winograd::Winograd;
use crate::gpu::Capabilities;

/// Where the dispatches of a layer go.
pub(super) struct Place<'a> {
    pub program: &'a mut Program,
    pub layer: &'a str,
    pub capabilities: &'a Capabilities,
}

/// A family of kernels that computes a pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Variant {
    /// A window of one pixel that touches each pixel once: a matrix product.
    Pointwise(Tiling),
    /// An implicit matrix product, for each group.
    Product(Product),
    /// A matrix product that gives what each tap has of each pixel, and the sums of these.
    Gathered(Tiling),
    /// One input channel in each group.
    Depthwise(Steps),
    /// One channel in each group, and 3 x 3 taps.
    DepthwiseRows,
    /// Fewer multiplications: transforms around a product for each point.
    Winograd(Winograd),
}

impl Variant {
    /// Those that can compute a problem on a device, the best by estimate first; there is always one.
    pub fn candidates(problem: &Problem, capabilities: &Capabilities) -> Vec<Self> {
        let convolution = &problem.convolution;
        if let Some(steps) = Steps::of(convolution) {
            let rows = depthwise_rows::suits(problem).then_some(Self::DepthwiseRows);
            return rows.into_iter().chain([Self::Depthwise(steps)]).collect();
        }
        let mut variants: Vec<Self> = if convolution.is_pointwise() {
            let thin = |tiling| Product::thin(problem, tiling).map(Self::Product);
            let tilings = Tiling::all(problem, capabilities).into_iter();
            let cooperative = Cooperative::of(problem, capabilities).map(Product::Cooperative);
            let products = tilings.map(|tiling| thin(tiling).unwrap_or(Self::Pointwise(tiling)));
            products.chain(cooperative.map(Self::Product)).collect()
        } else {
            let products = Product::all(problem, capabilities).into_iter().map(Self::Product);
            products.chain(gathered::all(problem, capabilities).into_iter().map(Self::Gathered)).collect()
        };
        variants.extend(Winograd::all(problem, capabilities).into_iter().map(Self::Winograd));
        let estimate = |variant: &Self| variant.estimate(problem, capabilities);
        variants.sort_by(|a, b| estimate(a).total_cmp(&estimate(b)));
        variants
    }

    /// Its name: no two candidates of a problem have the same.
    pub fn name(&self) -> String {
        match self {
            Self::Pointwise(tiling) => tiling.name(),
            Self::Product(product) => product.name(),
            Self::Gathered(tiling) => format!("gathered {}", tiling.name()),
            Self::Depthwise(_) => "depthwise".into(),
            Self::DepthwiseRows => "depthwise rows".into(),
            Self::Winograd(winograd) => winograd.name(),
        }
    }

    /// About how long it takes, in the multiply-adds of [`Machine`].
    pub fn estimate(&self, problem: &Problem, capabilities: &Capabilities) -> f64 {
        let (machine, sizes) = (Machine::of(capabilities), Sizes::of(problem));
        // Those of groups are estimated by what they reach of the adapter's multiply-adds.
        let grouped = |efficiency| {
            machine.time(Work {
                products: problem.batch as f64 * problem.convolution.flops() as f64 / 2.0,
                bytes: sizes.bytes,
                workgroups: capabilities.workgroups_wanted(),
                invocations: 64,
                efficiency,
            })
        };
        match self {
            Self::Pointwise(tiling) | Self::Product(Product::Dense(tiling)) => {
                sizes.time(*tiling, &machine, capabilities)
            }
            Self::Product(Product::Thin(tile)) => sizes.time(Tiling::Subgroup(*tile), &machine, capabilities),
            Self::Product(Product::Cooperative(units)) => sizes.time(*units, &machine, capabilities),
            Self::Gathered(tiling) => gathered::estimate(problem, *tiling, capabilities),
            Self::Winograd(winograd) => winograd.estimate(problem, capabilities),
            Self::Product(_) | Self::Depthwise(_) => grouped(0.2),
            Self::DepthwiseRows => grouped(0.4),
        }
    }

    /// Appends a forward pass or a gradient to the input.
    pub fn image(&self, place: &mut Place<'_>, problem: &Problem, image: Image<'_>) {
        match *self {
            Self::Pointwise(tiling) => pointwise::image(place, problem, tiling, image),
            Self::Product(product) => product::image(place, problem, product, image),
            Self::Gathered(tiling) => gathered::image(place, problem, tiling, image),
            Self::Depthwise(steps) => depthwise::image(place, problem, steps, image),
            Self::DepthwiseRows => depthwise_rows::image(place, problem, image),
            Self::Winograd(winograd) => winograd.image(place, problem, image),
        }
    }

    /// Appends a gradient to the weight.
    pub fn weight(&self, place: &mut Place<'_>, problem: &Problem, gradient: WeightGradient) {
        match *self {
            Self::Pointwise(tiling) => pointwise::weight(place, problem, tiling, gradient),
            Self::Product(product) => product::weight(place, problem, product, gradient),
            // It is of no other kind than that of an implicit product.
            Self::Gathered(tiling) => product::weight(place, problem, Product::Dense(tiling), gradient),
            Self::Depthwise(steps) => depthwise::weight(place, problem, steps, gradient),
            Self::DepthwiseRows => depthwise_rows::weight(place, problem, gradient),
            Self::Winograd(winograd) => winograd.weight(place, problem, gradient),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::super::problem::Pass;
    use super::super::{Convolution, Direction};
    use super::*;
    use crate::ops::choice::Problem as _;
    use crate::ops::program::Storage;
    use crate::shape::{Padding, Window};

    /// What the pipelines of each variant of a layer's passes are made of: kernels, sections and constants.
    fn pipelines(
        window: &Window,
        [size, inputs, outputs, groups]: [usize; 4],
        capabilities: &Capabilities,
    ) -> BTreeMap<String, BTreeSet<String>> {
        let geometry = window.over([size; 2]).unwrap();
        let convolution = Convolution { geometry, groups, inputs, outputs };
        let passes = [Pass::Forward, Pass::BackwardInput, Pass::BackwardWeight];
        let problems =
            passes.map(|pass| Problem::new(&convolution, Direction::Forward, pass, 8, Storage::F32));
        let each = problems.iter().flat_map(|problem| {
            problem.candidates(capabilities).into_iter().enumerate().map(move |(candidate, name)| {
                let mut program = Program::new(capabilities);
                problem.trial(&mut program, capabilities, candidate);
                let made = program.dispatches.iter();
                let made = made.map(|dispatch| format!("{} {:?}", dispatch.variant(), dispatch.constants));
                (format!("{:?} {name}", problem.pass), made.collect())
            })
        });
        each.collect()
    }

    fn same(kernel: usize) -> Window {
        Window { padding: Padding::Same, ..Window::new(kernel) }
    }

    /// Those of a variant whose name ends so.
    fn of<'a>(pipelines: &'a BTreeMap<String, BTreeSet<String>>, name: &str) -> Vec<&'a BTreeSet<String>> {
        pipelines.iter().filter(|(variant, _)| variant.ends_with(name)).map(|(_, made)| made).collect()
    }

    #[test]
    fn layers_of_several_sizes_share_pipelines() {
        let gpu = Capabilities::webgpu();
        for (kernel, small, large) in [
            (3, [28, 64, 64, 64], [56, 128, 128, 128]),
            (5, [28, 64, 64, 64], [56, 128, 128, 128]),
            (3, [28, 64, 64, 2], [56, 128, 256, 4]),
            (3, [28, 6, 9, 3], [56, 10, 15, 5]),
        ] {
            let made = pipelines(&same(kernel), small, &gpu);
            assert_eq!(made, pipelines(&same(kernel), large, &gpu), "{kernel}: {small:?} and {large:?}");
        }
    }

    #[test]
    fn kernels_of_processors_are_the_same_for_all_windows() {
        let processor = Capabilities { subgroup_size: Some(8), software: true, ..Capabilities::webgpu() };
        let of_kernel = |kernel| pipelines(&same(kernel), [56, 64, 64, 1], &processor);
        let (three, seven) = (of_kernel(3), of_kernel(7));
        let (three, seven) = (of(&three, " subgroup"), of(&seven, " subgroup"));
        assert_eq!((three.len(), &three), (3, &seven));
    }
}

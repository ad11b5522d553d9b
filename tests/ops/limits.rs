//! The least device, and dispatches of very many workgroups.

use std::collections::BTreeMap;
use std::path::Path;

use wgcnn::Tensor;
use wgcnn::gpu::Context;
use wgcnn::network::Network;
use wgcnn::ops::{MaxPool2d, Operator};
use wgcnn::reference::Pass;
use wgcnn::shape::Shape;

use crate::common::case::{self, Case};
use crate::common::gpu;
use crate::contexts::contexts;

/// A device with no more than wgpu's least limits for compute shaders: four storage buffers a kernel, 256 invocations and
/// 16 KiB of memory a workgroup.
fn least() -> Context {
    let descriptor = wgpu::InstanceDescriptor::new_without_display_handle().with_env();
    let instance = wgpu::Instance::new(descriptor);
    let adapter = pollster::block_on(instance.request_adapter(&Default::default())).unwrap();
    let required_limits = wgpu::Limits::downlevel_defaults();
    let descriptor = wgpu::DeviceDescriptor { required_limits, ..Default::default() };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
    Context::from_device(&adapter, device, queue)
}

/// A case of every name of the registry runs there and is right, or says how many storage buffers it would take: of
/// all names, every second from `first` on.
fn runs_on_the_least_device(first: usize) {
    let context = least();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut cases: BTreeMap<String, Case> = BTreeMap::new();
    for file in case::files(&folder).unwrap() {
        let case = Case::read(&file).unwrap();
        cases.entry(case.operator.clone()).or_insert(case);
    }
    let (mut ran, mut refused) = (0, vec![]);
    for (name, case) in cases.iter().skip(first).step_by(2) {
        let Some(entry) = wgcnn::ops::registry::find(name) else { continue };
        match gpu::run(&context, case, entry) {
            Ok(results) => {
                let wrong: Vec<String> = case.mismatches(&results).iter().map(ToString::to_string).collect();
                assert!(wrong.is_empty(), "{name}: {}", wrong.join("\n"));
                ran += 1;
            }
            Err(message) => {
                assert!(message.contains("maxStorageBuffersPerShaderStage of 4"), "{name}: {message}");
                refused.push(name.as_str());
            }
        }
    }
    // Normalisation reads and writes more statistics than that.
    let allowed = ["batch_norm", "group_norm"];
    assert!(refused.iter().all(|name| allowed.contains(name)), "{refused:?} need more storage buffers");
    assert!(ran > 15, "{ran} operators");
}

#[test]
fn half_of_all_operators_run_on_the_least_device() {
    runs_on_the_least_device(0);
}

#[test]
fn the_other_half_runs_on_the_least_device() {
    runs_on_the_least_device(1);
}

/// More workgroups than an axis of a dispatch has: they are folded over two.
#[test]
fn more_workgroups_than_an_axis_has() {
    // A pool has 64 invocations a workgroup.
    let (height, width) = (2049, 2049);
    assert!(height * width > 64 * 65_535);
    let operator: std::sync::Arc<dyn Operator> = std::sync::Arc::new(MaxPool2d::new([1, 2]).stride(1));
    let network = Network::from_operator(operator, &[Shape::new(1, height, width + 1)]).unwrap();
    let value = |i: usize| (i * 7919 % 10_007) as f32;
    let input = Tensor::from_fn([1, 1, height, width + 1], value);
    // The variants do not differ here.
    let context = &contexts()[0];
    let got = gpu::differentiate(context, &network, &[&input], None, &Pass::default()).unwrap();
    for (i, got) in got["output"].iter().enumerate() {
        let at = i / width * (width + 1) + i % width;
        assert_eq!(*got, f64::from(value(at).max(value(at + 1))), "output {i}");
    }
}

//! A plan's peak memory is what is allocated.

use wgcnn::gpu::Context;
use wgcnn::network::Network;
use wgcnn::ops::{Conv2d, CrossEntropy};
use wgcnn::train::Trainer;

use crate::fixture::{images, optimizer};

/// How much more or less may be allocated than is planned.
const TOLERANCE: f64 = 0.1;

fn assert_about(what: &str, allocated: u64, planned: u64) {
    let ratio = allocated as f64 / planned as f64;
    assert!((ratio - 1.0).abs() <= TOLERANCE, "{what}: {allocated} bytes are allocated, {planned} planned");
}

/// A network whose memory is mostly activations, and one that is mostly parameters.
fn networks() -> [Network; 2] {
    let convolutions = Network::builder([1, 12, 12])
        .conv2d("conv1", Conv2d::new(16, 3).same())
        .relu()
        .conv2d("conv2", Conv2d::new(16, 3).same())
        .relu()
        .max_pool2d(2)
        .flatten()
        .linear("fc1", 4);
    let perceptron = Network::builder([1, 12, 12]).flatten().linear("fc1", 1024).relu().linear("fc2", 4);
    [convolutions, perceptron].map(|builder| builder.build().unwrap())
}

#[test]
fn what_is_planned_is_allocated() {
    for network in networks() {
        // A device of its own: other tests allocate meanwhile.
        let context = Context::new().unwrap();
        let mut trainer = Trainer::new(&context, network, CrossEntropy::mean(), optimizer(), 64).unwrap();
        let planned = trainer.plan().peak_bytes();
        assert_about("a new trainer", context.allocated_bytes(), planned);
        trainer.step(&images(64).batches(64).next().unwrap()).unwrap();
        trainer.evaluate(&images(100)).unwrap();
        assert_about("after a step and an evaluation", context.allocated_bytes(), planned);
        trainer.predict(&images(3).batches(3).next().unwrap().images).unwrap();
        assert_about("after a prediction", context.allocated_bytes(), planned);
        if let Some(report) = context.device().generate_allocator_report() {
            // Whatever the allocator rounds up and wgpu keeps for transfers comes on top.
            let (used, reserved) = (report.total_allocated_bytes, report.total_reserved_bytes);
            println!("planned {planned}, allocated {used} of {reserved} reserved");
            assert!(used as f64 >= (1.0 - TOLERANCE) * planned as f64, "{used} bytes of {planned}");
        }
        drop(trainer);
        assert_eq!(context.allocated_bytes(), 0, "nothing is left behind");
    }
}

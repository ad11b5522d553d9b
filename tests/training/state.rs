//! What an optimizer remembers can be read and written.

use wgcnn::network::Network;
use wgcnn::ops::{Adam, Linear};
use wgcnn::schedule::{DeviceParameters, Execution, Plan, PlanOptions};
use wgcnn::{Error, Tensor};

use crate::fixture::contexts;

#[test]
fn what_was_written_is_read_and_what_cannot_be_is_refused() {
    let mut network = Network::builder(5)
        .layer("stem", Linear::new(3).bias(false))
        .layer("head", Linear::new(2))
        .build()
        .unwrap();
    network.freeze("stem").unwrap();
    let context = &contexts()[0];
    let optimizer = Adam::new(0.1);
    let options = PlanOptions { optimizer: Some(&optimizer), ..PlanOptions::gradients(1) };
    let parameters = DeviceParameters::upload(context, &network).unwrap();
    let plan = Plan::new(&network, &options, context.capabilities()).unwrap();
    let execution = Execution::new(context, plan, &parameters, None).unwrap();

    let squares = [
        ("head.weight".to_owned(), Tensor::from_fn([2, 3], |i| i as f32)),
        ("head.bias".to_owned(), Tensor::from_fn([2], |i| 0.5 - i as f32)),
    ];
    execution.write_optimizer_state(1, &squares).unwrap();
    let mut read = execution.read_optimizer_state(1).unwrap();
    read.sort_by(|a, b| b.0.cmp(&a.0));
    assert_eq!(read, squares);
    let means = execution.read_optimizer_state(0).unwrap();
    assert!(means.len() == 2 && means.iter().all(|(_, mean)| mean.data().iter().all(|x| *x == 0.0)));
    assert_eq!(execution.read_optimizer_state(2).unwrap(), []);

    let refusal = |index: usize, name: &str, value: Tensor| {
        let values = [(name.to_owned(), value)];
        execution.write_optimizer_state(index, &values).unwrap_err().to_string()
    };
    assert_eq!(
        refusal(0, "head.weight", Tensor::zeros([3, 2])),
        "parameter \"head.weight\": its state is of shape [2, 3], got [3, 2]"
    );
    assert_eq!(
        refusal(2, "head.bias", Tensor::zeros([2])),
        "parameter \"head.bias\": the optimizer remembers no tensor 2 of it"
    );
    assert_eq!(
        refusal(0, "stem.weight", Tensor::zeros([3, 5])),
        "parameter \"stem.weight\": the optimizer remembers no tensor 0 of it"
    );
    assert_eq!(
        refusal(0, "tail.weight", Tensor::zeros([2])),
        "parameter \"tail.weight\": the optimizer remembers no tensor 0 of it"
    );
}

/// A plan and parameters of two networks, or of one whose layers were frozen between, do not go together.
#[test]
fn parameters_of_another_network_are_refused() {
    let network = |features: usize| {
        let network = Network::builder(5).layer("stem", Linear::new(features)).layer("head", Linear::new(2));
        network.build().unwrap()
    };
    let context = &contexts()[0];
    let parameters = DeviceParameters::upload(context, &network(3)).unwrap();
    let refusal = |network: &Network| {
        let plan = Plan::new(network, &PlanOptions::gradients(1), context.capabilities()).unwrap();
        Execution::new(context, plan, &parameters, None).unwrap_err().to_string()
    };
    assert_eq!(
        refusal(&network(4)),
        "network: the plan is of other parameters than those on the device: it has stem.weight of [4, 5] (Weight), trained, at \
         byte 0, and there is stem.weight of [3, 5] (Weight), trained, at byte 0"
    );
    let mut frozen = network(3);
    frozen.freeze("head").unwrap();
    let wanted = "it has head.weight of [2, 3] (Weight), frozen, at byte 0, and there is head.weight of [2, 3] (Weight), trained, at byte";
    assert!(refusal(&frozen).contains(wanted), "{}", refusal(&frozen));
    let shorter = Network::builder(5).layer("stem", Linear::new(3)).build().unwrap();
    assert!(
        refusal(&shorter).contains("it has none more, and there is head.weight"),
        "{}",
        refusal(&shorter)
    );
    match parameters.download(context, &shorter) {
        Err(Error::Parameter { name, .. }) => assert_eq!(name, "head.weight"),
        other => panic!("{other:?}"),
    }
}

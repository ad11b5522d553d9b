//! What an optimizer remembers can be read and written.

use wgcnn::Tensor;
use wgcnn::network::Network;
use wgcnn::ops::{Adam, Linear};
use wgcnn::schedule::{DeviceParameters, Execution, Plan, PlanOptions};

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
    execution.write_optimizer_state(&network, 1, &squares).unwrap();
    let mut read = execution.read_optimizer_state(&network, 1).unwrap();
    read.sort_by(|a, b| b.0.cmp(&a.0));
    assert_eq!(read, squares);
    let means = execution.read_optimizer_state(&network, 0).unwrap();
    assert!(means.len() == 2 && means.iter().all(|(_, mean)| mean.data().iter().all(|x| *x == 0.0)));
    assert_eq!(execution.read_optimizer_state(&network, 2).unwrap(), []);

    let refusal = |index: usize, name: &str, value: Tensor| {
        let values = [(name.to_owned(), value)];
        execution.write_optimizer_state(&network, index, &values).unwrap_err().to_string()
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
    assert!(refusal(0, "tail.weight", Tensor::zeros([2])).contains("the network has none of that name"));
}

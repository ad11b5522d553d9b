//! What becomes of whole graphs: names, shapes, batches, inputs.

use wgcnn::Tensor;
use wgcnn::import::onnx::{Constant, Model, Port};
use wgcnn::network::Network;
use wgcnn::shape::Shape;

use crate::common::evaluate::Engine;
use crate::models::{INT64, Sketch};

fn layers(network: &Network) -> Vec<(&str, &str)> {
    network.nodes().iter().map(|node| (node.name.as_str(), node.operator.name())).collect()
}

fn parameters(network: &Network) -> Vec<&str> {
    network.parameters().iter().map(|parameter| parameter.name.as_str()).collect()
}

/// What `network` makes of inputs that count up from 1.
fn counted(network: &Network, batch: usize) -> Vec<f64> {
    let inputs: Vec<Tensor> = network
        .inputs()
        .iter()
        .map(|input| Tensor::from_fn(network.shape(*input).nchw(batch), |i| (i + 1) as f32))
        .collect();
    Engine::Reference.evaluate(network, &inputs, None).unwrap()
}

#[test]
fn layers_are_named_after_their_weights() {
    let network = Sketch::new(13)
        .input("x", &[-1, 3, 6, 6])
        .ones("stem.conv1.weight", &[4, 3, 3, 3])
        .ones("stem.conv1.bias", &[4])
        .ones("W", &[144, 2])
        .node("x stem.conv1.weight stem.conv1.bias -> Conv -> a")
        .ints("pads", &[1, 1, 1, 1])
        .named("/stem/Conv")
        .node("a -> Relu -> b")
        .named("act")
        .node("b -> Relu -> c")
        .named("act")
        .node("c -> Flatten -> d")
        .node("d W -> MatMul -> y")
        .model()
        .network()
        .unwrap();
    assert_eq!(
        layers(&network),
        [
            ("stem.conv1", "conv2d"),
            ("act", "relu"),
            ("relu1", "relu"),
            ("flatten1", "flatten"),
            ("linear1", "linear")
        ]
    );
    assert_eq!(parameters(&network), ["stem.conv1.weight", "stem.conv1.bias", "linear1.weight"]);
    assert_eq!(network.parameter("linear1.weight").unwrap().value.shape(), [2, 144]);
    assert_eq!((network.input_shape(), network.output_shape()), ([3, 6, 6].into(), Shape::features(2)));
}

#[test]
fn axis_0_is_the_batch_where_it_can_be() {
    let sketch = |batch| Sketch::new(13).input("x", &[batch, 4]).node("x -> Relu -> y");
    let import = |sketch: Sketch| sketch.model().import("y").unwrap();
    let open = import(sketch(-1));
    assert_eq!((open.batch, open.network.input_shape()), (None, Shape::features(4)));
    assert_eq!(open.output.shape, Some(vec![None, Some(4)]));
    assert_eq!(import(sketch(7)).batch, Some(7));

    // The sum repeats the second input along axis 0: the two have no common batch.
    let sum = import(Sketch::new(13).input("a", &[2, 3]).input("b", &[3]).node("a b -> Add -> y"));
    assert_eq!((sum.batch, sum.network.shapes()[0]), (Some(1), [2, 1, 3].into()));
    assert_eq!(counted(&sum.network, 1), [2.0, 4.0, 6.0, 5.0, 7.0, 9.0]);
    let names: Vec<&str> = sum.inputs.iter().map(|port| port.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn only_what_an_output_depends_on_is_imported() {
    let model = Sketch::new(13)
        .input("a", &[2, 3])
        .input("b", &[2, 3])
        .node("a -> Relu -> y")
        .node("b -> NoSuchThing -> z")
        .node("b -> Identity -> w")
        .output("y")
        .output("z")
        .output("w")
        .model();
    let import = model.import("y").unwrap();
    assert_eq!((import.inputs.len(), &*import.inputs[0].name), (1, "a"));
    assert!(model.import("z").is_err());
    let identity = model.import("w").unwrap();
    assert_eq!(counted(&identity.network, 1), [1.0, 2.0, 3.0]);
    assert_eq!(model.operators().collect::<Vec<_>>(), ["Relu", "NoSuchThing", "Identity"]);
}

#[test]
fn the_caller_says_what_the_model_leaves_open() {
    let sketch = Sketch::new(13)
        .input("x", &[-1, 3, -1, -1])
        .input("w", &[2, 3, 1, 1])
        .typed_input("shape", INT64, &[2])
        .node("x w -> Conv -> a")
        .node("a shape -> Reshape -> y");
    let model = sketch.model();
    assert_eq!(model.constant_inputs(), ["w", "shape"]);
    let ports = model.inputs();
    assert_eq!(
        ports[0],
        Port {
            name: "x".into(),
            elements: Some("FLOAT".into()),
            shape: Some(vec![None, Some(3), None, None])
        }
    );
    assert_eq!(ports[2].elements.as_deref(), Some("INT64"));
    let weight = Tensor::from_fn([2, 3, 1, 1], |i| i as f32);
    let given = |model: Model| {
        let target = Tensor::<i64>::new([2], vec![0, -1]).unwrap();
        model.with_constant("w", weight.clone()).unwrap().with_constant("shape", target).unwrap()
    };
    let network = given(model.clone()).with_input_shape("x", &[5, 3, 4, 2]).unwrap().network().unwrap();
    assert_eq!((network.input_shape(), network.output_shape()), ([3, 4, 2].into(), Shape::features(16)));
    assert_eq!(network.parameters()[0].value, weight);

    let says = |model: Model, wanted: &str| {
        let message = model.network().unwrap_err().to_string();
        assert_eq!(message, format!("ONNX model in memory: {wanted}"));
    };
    says(
        given(model.clone()),
        "input \"x\" is of shape [?, 3, ?, ?]: the sizes past the batch must be known; with_input_shape() can give \
         them",
    );
    says(
        given(model.clone()).with_input_shape("x", &[5, 4, 4, 2]).unwrap(),
        "input \"x\" is of shape [?, 3, ?, ?], which cannot be [5, 4, 4, 2]",
    );
    let unknown = model.with_constant("v", Constant::from(weight)).unwrap_err().to_string();
    assert_eq!(
        unknown,
        "ONNX model in memory: it has no input \"v\"; its inputs are [\"x\", \"w\", \"shape\"]"
    );
}

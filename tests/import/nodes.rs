//! What nodes compute that none of ONNX's own tests has.

use wgcnn::Tensor;
use wgcnn::import::onnx::Import;

use crate::common::evaluate::Engine;
use crate::models::Sketch;

/// What the model's only output is for inputs that count up from `first`.
fn computed(sketch: Sketch, first: f32) -> Vec<f64> {
    let import = import(sketch);
    let batch = import.batch.unwrap_or(2);
    let network = &import.network;
    let input = |value| Tensor::from_fn(network.shape(value).nchw(batch), |i| i as f32 + first);
    let inputs: Vec<Tensor> = network.inputs().iter().copied().map(input).collect();
    Engine::Reference.evaluate(network, &inputs, None).unwrap()
}

fn import(sketch: Sketch) -> Import {
    let model = sketch.model();
    model.import(&model.outputs()[0].name).unwrap()
}

fn assert_close(got: &[f64], wanted: &[f64]) {
    let close = got.len() == wanted.len() && got.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-6);
    assert!(close, "got {got:?}, want {wanted:?}");
}

/// A model of one node over an input of this shape.
fn of(opset: i64, shape: &[i64], node: &str) -> Sketch {
    Sketch::new(opset).input("x", shape).node(node)
}

#[test]
fn norms_of_windows() {
    let lp = of(18, &[1, 1, 2, 3], "x -> LpPool -> y").ints("kernel_shape", &[2, 2]).int("p", 1);
    assert_close(&computed(lp, 0.0), &[8.0, 12.0]);
    let lp = of(1, &[1, 1, 1, 2], "x -> LpPool -> y").ints("kernel_shape", &[1, 2]).float("p", 2.0);
    assert_close(&computed(lp, 3.0), &[5.0]);
    let global = of(2, &[2, 1, 2, 1], "x -> GlobalLpPool -> y").int("p", 1);
    assert_close(&computed(global, 1.0), &[3.0, 7.0]);
}

#[test]
fn activation_functions() {
    assert_close(&computed(of(20, &[1, 1], "x -> Gelu -> y"), 1.0), &[0.841_344_746_068_543]);
    assert_close(&computed(of(24, &[1, 1], "x -> Swish -> y"), 1.0), &[0.731_058_578_630_005]);
    let relu6 = of(6, &[1, 4], "x -> Clip -> y").float("min", 0.0).float("max", 6.0);
    let import = import(relu6.clone());
    assert_eq!(import.network.nodes()[0].operator.name(), "relu6");
    assert_close(&computed(relu6, 4.0), &[4.0, 5.0, 6.0, 6.0]);
    let relu = of(11, &[1, 2], "x a -> Clip -> y").floats("a", &[0.0]);
    assert_eq!(self::import(relu).network.nodes()[0].operator.name(), "relu");
}

#[test]
fn axes_come_and_go() {
    // [2, 3] -> [2, 1, 3, 1] -> [2, 3], and a constant transposed on the way.
    let sketch = of(13, &[2, 3], "x a -> Unsqueeze -> u")
        .integers("a", &[1, -1])
        .node("u b -> Squeeze -> s")
        .integers("b", &[-1, 1])
        .node("w -> Transpose -> t")
        .tensor(crate::proto::TensorProto {
            float_data: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            ..crate::models::tensor("w", crate::models::FLOAT, &[2, 3])
        })
        .node("s t -> MatMul -> y");
    assert_close(&computed(sketch, 0.0), &[8.0, 17.0, 26.0, 62.0]);
    // Before version 13 the axes are an attribute; without them all of size 1 go.
    let squeeze = of(11, &[2, 1, 3, 1], "x -> Squeeze -> y");
    assert_eq!(import(squeeze).output.shape, Some(vec![Some(2), Some(3)]));
    let unsqueeze = of(11, &[2, 3], "x -> Unsqueeze -> y").ints("axes", &[2]);
    assert_eq!(import(unsqueeze).output.shape, Some(vec![Some(2), Some(3), Some(1)]));
}

#[test]
fn padding_adds_and_cuts() {
    let pad =
        |pads: &[i64]| of(13, &[1, 1, 2, 2], "x p v -> Pad -> y").integers("p", pads).floats("v", &[9.0]);
    // A row above, and the last column off.
    assert_close(&computed(pad(&[0, 0, 1, 0, 0, 0, 0, -1]), 1.0), &[9.0, 1.0, 3.0]);
    // A channel behind.
    assert_close(&computed(pad(&[0, 0, 0, 0, 0, 1, 0, 0]), 1.0), &[1.0, 2.0, 3.0, 4.0, 9.0, 9.0, 9.0, 9.0]);
    let named = of(18, &[1, 1, 1, 2], "x p - a -> Pad -> y").integers("p", &[1, 1]).integers("a", &[-1]);
    assert_close(&computed(named, 1.0), &[0.0, 1.0, 2.0, 0.0]);
    let edge = of(2, &[1, 2], "x -> Pad -> y").ints("pads", &[0, 1, 0, 2]).string("mode", "edge");
    assert_close(&computed(edge, 1.0), &[1.0, 1.0, 2.0, 2.0, 2.0]);
}

#[test]
fn old_versions_mean_other_things() {
    // Softmax went over the axis and all behind it.
    let softmax = of(11, &[1, 2, 2], "x -> Softmax -> y").int("axis", 1);
    let exponentials: Vec<f64> = (0..4).map(|i| f64::from(i).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    let wanted: Vec<f64> = exponentials.iter().map(|e| e / sum).collect();
    assert_close(&computed(softmax, 0.0), &wanted);
    // The second operand's axes met the first's from an axis on.
    let add = of(6, &[1, 2, 2], "x b -> Add -> y").floats("b", &[10.0, 20.0]);
    let add = add.int("broadcast", 1).int("axis", 1);
    assert_close(&computed(add, 0.0), &[10.0, 11.0, 22.0, 23.0]);
    // Resize took scales alone, and the pixel before.
    let resize = of(10, &[1, 1, 1, 2], "x s -> Resize -> y").floats("s", &[1.0, 1.0, 1.0, 2.0]);
    assert_close(&computed(resize, 5.0), &[5.0, 5.0, 6.0, 6.0]);
    let reshape = of(1, &[1, 4], "x -> Reshape -> y").ints("shape", &[0, 2, -1]);
    assert_eq!(import(reshape).output.shape, Some(vec![Some(1), Some(2), Some(2)]));
    // Batch normalisation is one for inference only where it says so.
    let norm = |test: i64| {
        let node = "x s b m v -> BatchNormalization -> y";
        let sketch = of(6, &[1, 1, 1, 2], node).int("is_test", test).float("epsilon", 0.0);
        sketch.floats("s", &[3.0]).floats("b", &[1.0]).floats("m", &[2.0]).floats("v", &[4.0])
    };
    assert_close(&computed(norm(1), 0.0), &[-2.0, -0.5]);
    let refusal = norm(0).model().network().unwrap_err().to_string();
    assert!(refusal.contains("it normalises by the batch's own mean and variance"), "{refusal}");
}

#[test]
fn constants_are_folded_into_layers() {
    // A factor for each channel, a number for all, a number for each element.
    let mul = |shape: &[i64]| of(13, &[1, 2, 1, 2], "x c -> Mul -> y").ones("c", shape);
    for (shape, operators) in
        [(&[2, 1, 1][..], &["conv2d"][..]), (&[], &["conv2d"]), (&[1, 2, 1, 2], &["conv2d"])]
    {
        let network = import(mul(shape)).network;
        let names: Vec<&str> = network.nodes().iter().map(|node| node.operator.name()).collect();
        assert_eq!(names, operators, "{shape:?}");
        assert_close(&computed(mul(shape), 1.0), &[1.0, 2.0, 3.0, 4.0]);
    }
    let add = of(13, &[1, 2, 1, 2], "x c -> Add -> y").floats("c", &[10.0, 20.0]);
    let names: Vec<&str> =
        import(add.clone()).network.nodes().iter().map(|node| node.operator.name()).collect();
    assert_eq!(names, ["flatten", "conv2d", "reshape"]);
    assert_close(&computed(add, 1.0), &[11.0, 22.0, 13.0, 24.0]);
}

#[test]
fn loss_and_network_part_at_the_end() {
    let sketch = of(13, &[-1, 3, 4], "x l -> SoftmaxCrossEntropyLoss -> y").int("ignore_index", 2);
    let model = sketch.typed_input("l", crate::models::INT64, &[-1, 4]).model();
    let import = model.import("y").unwrap();
    let loss = import.loss.unwrap();
    assert_eq!((loss.loss.name(), loss.target.as_str(), loss.is_reduced), ("cross_entropy", "l", true));
    assert_eq!(import.network.output_shape(), [3, 1, 4].into());
    assert_eq!(import.inputs.len(), 1);
}

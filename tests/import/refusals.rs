//! What cannot be computed is an error that names the node and what would have been accepted.

use wgcnn::import::onnx::Model;

use crate::models::{FLOAT, Sketch};

/// Checks what an import of the model's only output says.
fn says(model: Model, wanted: &str) {
    let message = model.network().expect_err(wanted).to_string();
    assert!(message.contains(wanted), "{message:?} lacks {wanted:?}");
}

/// A model of one node `x ... -> Operator -> y` over an image.
fn image(node: &str) -> Sketch {
    Sketch::new(13).input("x", &[2, 3, 6, 6]).node(node)
}

#[test]
fn nodes() {
    for (sketch, wanted) in [
        (
            image("x -> Sin -> y"),
            "node \"y\" (Sin): this operator cannot be imported; those that can be are Add, ",
        ),
        (
            image("x -> Relu -> y").domain("com.example"),
            "which version of the operators of \"com.example\" it uses",
        ),
        (
            image("x -> Relu -> y").int("alpha", 1),
            "attribute alpha is not known; known are {\"consumed_inputs\"}",
        ),
        (image("x -> Relu -> y").named("act1").float("slope", 1.0), "node \"act1\" (Relu): attribute slope"),
        (image("- -> Relu -> y"), "input 0 is missing"),
        (image("z -> Relu -> y"), "input 0 (\"z\") is an output that cannot be computed here"),
        (image("c -> Relu -> y").ones("c", &[1]), "input 0 is a constant; it must depend on an input"),
    ] {
        says(sketch.model(), wanted);
    }
}

#[test]
fn windows() {
    let conv = || image("x w -> Conv -> y").ones("w", &[4, 3, 3, 3]);
    let pool = || image("x -> MaxPool -> y").ints("kernel_shape", &[2, 2]);
    let volume = Sketch::new(13).input("x", &[2, 3, 4, 4, 4]);
    for (sketch, wanted) in [
        (
            volume.ones("w", &[4, 3, 2, 2, 2]).node("x w -> Conv -> y"),
            "its window slides along 3 axes; it must be one or two (a width, or a height and a width)",
        ),
        (
            conv().int("group", 2),
            "groups is 2; it must divide the 3 input channels and the 4 output channels",
        ),
        (
            conv().ints("kernel_shape", &[3, 2]),
            "kernel_shape is [3, 2], but its weight has a kernel of [3, 3]",
        ),
        (conv().ints("strides", &[1, 1, 1]), "attribute strides is [1, 1, 1]; it must have 2 numbers"),
        (conv().ints("strides", &[1, -1]), "strides is -1; it must be from 0 to 2³² − 1"),
        (conv().ints("dilations", &[0, 1]), "dilation is 0 along the height"),
        (conv().ints("pads", &[1, 1]), "attribute pads is [1, 1]; it must have 4 numbers"),
        (conv().string("auto_pad", "SAME"), "it must be NOTSET, VALID, SAME_UPPER or SAME_LOWER"),
        (conv().int("strides", 1), "attribute strides is not a list of integers"),
        (
            image("x w -> Conv -> y").ones("w", &[4, 2, 3, 3]),
            "it needs a weight of shape [4, 3, 3, 3], got one of [4, 2, 3, 3]",
        ),
        (
            image("x w -> Conv -> y").ones("w", &[4, 3, 3]),
            "its weight has a kernel of [3] for an image of [6, 6]",
        ),
        (
            image("x w -> Conv -> y").input("w", &[4, 3, 3, 3]),
            "input 1 (\"w\") must be a constant: an initializer, the output of a Constant node, or given by \
             Model::with_constant",
        ),
        (image("x x -> Conv -> y"), "input 1 (\"x\") is computed by the model; it must be a constant"),
        (image("x -> MaxPool -> y"), "attribute kernel_shape is missing"),
        (image("x -> MaxPool -> y").ints("kernel_shape", &[7, 7]), "a kernel of at most 6"),
        (pool().ints("kernel_shape", &[2, 2]), "attribute kernel_shape is there twice"),
        (
            image("x -> AveragePool -> y").ints("kernel_shape", &[2, 2]).ints("dilations", &[1, 2]),
            "attribute dilations is [1, 2]; it must be 1",
        ),
        (pool().int("ceil_mode", 2), "attribute ceil_mode is 2; it must be 0 or 1"),
        (
            pool().int("ceil_mode", 1).ints("strides", &[7, 7]).ints("pads", &[0, 0, 1, 1]),
            "attribute ceil_mode is 1, and a window would lie on padding alone",
        ),
        (
            image("x -> AveragePool -> y")
                .ints("kernel_shape", &[3, 3])
                .ints("strides", &[2, 2])
                .int("ceil_mode", 1)
                .int("count_include_pad", 1),
            "attributes ceil_mode and count_include_pad are both 1, and a window passes the padding",
        ),
    ] {
        says(sketch.model(), wanted);
    }
    let indices = image("x -> MaxPool -> v y").ints("kernel_shape", &[2, 2]).output("y");
    says(indices.model(), "its output \"y\" cannot be computed here");
}

#[test]
fn shapes() {
    let reshape = |shape: &[i64]| image("x s -> Reshape -> y").integers("s", shape);
    for (sketch, wanted) in [
        (
            reshape(&[-1, -1]),
            "its input is of shape [2, 3, 6, 6], its output of [2, ?]: the elements of a sample",
        ),
        (reshape(&[7, 3]), "axis 0 is the batch and must stay as it is"),
        (reshape(&[2, 5, -1]), "the sizes [5] do not divide 108 elements"),
        (reshape(&[2, 3, 6, 6, 0]), "keeps axis 4, which is none"),
        (image("x s -> Reshape -> y").floats("s", &[2.0]), "input 1 holds FLOAT; it must be integers"),
        (image("x -> Flatten -> y").int("axis", 5), "axis 5 is not one of the 4 axes of its input"),
        (image("x x -> Concat -> y"), "attribute axis is missing"),
        (
            image("x b -> Concat -> y").int("axis", 1).input("b", &[2, 3, 6, 5]),
            "they may differ along the axis only",
        ),
        (image("x -> Split -> y z").int("axis", 1), "an axis of 3 cannot be split into 2 equal parts"),
        (image("x p -> Pad -> y").integers("p", &[0; 7]), "there must be 8 of them"),
        (
            Sketch::new(13)
                .input("x", &[-1, 3, 6, 6])
                .node("x p -> Pad -> y")
                .integers("p", &[1, 0, 0, 0, 0, 0, 0, 0]),
            "they must be 0 along axis 0, the batch",
        ),
        (
            image("x p -> Pad -> y").integers("p", &[0; 8]).string("mode", "wrap"),
            "attribute mode is \"wrap\"",
        ),
        (image("x a -> Unsqueeze -> y").integers("a", &[1, 1]), "the axes [1, 1] name one twice"),
        (image("x a -> Squeeze -> y").integers("a", &[1]), "axis 1 cannot be dropped; it must be of size 1"),
        (image("x -> Transpose -> y"), "input 0 (\"x\") is computed by the model; it must be a constant"),
        (
            image("x b -> Add -> y").ones("b", &[5]),
            "along each axis of the input it must be of the same size, or 1",
        ),
        (
            Sketch::new(13).input("x", &[-1, 3]).node("x b -> Add -> y").ones("b", &[2, 3]),
            "it must be the same for every sample",
        ),
    ] {
        says(sketch.model(), wanted);
    }
}

#[test]
fn heads() {
    let features = |node: &str| Sketch::new(13).input("x", &[4, 5]).node(node);
    for (sketch, wanted) in [
        (
            features("x w -> Gemm -> y").ones("w", &[6, 2]),
            "its input is of shape [4, 5]; it must be [batch, 6]",
        ),
        (
            features("x w -> Gemm -> y").ones("w", &[5, 2, 1]),
            "the constant is of shape [5, 2, 1]; it must be a matrix",
        ),
        (
            features("x w c -> Gemm -> y").ones("w", &[5, 2]).ones("c", &[4, 2]),
            "it must be the same for every sample, of size 1 along axis 0",
        ),
        (
            features("w x -> Gemm -> y").ones("w", &[5, 2]).int("transA", 1).int("transB", 1),
            "attributes transA and transB are both 1; one of them must be 0",
        ),
        (
            features("x a b -> Clip -> y").floats("a", &[3.0]).floats("b", &[1.0]),
            "the bounds are 3 and 1; they must be finite, the first less than the second",
        ),
        (
            features("x a -> Clip -> y").floats("a", &[f32::NAN]),
            "the min_val of hard_tanh is infinite or not a number; it must be finite",
        ),
        (features("x -> Dropout -> y").int("seed", 3).float("ratio", 0.5), "attribute ratio is not known"),
        (
            features("x l -> SoftmaxCrossEntropyLoss -> y").string("reduction", "max"),
            "attribute reduction is \"max\"; it must be \"mean\" or \"sum\"",
        ),
        (
            features("x l -> SoftmaxCrossEntropyLoss -> z").node("z -> Relu -> y"),
            "input 0 is a loss, after which nothing can follow",
        ),
    ] {
        says(sketch.model(), wanted);
    }
}

#[test]
fn models() {
    let relu = || Sketch::new(13).node("x -> Relu -> y");
    let message = |sketch: Sketch| sketch.model().network().unwrap_err().to_string();
    for (sketch, wanted) in [
        (relu().typed_input("x", 11, &[2]), "input \"x\" is DOUBLE; it must be FLOAT"),
        (relu().input("x", &[2, 0]), "input \"x\" is of shape [2, 0]: it has no elements"),
        (relu().input("x", &[2, 1 << 40]), "a tensor has at most 2³² − 1 elements"),
        (
            relu().input("x", &[2, 3]).output("y").output("z"),
            "it has 2 outputs, [\"y\", \"z\"]; name one to import()",
        ),
        (relu().ones("x", &[2]), "node \"y\" (Relu): input 0 is a constant"),
    ] {
        let message = message(sketch);
        assert!(message.contains(wanted), "{message:?} lacks {wanted:?}");
    }
    let model = relu().typed_input("x", FLOAT, &[2, 3]).model();
    assert_eq!(
        model.import("z").unwrap_err().to_string(),
        "ONNX model in memory: it has no output \"z\"; its outputs are [\"y\"]"
    );
}

#[test]
fn optimizers() {
    let model = |node: &str| {
        let settings = Sketch::new(1).floats("r", &[0.1]).integers("t", &[0]);
        settings.input("x", &[2]).input("g", &[2]).input("v", &[2]).input("h", &[2]).node(node)
    };
    let adam = || model("r t x g v h -> Adam -> a b c").domain("ai.onnx.preview.training");
    let momentum = || model("r t x g v -> Momentum -> a b").domain("ai.onnx.preview.training");
    for (sketch, wanted) in [
        (model("x -> Relu -> y"), "ONNX model in memory: it has no node Adam or Momentum"),
        (adam(), "which version of the operators of \"ai.onnx.preview.training\" it uses"),
        (
            adam().training(1).float("norm_coefficient_post", 0.5),
            "norm_coefficient_post is 0.5; it must be 0",
        ),
        (adam().training(1).float("alpha", 1.0), "the first beta is 1"),
        (adam().training(1).float("gamma", 1.0), "attribute gamma is not known"),
        (momentum().training(1).string("mode", "heavy"), "attribute mode is \"heavy\""),
        (
            model("x t x g v -> Momentum -> a b").domain("ai.onnx.preview.training").training(1),
            "input 0, the learning rate, must be a constant of one FLOAT",
        ),
        (
            model("r r x g v -> Momentum -> a b").domain("ai.onnx.preview.training").training(1),
            "input 1, the number of updates before, must be a constant from 0 to 2³² − 1",
        ),
        (
            model("r t x g v h -> Momentum -> a b").domain("ai.onnx.preview.training").training(1),
            "it has 6 inputs and 2 outputs; there must be 3 inputs for each tensor after the first two, and 2 outputs",
        ),
    ] {
        let message = sketch.model().optimizer().unwrap_err().to_string();
        assert!(message.contains(wanted), "{message:?} lacks {wanted:?}");
    }
    let imported = adam().training(1).model().optimizer().unwrap();
    assert_eq!((imported.optimizer.name(), imported.step, imported.updates.len()), ("adam", 0, 1));
    assert_eq!(imported.updates[0].state, ["v", "h"]);
    assert_eq!(imported.updates[0].new_state, ["b", "c"]);
}

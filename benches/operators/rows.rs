//! What is timed of each operator: one row or two of shapes as networks have them. The kernels that the
//! documentation lists are found with them too.

use serde_json::json;

use super::draft::Draft;

/// A batch of feature maps from the middle of a network.
const IMAGES: [usize; 4] = [16, 64, 28, 28];

/// The rows of an operator; none where it has none yet.
pub fn rows(operator: &str) -> Vec<Draft> {
    let images = || Draft::new(vec![IMAGES.into()]);
    let of = |inputs: usize| Draft::new(vec![IMAGES.into(); inputs]);
    let per_channel = || Draft::new(vec![IMAGES.into(), vec![16, 64, 1, 1]]);
    let scaled = |draft: Draft| draft.parameter("weight", [64]).parameter("bias", [64]);
    let optimizer = || Draft::new(vec![vec![1 << 20], vec![1, 1 << 20]]);
    match operator {
        "adam" | "adamw" | "rmsprop" => vec![optimizer()],
        "adaptive_avg_pool2d" | "adaptive_max_pool2d" => {
            vec![images().attribute("output_size", json!([7, 7]))]
        }
        "add" | "mul" => vec![of(2), per_channel()],
        "avg_pool2d" => vec![images().attribute("kernel", json!([2, 2]))],
        "batch_norm" => vec![scaled(images()), Draft { training: false, ..scaled(images()) }],
        "bce_with_logits" | "l1" | "mse" | "sigmoid_focal" | "smooth_l1" => vec![images()],
        "concat" => vec![of(2)],
        "conv2d" => {
            let conv2d = |out: usize, inputs: usize, kernel: usize| {
                let weight = [out, inputs, kernel, kernel];
                images()
                    .attribute("padding", vec![kernel / 2; 4])
                    .parameter("weight", weight)
                    .parameter("bias", [out])
            };
            vec![
                conv2d(64, 64, 3),
                conv2d(128, 64, 1),
                conv2d(64, 16, 3).attribute("groups", 4),
                conv2d(64, 1, 3).attribute("groups", 64),
            ]
        }
        "conv_transpose2d" => {
            let up = images().attribute("stride", json!([2, 2])).attribute("padding", json!([1, 1, 1, 1]));
            let up = up.parameter("weight", [64, 32, 4, 4]).parameter("bias", [32]);
            let depthwise = images().parameter("weight", [64, 1, 3, 3]).attribute("groups", 64);
            vec![up, depthwise]
        }
        "crop" => vec![images().attribute("sides", json!([1, 2, 3, 2]))],
        "cross_entropy" | "nll_loss" => {
            vec![Draft::new(vec![vec![256, 1000, 1, 1]]), Draft::new(vec![vec![4, 21, 64, 64]])]
        }
        "dropout" => vec![images().attribute("p", 0.5)],
        "elu" | "flatten" | "gelu" | "global_avg_pool2d" | "global_max_pool2d" | "hard_sigmoid"
        | "hard_swish" | "hard_tanh" | "leaky_relu" | "relu" | "relu6" | "sigmoid" | "silu" | "softplus"
        | "tanh" => vec![images()],
        "giou" => vec![Draft { boxes: true, ..Draft::new(vec![vec![64, 4, 28, 28]]) }],
        "group_norm" => vec![scaled(images()).attribute("num_groups", 8)],
        "linear" => {
            let features = Draft::new(vec![vec![64, 1024, 1, 1]]);
            vec![features.parameter("weight", [1000, 1024]).parameter("bias", [1000])]
        }
        "local_response_norm" => vec![images().attribute("size", 5)],
        "log_softmax" | "softmax" => {
            vec![Draft::new(vec![vec![256, 1000, 1, 1]]), Draft::new(vec![vec![4, 21, 64, 64]])]
        }
        "lp_pool2d" => {
            let pool = || images().attribute("kernel", json!([2, 2]));
            vec![pool(), pool().attribute("p", 3.5)]
        }
        "max_pool2d" => {
            let overlapping = json!([2, 2]);
            vec![
                images().attribute("kernel", json!([2, 2])),
                images().attribute("kernel", json!([3, 3])).attribute("stride", overlapping),
            ]
        }
        "pad2d" => vec![images().attribute("padding", json!([1, 1, 1, 1]))],
        "prelu" => vec![images().parameter("weight", [64])],
        "reshape" => vec![images().attribute("shape", json!([196, 16, 16]))],
        "sgd" => vec![optimizer(), optimizer().attribute("momentum", 0.9)],
        "split" => vec![images().attribute("sizes", json!([24, 40]))],
        "upsample_bilinear2d" | "upsample_nearest2d" => vec![images().attribute("scale", json!([2, 2]))],
        _ => vec![],
    }
}

//! What an operator cannot do it refuses, and says what it got and what would have been accepted.
//!
//! Values of another type and unknown attributes are in `attributes.rs`, since what is to be said of them follows from
//! the registry. What only a program can pass in is in the tests of the networks, the trainer and the operators.

use wgcnn::ops::registry::{Attributes, Build, REGISTRY, find};
use wgcnn::shape::Shape;

use crate::common::sample::sample;

/// A layer, loss or optimizer that is refused.
struct Bad {
    operator: &'static str,
    /// JSON.
    attributes: &'static str,
    /// The shapes of the parameters that it is made from.
    parameters: &'static [(&'static str, &'static [usize])],
    /// Channels, height and width of the inputs.
    inputs: &'static [[usize; 3]],
    says: &'static str,
}

const fn bad(
    operator: &'static str,
    attributes: &'static str,
    parameters: &'static [(&'static str, &'static [usize])],
    inputs: &'static [[usize; 3]],
    says: &'static str,
) -> Bad {
    Bad { operator, attributes, parameters, inputs, says }
}

/// Operator, attributes, parameters, inputs, and the message.
#[rustfmt::skip]
const TABLE: &[Bad] = &[
    bad("adam", r#"{"lr": -0.1}"#, &[], &[], "the learning rate is -0.1; it must be a number from 0"),
    bad("adam", r#"{"lr": 1e39}"#, &[], &[], "the learning rate is inf; it must be a number from 0"),
    bad("adam", r#"{"betas": [0.9]}"#, &[], &[], "attribute betas is [0.9]; it must be two numbers"),
    bad("adam", r#"{"betas": [1.0, 0.999]}"#, &[], &[], "the first beta is 1; it must be at least 0 and less than 1"),
    bad("adam", r#"{"betas": [0.9, -0.1]}"#, &[], &[], "the second beta is -0.1; it must be at least 0 and less than 1"),
    bad("adam", r#"{"eps": 0.0}"#, &[], &[], "eps is 0; it must be a number more than 0"),
    bad("adam", r#"{"weight_decay": -1.0}"#, &[], &[], "the weight decay is -1; it must be a number from 0"),
    bad("adamw", r#"{"lr": -0.1}"#, &[], &[], "the learning rate is -0.1; it must be a number from 0"),
    bad("adamw", r#"{"lr": 1e39}"#, &[], &[], "the learning rate is inf; it must be a number from 0"),
    bad("adamw", r#"{"betas": [0.9]}"#, &[], &[], "attribute betas is [0.9]; it must be two numbers"),
    bad("adamw", r#"{"betas": [1.0, 0.999]}"#, &[], &[], "the first beta is 1; it must be at least 0 and less than 1"),
    bad("adamw", r#"{"betas": [0.9, -0.1]}"#, &[], &[], "the second beta is -0.1; it must be at least 0 and less than 1"),
    bad("adamw", r#"{"eps": 0.0}"#, &[], &[], "eps is 0; it must be a number more than 0"),
    bad("adamw", r#"{"weight_decay": -1.0}"#, &[], &[], "the weight decay is -1; it must be a number from 0"),
    bad("adaptive_avg_pool2d", r#"{}"#, &[], &[[3, 5, 4]], "attribute output_size is missing; it must be [height, width], each at least 1"),
    bad("adaptive_avg_pool2d", r#"{"output_size": [3]}"#, &[], &[[3, 5, 4]], "attribute output_size is [3]; it must be [height, width], whole numbers from 0"),
    bad("adaptive_avg_pool2d", r#"{"output_size": [0, 2]}"#, &[], &[[3, 5, 4]], "output_size is 0 along the height; it must be at least 1"),
    bad("adaptive_avg_pool2d", r#"{"output_size": [2, 2]}"#, &[], &[[3, 5, 4], [3, 5, 4]], "takes one input, got 2"),
    bad("adaptive_max_pool2d", r#"{}"#, &[], &[[3, 5, 4]], "attribute output_size is missing; it must be [height, width], each at least 1"),
    bad("adaptive_max_pool2d", r#"{"output_size": [3]}"#, &[], &[[3, 5, 4]], "attribute output_size is [3]; it must be [height, width], whole numbers from 0"),
    bad("adaptive_max_pool2d", r#"{"output_size": [0, 2]}"#, &[], &[[3, 5, 4]], "output_size is 0 along the height; it must be at least 1"),
    bad("adaptive_max_pool2d", r#"{"output_size": [2, 2]}"#, &[], &[[3, 5, 4], [3, 5, 4]], "takes one input, got 2"),
    bad("add", r#"{}"#, &[], &[], "add takes two inputs or more, got none"),
    bad("add", r#"{}"#, &[], &[[3, 5, 4]], "add takes two inputs or more, got one"),
    bad("add", r#"{}"#, &[], &[[3, 5, 4], [2, 5, 4]], "the inputs differ in channels, 3 and 2; along each axis they must be equal, or one of them 1"),
    bad("add", r#"{}"#, &[], &[[3, 5, 4], [3, 5, 2]], "the inputs differ in width, 4 and 2; along each axis they must be equal, or one of them 1"),
    bad("add", r#"{}"#, &[], &[[3, 5, 4], [3, 5, 4], [3, 1, 1]], "the inputs are of shapes [3, 5, 4] and [3]; they must be of one shape where there are more than two"),
    bad("avg_pool2d", r#"{}"#, &[], &[[3, 5, 4]], "attribute kernel is missing; it must be [height, width], each at least 1"),
    bad("avg_pool2d", r#"{"kernel": [0, 3]}"#, &[], &[[3, 5, 4]], "kernel is 0 along the height; it must be at least 1"),
    bad("avg_pool2d", r#"{"kernel": [3]}"#, &[], &[[3, 5, 4]], "attribute kernel is [3]; it must be [height, width], whole numbers from 0"),
    bad("avg_pool2d", r#"{"kernel": [3, 3], "stride": [1, 0]}"#, &[], &[[3, 5, 4]], "stride is 0 along the width; it must be at least 1"),
    bad("avg_pool2d", r#"{"kernel": [3, 3], "stride": [70000, 1]}"#, &[], &[[3, 5, 4]], "stride is 70000 along the height; it must be at most 65535"),
    bad("avg_pool2d", r#"{"kernel": [3, 3], "padding": [0, 0, 0, 70000]}"#, &[], &[[3, 5, 4]], "padding is 0 + 70000 along the width; it must be at most 65535 on each side"),
    bad("avg_pool2d", r#"{"kernel": [3, 3], "stride": [1, 2], "strict": true}"#, &[], &[[3, 5, 4]], "stride 2 does not fit the width: (input 4 + padding 0 - kernel 3) / 2 leaves 1 uncovered; strides that fit: 1; paddings (both sides together) that fit: 1, 3"),
    bad("avg_pool2d", r#"{"kernel": [3, 3], "padding": [1, 1]}"#, &[], &[[3, 5, 4]], "attribute padding is [1,1]; it must be [top, left, bottom, right], whole numbers from 0"),
    bad("avg_pool2d", r#"{"kernel": [200, 200]}"#, &[], &[[3, 200, 200]], "a window of 200 x 200 with dilation [1, 1] takes 80400 loop iterations; at most 65534 are allowed, to which 180 x 180 without dilation keeps: pool in two steps"),
    bad("avg_pool2d", r#"{"kernel": [3, 3], "dilation": [2, 2]}"#, &[], &[[3, 5, 4]], "attribute dilation is [2, 2]; this pool has none: [1, 1]"),
    bad("avg_pool2d", r#"{"kernel": [3, 2], "padding": [0, 2, 0, 0]}"#, &[], &[[3, 5, 4]], "every tap of window 0 along the width falls on padding (input 4, kernel 2, dilation 1, padding 2 + 0); padding of at most 1 on each side would fit"),
    bad("batch_norm", r#"{"eps": -1e-5}"#, &[], &[[3, 5, 4]], "eps is -0.00001; it must be a number from 0"),
    bad("batch_norm", r#"{"eps": 1e39}"#, &[], &[[3, 5, 4]], "eps is inf; it must be a number from 0"),
    bad("batch_norm", r#"{"momentum": 1.5}"#, &[], &[[3, 5, 4]], "momentum is 1.5; it must be from 0 to 1"),
    bad("batch_norm", r#"{}"#, &[], &[[3, 1, 1]], "a channel has 1 x 1 (samples x pixels) values in a training step; its variance takes at least 2: more samples a step would do"),
    bad("bce_with_logits", r#"{"reduction": "none"}"#, &[], &[[3, 5, 4]], "attribute reduction is \"none\"; it must be \"mean\" or \"sum\""),
    bad("bce_with_logits", r#"{"pos_weight": [1, 2]}"#, &[], &[[3, 5, 4]], "pos_weight: there are 2 channel weights for a network of 3 outputs; there must be one for each"),
    bad("bce_with_logits", r#"{"pos_weight": [1, 2, -1]}"#, &[], &[[3, 5, 4]], "pos_weight: the weight of channel 2 is -1; it must be 0 or more"),
    bad("concat", r#"{}"#, &[], &[], "concat takes one input or more, got none"),
    bad("concat", r#"{}"#, &[], &[[3, 5, 4], [3, 5, 3]], "the inputs differ in width, 4 and 3; they may differ in channels only"),
    bad("concat", r#"{"axis": 2}"#, &[], &[[3, 5, 4], [2, 5, 4]], "the inputs differ in channels, 3 and 2; they may differ in height only"),
    bad("concat", r#"{"axis": 0}"#, &[], &[[3, 5, 4]], "attribute axis is 0; it must be 1 (channels), 2 (height) or 3 (width)"),
    bad("concat", r#"{"axis": 4}"#, &[], &[[3, 5, 4]], "attribute axis is 4; it must be 1 (channels), 2 (height) or 3 (width)"),
    bad("conv2d", r#"{}"#, &[], &[[3, 5, 4]], "there is no weight; its shape gives the output channels and the kernel"),
    bad("conv2d", r#"{}"#, &[("weight", &[4, 3, 3])], &[[3, 5, 4]], "the weight has shape [4, 3, 3]; it must be [out, in / groups, kh, kw]"),
    bad("conv2d", r#"{}"#, &[("weight", &[0, 3, 3, 3])], &[[3, 5, 4]], "out_channels is 0; it must be at least 1"),
    bad("conv2d", r#"{"groups": 0}"#, &[("weight", &[4, 3, 3, 3])], &[[3, 5, 4]], "groups is 0; it must divide the 3 input channels and the 4 output channels: 1 would fit"),
    bad("conv2d", r#"{"groups": 4}"#, &[("weight", &[4, 6, 3, 3])], &[[6, 5, 4]], "groups is 4; it must divide the 6 input channels and the 4 output channels: 1, 2 would fit"),
    bad("conv2d", r#"{"stride": [1, 0]}"#, &[("weight", &[4, 3, 3, 3])], &[[3, 5, 4]], "stride is 0 along the width; it must be at least 1"),
    bad("conv2d", r#"{"dilation": [0, 1]}"#, &[("weight", &[4, 3, 3, 3])], &[[3, 5, 4]], "dilation is 0 along the height; it must be at least 1"),
    bad("conv2d", r#"{"stride": [70000, 1]}"#, &[("weight", &[4, 3, 3, 3])], &[[3, 5, 4]], "stride is 70000 along the height; it must be at most 65535"),
    bad("conv2d", r#"{"padding": [0, 0, 0, 70000]}"#, &[("weight", &[4, 3, 3, 3])], &[[3, 5, 4]], "padding is 0 + 70000 along the width; it must be at most 65535 on each side"),
    bad("conv2d", r#"{"dilation": [1, 2], "padding": [0, 0, 0, 0]}"#, &[("weight", &[4, 3, 3, 3])], &[[3, 5, 4]], "a kernel of 3 with dilation 2 covers 5, more than the padded width of 4 (input 4, padding 0 + 0); a kernel of at most 2, or 1 more of padding, would fit"),
    bad("conv2d", r#"{"stride": [1, 2], "strict": true}"#, &[("weight", &[4, 3, 3, 3])], &[[3, 5, 4]], "stride 2 does not fit the width: (input 4 + padding 0 - kernel 3) / 2 leaves 1 uncovered; strides that fit: 1; paddings (both sides together) that fit: 1, 3"),
    bad("conv2d", r#"{"padding": [1, 1]}"#, &[("weight", &[4, 3, 3, 3])], &[[3, 5, 4]], "attribute padding is [1,1]; it must be [top, left, bottom, right], whole numbers from 0"),
    bad("conv2d", r#"{"ceil_mode": true, "stride": [2, 2]}"#, &[("weight", &[4, 3, 3, 3])], &[[3, 5, 4]], "attribute ceil_mode is unknown; conv2d has dilation, groups, padding, strict, stride"),
    bad("conv2d", r#"{}"#, &[("weight", &[4, 3, 3, 3])], &[[3, 5, 4], [3, 5, 4]], "takes one input, got 2"),
    bad("conv_transpose2d", r#"{}"#, &[], &[[3, 5, 4]], "there is no weight; its shape gives the output channels and the kernel"),
    bad("conv_transpose2d", r#"{}"#, &[("weight", &[3, 4, 3])], &[[3, 5, 4]], "the weight has shape [3, 4, 3]; it must be [in, out / groups, kh, kw]"),
    bad("conv_transpose2d", r#"{}"#, &[("weight", &[3, 0, 3, 3])], &[[3, 5, 4]], "out_channels is 0; it must be at least 1"),
    bad("conv_transpose2d", r#"{"groups": 2}"#, &[("weight", &[3, 2, 3, 3])], &[[3, 5, 4]], "groups is 2; it must divide the 3 input channels and the 4 output channels: 1 would fit"),
    bad("conv_transpose2d", r#"{"groups": 0}"#, &[("weight", &[3, 2, 3, 3])], &[[3, 5, 4]], "groups is 0; it must divide the 3 input channels and the 2 output channels: 1 would fit"),
    bad("conv_transpose2d", r#"{"output_padding": [1, 0]}"#, &[("weight", &[3, 2, 3, 3])], &[[3, 5, 4]], "output_padding is 1 along the height; it must be less than the stride of 1 or the dilation of 1: at most 0 would fit"),
    bad("conv_transpose2d", r#"{"padding": [9, 0, 9, 0]}"#, &[("weight", &[3, 2, 3, 3])], &[[3, 5, 4]], "padding is 9 + 9 along the height, as much as the 7 pixels from which it is taken; at most 6 on both sides together would fit"),
    bad("conv_transpose2d", r#"{"stride": [0, 1]}"#, &[("weight", &[3, 2, 3, 3])], &[[3, 5, 4]], "stride is 0 along the height; it must be at least 1"),
    bad("conv_transpose2d", r#"{"padding": [1, 1]}"#, &[("weight", &[3, 2, 3, 3])], &[[3, 5, 4]], "attribute padding is [1,1]; it must be [top, left, bottom, right], whole numbers from 0"),
    bad("conv_transpose2d", r#"{"strict": true}"#, &[("weight", &[3, 2, 3, 3])], &[[3, 5, 4]], "attribute strict is unknown; conv_transpose2d has dilation, groups, output_padding, padding, stride"),
    bad("conv_transpose2d", r#"{"ceil_mode": true}"#, &[("weight", &[3, 2, 3, 3])], &[[3, 5, 4]], "attribute ceil_mode is unknown; conv_transpose2d has dilation, groups, output_padding, padding, stride"),
    bad("crop", r#"{}"#, &[], &[[3, 5, 4]], "attribute height is missing or 0; it must be at least 1, unless there are sides"),
    bad("crop", r#"{"height": 2}"#, &[], &[[3, 5, 4]], "attribute width is missing or 0; it must be at least 1, unless there are sides"),
    bad("crop", r#"{"height": 0, "width": 2}"#, &[], &[[3, 5, 4]], "attribute height is missing or 0; it must be at least 1, unless there are sides"),
    bad("crop", r#"{"height": 6, "width": 2}"#, &[], &[[3, 5, 4]], "the crop takes 6 from 0 on of the height; it must take at least 1 and lie within the 5 that there are"),
    bad("crop", r#"{"height": 2, "width": 2, "left": 3}"#, &[], &[[3, 5, 4]], "the crop takes 2 from 3 on of the width; it must take at least 1 and lie within the 4 that there are"),
    bad("crop", r#"{"sides": [1, 2]}"#, &[], &[[3, 5, 4]], "attribute sides is [1, 2]; it must be [top, left, bottom, right]"),
    bad("crop", r#"{"sides": [1, 1, 4, 1]}"#, &[], &[[3, 5, 4]], "the crop takes all but 1 before and 4 after of the height; it must take at least 1 and lie within the 5 that there are"),
    bad("cross_entropy", r#"{"reduction": "none"}"#, &[], &[[3, 5, 4]], "attribute reduction is \"none\"; it must be \"mean\" or \"sum\""),
    bad("cross_entropy", r#"{"label_smoothing": 1.5}"#, &[], &[[3, 5, 4]], "the label smoothing is 1.5; it must be from 0 to 1"),
    bad("cross_entropy", r#"{"class_weight": [1, 2]}"#, &[], &[[3, 5, 4]], "there are 2 class weights for a network of 3 outputs; there must be one for each"),
    bad("cross_entropy", r#"{"class_weight": [1, -1, 1]}"#, &[], &[[3, 5, 4]], "the weight of class 1 is -1; it must be 0 or more"),
    bad("cross_entropy", r#"{"ignore_index": 4294967296}"#, &[], &[[3, 5, 4]], "attribute ignore_index is 4294967296; it must fit in 32 bits"),
    bad("cross_entropy", r#"{}"#, &[], &[[200000, 1, 1]], "the network has 200000 outputs; there must be 1 to 131068 classes"),
    bad("dropout", r#"{"p": 1.0}"#, &[], &[[3, 5, 4]], "the probability is 1; it must be at least 0 and less than 1"),
    bad("dropout", r#"{"p": -0.1}"#, &[], &[[3, 5, 4]], "the probability is -0.1; it must be at least 0 and less than 1"),
    bad("elu", r#"{"alpha": -1.0}"#, &[], &[[3, 5, 4]], "alpha is -1; it must be a number from 0"),
    bad("elu", r#"{"alpha": 1e39}"#, &[], &[[3, 5, 4]], "alpha is inf; it must be a number from 0"),
    bad("giou", r#"{"reduction": "none"}"#, &[], &[[4, 1, 1]], "attribute reduction is \"none\"; it must be \"mean\" or \"sum\""),
    bad("giou", r#"{}"#, &[], &[[3, 5, 4]], "the network has 3 outputs; a box takes 4: x1, y1, x2 and y2"),
    bad("giou", r#"{"eps": 0.0}"#, &[], &[[4, 1, 1]], "eps is 0; it must be a number above 0"),
    bad("global_avg_pool2d", r#"{}"#, &[], &[[3, 5, 4], [3, 5, 4]], "takes one input, got 2"),
    bad("global_max_pool2d", r#"{}"#, &[], &[[3, 5, 4], [3, 5, 4]], "takes one input, got 2"),
    bad("group_norm", r#"{}"#, &[], &[[3, 5, 4]], "attribute num_groups is missing or 0; it must be at least 1"),
    bad("group_norm", r#"{"num_groups": 0}"#, &[], &[[3, 5, 4]], "attribute num_groups is missing or 0; it must be at least 1"),
    bad("group_norm", r#"{"num_groups": 2}"#, &[], &[[3, 5, 4]], "groups is 2; it must divide the 3 channels: 1, 3 would fit"),
    bad("group_norm", r#"{"num_groups": 1, "eps": -1.0}"#, &[], &[[3, 5, 4]], "eps is -1; it must be a number from 0"),
    bad("hard_sigmoid", r#"{"alpha": 1e39}"#, &[], &[[3, 5, 4]], "alpha is inf; it must be a finite number"),
    bad("hard_sigmoid", r#"{"beta": -1e39}"#, &[], &[[3, 5, 4]], "beta is -inf; it must be a finite number"),
    bad("hard_tanh", r#"{"min_val": 2.0}"#, &[], &[[3, 5, 4]], "the bounds are 2 and 1; they must be finite, the first less than the second"),
    bad("hard_tanh", r#"{"max_val": 1e39}"#, &[], &[[3, 5, 4]], "the bounds are -1 and inf; they must be finite, the first less than the second"),
    bad("l1", r#"{"reduction": "none"}"#, &[], &[[3, 5, 4]], "attribute reduction is \"none\"; it must be \"mean\" or \"sum\""),
    bad("leaky_relu", r#"{"negative_slope": 1e39}"#, &[], &[[3, 5, 4]], "the negative slope is inf; it must be a finite number"),
    bad("linear", r#"{}"#, &[], &[[3, 1, 1]], "there is no weight; its shape gives the output features"),
    bad("linear", r#"{}"#, &[("weight", &[3])], &[[3, 1, 1]], "the weight has shape [3]; it must be [out, in]"),
    bad("linear", r#"{}"#, &[("weight", &[0, 3])], &[[3, 1, 1]], "out_features is 0; it must be at least 1"),
    bad("linear", r#"{}"#, &[("weight", &[2, 60])], &[[3, 5, 4]], "its input has shape [3, 5, 4], but it takes features [n]: put flatten() before it"),
    bad("linear", r#"{}"#, &[("weight", &[4, 3])], &[[3, 1, 1], [3, 1, 1]], "takes one input, got 2"),
    bad("local_response_norm", r#"{}"#, &[], &[[3, 5, 4]], "size is 0; it must be at least 1 channel"),
    bad("local_response_norm", r#"{"size": 3, "before": 3}"#, &[], &[[3, 5, 4]], "before is 3; it must be less than size, which is 3"),
    bad("local_response_norm", r#"{"size": 3, "alpha": -1.0}"#, &[], &[[3, 5, 4]], "alpha is -1; it must be a finite number of at least 0"),
    bad("local_response_norm", r#"{"size": 3, "beta": 1e39}"#, &[], &[[3, 5, 4]], "beta is inf; it must be a finite number"),
    bad("local_response_norm", r#"{"size": 3, "k": -1.0}"#, &[], &[[3, 5, 4]], "k is -1; it must be a finite number of at least 0"),
    bad("local_response_norm", r#"{"size": 140000}"#, &[], &[[140000, 1, 1]], "size is 140000; at most 131000 channels fit"),
    bad("log_softmax", r#"{"axis": 0}"#, &[], &[[3, 5, 4]], "attribute axis is 0; it must be 1 (channels), 2 (height) or 3 (width)"),
    bad("log_softmax", r#"{"axis": 2}"#, &[], &[[1, 10000000, 1]], "the input's size along the height is 10000000; it must be at most 2097088"),
    bad("lp_pool2d", r#"{"kernel": [2, 2], "p": 0.5}"#, &[], &[[3, 5, 4]], "p is 0.5; it must be a finite number of at least 1"),
    bad("lp_pool2d", r#"{"kernel": [2, 2], "p": 1e39}"#, &[], &[[3, 5, 4]], "p is inf; it must be a finite number of at least 1"),
    bad("lp_pool2d", r#"{}"#, &[], &[[3, 5, 4]], "attribute kernel is missing; it must be [height, width], each at least 1"),
    bad("lp_pool2d", r#"{"kernel": [0, 3]}"#, &[], &[[3, 5, 4]], "kernel is 0 along the height; it must be at least 1"),
    bad("lp_pool2d", r#"{"kernel": [3]}"#, &[], &[[3, 5, 4]], "attribute kernel is [3]; it must be [height, width], whole numbers from 0"),
    bad("lp_pool2d", r#"{"kernel": [3, 3], "stride": [1, 0]}"#, &[], &[[3, 5, 4]], "stride is 0 along the width; it must be at least 1"),
    bad("lp_pool2d", r#"{"kernel": [3, 3], "stride": [70000, 1]}"#, &[], &[[3, 5, 4]], "stride is 70000 along the height; it must be at most 65535"),
    bad("lp_pool2d", r#"{"kernel": [3, 3], "padding": [0, 0, 0, 70000]}"#, &[], &[[3, 5, 4]], "padding is 0 + 70000 along the width; it must be at most 65535 on each side"),
    bad("lp_pool2d", r#"{"kernel": [3, 3], "stride": [1, 2], "strict": true}"#, &[], &[[3, 5, 4]], "stride 2 does not fit the width: (input 4 + padding 0 - kernel 3) / 2 leaves 1 uncovered; strides that fit: 1; paddings (both sides together) that fit: 1, 3"),
    bad("lp_pool2d", r#"{"kernel": [3, 3], "padding": [1, 1]}"#, &[], &[[3, 5, 4]], "attribute padding is [1,1]; it must be [top, left, bottom, right], whole numbers from 0"),
    bad("lp_pool2d", r#"{"kernel": [200, 200]}"#, &[], &[[3, 200, 200]], "a window of 200 x 200 with dilation [1, 1] takes 80400 loop iterations; at most 65534 are allowed, to which 180 x 180 without dilation keeps: pool in two steps"),
    bad("lp_pool2d", r#"{"kernel": [3, 3], "dilation": [2, 2]}"#, &[], &[[3, 5, 4]], "attribute dilation is [2, 2]; this pool has none: [1, 1]"),
    bad("lp_pool2d", r#"{"kernel": [3, 2], "padding": [0, 2, 0, 0]}"#, &[], &[[3, 5, 4]], "every tap of window 0 along the width falls on padding (input 4, kernel 2, dilation 1, padding 2 + 0); padding of at most 1 on each side would fit"),
    bad("max_pool2d", r#"{}"#, &[], &[[3, 5, 4]], "attribute kernel is missing; it must be [height, width], each at least 1"),
    bad("max_pool2d", r#"{"kernel": [0, 3]}"#, &[], &[[3, 5, 4]], "kernel is 0 along the height; it must be at least 1"),
    bad("max_pool2d", r#"{"kernel": [3]}"#, &[], &[[3, 5, 4]], "attribute kernel is [3]; it must be [height, width], whole numbers from 0"),
    bad("max_pool2d", r#"{"kernel": [3, 3], "stride": [1, 0]}"#, &[], &[[3, 5, 4]], "stride is 0 along the width; it must be at least 1"),
    bad("max_pool2d", r#"{"kernel": [3, 3], "dilation": [0, 1]}"#, &[], &[[3, 5, 4]], "dilation is 0 along the height; it must be at least 1"),
    bad("max_pool2d", r#"{"kernel": [3, 3], "stride": [70000, 1]}"#, &[], &[[3, 5, 4]], "stride is 70000 along the height; it must be at most 65535"),
    bad("max_pool2d", r#"{"kernel": [3, 3], "padding": [0, 0, 0, 70000]}"#, &[], &[[3, 5, 4]], "padding is 0 + 70000 along the width; it must be at most 65535 on each side"),
    bad("max_pool2d", r#"{"kernel": [3, 3], "dilation": [1, 2], "padding": [0, 0, 0, 0]}"#, &[], &[[3, 5, 4]], "a kernel of 3 with dilation 2 covers 5, more than the padded width of 4 (input 4, padding 0 + 0); a kernel of at most 2, or 1 more of padding, would fit"),
    bad("max_pool2d", r#"{"kernel": [3, 3], "stride": [1, 2], "strict": true}"#, &[], &[[3, 5, 4]], "stride 2 does not fit the width: (input 4 + padding 0 - kernel 3) / 2 leaves 1 uncovered; strides that fit: 1; paddings (both sides together) that fit: 1, 3"),
    bad("max_pool2d", r#"{"kernel": [3, 3], "padding": [1, 1]}"#, &[], &[[3, 5, 4]], "attribute padding is [1,1]; it must be [top, left, bottom, right], whole numbers from 0"),
    bad("max_pool2d", r#"{"kernel": [200, 200]}"#, &[], &[[3, 200, 200]], "a window of 200 x 200 with dilation [1, 1] takes 80400 loop iterations; at most 65534 are allowed, to which 180 x 180 without dilation keeps: pool in two steps"),
    bad("max_pool2d", r#"{"kernel": [2, 2]}"#, &[], &[[3, 5, 4], [3, 5, 4]], "takes one input, got 2"),
    bad("max_pool2d", r#"{"kernel": [2, 2], "dilation": [4, 1], "padding": [1, 0, 1, 0]}"#, &[], &[[3, 3, 4]], "every tap of window 0 along the height falls on padding (input 3, kernel 2, dilation 4, padding 1 + 1); padding of at most 1 on each side, without dilation, would fit"),
    bad("max_pool2d", r#"{"kernel": [3, 2], "padding": [0, 2, 0, 0]}"#, &[], &[[3, 5, 4]], "every tap of window 0 along the width falls on padding (input 4, kernel 2, dilation 1, padding 2 + 0); padding of at most 1 on each side would fit"),
    bad("mse", r#"{"reduction": "none"}"#, &[], &[[3, 5, 4]], "attribute reduction is \"none\"; it must be \"mean\" or \"sum\""),
    bad("mul", r#"{}"#, &[], &[[3, 5, 4]], "mul takes two inputs, got 1"),
    bad("mul", r#"{}"#, &[], &[[3, 5, 4], [2, 5, 4]], "the inputs differ in channels, 3 and 2; along each axis they must be equal, or one of them 1"),
    bad("mul", r#"{}"#, &[], &[[3, 5, 4], [3, 5, 4], [3, 5, 4]], "mul takes two inputs, got 3"),
    bad("nll_loss", r#"{"reduction": "none"}"#, &[], &[[3, 5, 4]], "attribute reduction is \"none\"; it must be \"mean\" or \"sum\""),
    bad("nll_loss", r#"{"class_weight": [1, 2]}"#, &[], &[[3, 5, 4]], "there are 2 class weights for a network of 3 outputs; there must be one for each"),
    bad("nll_loss", r#"{"class_weight": [1, 2, -1]}"#, &[], &[[3, 5, 4]], "the weight of class 2 is -1; it must be 0 or more"),
    bad("nll_loss", r#"{"ignore_index": 4294967296}"#, &[], &[[3, 5, 4]], "attribute ignore_index is 4294967296; it must fit in 32 bits"),
    bad("pad2d", r#"{"padding": [0, 0]}"#, &[], &[[3, 5, 4]], "attribute padding is [0,0]; it must be [top, left, bottom, right], whole numbers from 0"),
    bad("pad2d", r#"{"mode": "wrap"}"#, &[], &[[3, 5, 4]], "attribute mode is \"wrap\"; it must be \"constant\", \"reflect\", \"replicate\" or \"edge\""),
    bad("pad2d", r#"{"mode": "reflect", "padding": [0, 4, 0, 0]}"#, &[], &[[3, 5, 4]], "padding is 4 + 0 along the width of 4; it must be at most 3 on each side"),
    bad("pad2d", r#"{"padding": [0, 0, 100000, 0]}"#, &[], &[[3, 5, 4]], "padding is 0 + 100000 along the height of 5; it must be at most 65535 on each side"),
    bad("pad2d", r#"{"mode": "edge", "padding": [400, 400, 0, 0]}"#, &[], &[[3, 5, 4]], "padding of [400, 400, 0, 0] takes 161202 loop iterations; at most 65534 are allowed, to which 127 on each side keep: pad in two steps"),
    bad("pad2d", r#"{"value": 1e39}"#, &[], &[[3, 5, 4]], "value is 1000000000000000000000000000000000000000; it must be a number that f32 can hold"),
    bad("prelu", r#"{}"#, &[], &[[3, 5, 4]], "there is no weight; its shape says whether each channel has a slope"),
    bad("prelu", r#"{}"#, &[("weight", &[3, 1])], &[[3, 5, 4]], "the weight has shape [3, 1]; it must be [channels] or [1]"),
    bad("relu", r#"{}"#, &[], &[[3, 5, 4], [3, 5, 4]], "takes one input, got 2"),
    bad("reshape", r#"{}"#, &[], &[[3, 5, 4]], "attribute shape is missing; it must be [channels, height, width], of which one may be -1"),
    bad("reshape", r#"{"shape": [3, 20]}"#, &[], &[[3, 5, 4]], "attribute shape is [3.0, 20.0]; it must be [channels, height, width], of which one may be -1"),
    bad("reshape", r#"{"shape": [3, -2, 4]}"#, &[], &[[3, 5, 4]], "attribute shape is [3.0, -2.0, 4.0]; it must be [channels, height, width], of which one may be -1"),
    bad("reshape", r#"{"shape": [3, -1, -1]}"#, &[], &[[3, 5, 4]], "the shape is [3, ?, ?]; its sizes must make up the input's 60 elements, and at most one may be left open"),
    bad("reshape", r#"{"shape": [3, 5, 5]}"#, &[], &[[3, 5, 4]], "the shape is [3, 5, 5]; its sizes must make up the input's 60 elements, and at most one may be left open"),
    bad("reshape", r#"{"shape": [7, -1, 1]}"#, &[], &[[3, 5, 4]], "the shape is [7, ?, 1]; its sizes must make up the input's 60 elements, and at most one may be left open"),
    bad("rmsprop", r#"{"lr": -1.0}"#, &[], &[], "the learning rate is -1; it must be a number from 0"),
    bad("rmsprop", r#"{"alpha": 1.0}"#, &[], &[], "alpha is 1; it must be at least 0 and less than 1"),
    bad("rmsprop", r#"{"eps": 0.0}"#, &[], &[], "eps is 0; it must be a number more than 0"),
    bad("rmsprop", r#"{"weight_decay": -1.0}"#, &[], &[], "the weight decay is -1; it must be a number from 0"),
    bad("rmsprop", r#"{"momentum": 1.0}"#, &[], &[], "the momentum is 1; it must be at least 0 and less than 1"),
    bad("sgd", r#"{"lr": 1e39}"#, &[], &[], "the learning rate is inf; it must be a number from 0"),
    bad("sgd", r#"{"momentum": 1.0}"#, &[], &[], "the momentum is 1; it must be at least 0 and less than 1"),
    bad("sgd", r#"{"dampening": -0.5}"#, &[], &[], "the dampening is -0.5; it must be from 0 to 1"),
    bad("sgd", r#"{"weight_decay": -1.0}"#, &[], &[], "the weight decay is -1; it must be a number from 0"),
    bad("sgd", r#"{"nesterov": true}"#, &[], &[], "the momentum is 0; it must be more than 0 with Nesterov's"),
    bad("sgd", r#"{"nesterov": true, "momentum": 0.9, "dampening": 0.1}"#, &[], &[], "the dampening is 0.1; it must be 0 with Nesterov's momentum"),
    bad("sigmoid_focal", r#"{"reduction": "none"}"#, &[], &[[3, 5, 4]], "attribute reduction is \"none\"; it must be \"mean\" or \"sum\""),
    bad("sigmoid_focal", r#"{"alpha": 1.5}"#, &[], &[[3, 5, 4]], "alpha is 1.5; it must be from 0 to 1, or negative for none"),
    bad("sigmoid_focal", r#"{"gamma": -1.0}"#, &[], &[[3, 5, 4]], "gamma is -1; it must be a number from 0"),
    bad("smooth_l1", r#"{"reduction": "none"}"#, &[], &[[3, 5, 4]], "attribute reduction is \"none\"; it must be \"mean\" or \"sum\""),
    bad("smooth_l1", r#"{"beta": -1.0}"#, &[], &[[3, 5, 4]], "beta is -1; it must be a number from 0"),
    bad("softmax", r#"{"axis": 0}"#, &[], &[[3, 5, 4]], "attribute axis is 0; it must be 1 (channels), 2 (height) or 3 (width)"),
    bad("softmax", r#"{"axis": 2}"#, &[], &[[1, 10000000, 1]], "the input's size along the height is 10000000; it must be at most 2097088"),
    bad("softplus", r#"{"beta": 0.0}"#, &[], &[[3, 5, 4]], "beta is 0; it must be a number above 0"),
    bad("softplus", r#"{"threshold": 1e39}"#, &[], &[[3, 5, 4]], "the threshold is inf; it must be a finite number"),
    bad("split", r#"{}"#, &[], &[[3, 5, 4]], "attribute sizes is missing; it must be a list of the sizes of the parts"),
    bad("split", r#"{"sizes": [1, 1]}"#, &[], &[[3, 5, 4]], "the parts are of sizes [1, 1] along the channels; each must be at least 1, and together they must be 3"),
    bad("split", r#"{"sizes": [3, 0]}"#, &[], &[[3, 5, 4]], "the parts are of sizes [3, 0] along the channels; each must be at least 1, and together they must be 3"),
    bad("split", r#"{"sizes": [1, 2], "index": 2}"#, &[], &[[3, 5, 4]], "part 2 of a split into 2; the first is 0 and the last 1"),
    bad("split", r#"{"sizes": [1, 2], "axis": 0}"#, &[], &[[3, 5, 4]], "attribute axis is 0; it must be 1 (channels), 2 (height) or 3 (width)"),
    bad("split", r#"{"sizes": [2, 2], "axis": 2}"#, &[], &[[3, 5, 4]], "the parts are of sizes [2, 2] along the height; each must be at least 1, and together they must be 5"),
    bad("upsample_bilinear2d", r#"{}"#, &[], &[[3, 5, 4]], "one of the attributes size and scale must be there: [height, width]"),
    bad("upsample_bilinear2d", r#"{"size": [8, 8], "scale": [2, 2]}"#, &[], &[[3, 5, 4]], "one of the attributes size and scale must be there: [height, width]"),
    bad("upsample_bilinear2d", r#"{"size": [8]}"#, &[], &[[3, 5, 4]], "attribute size is [8]; it must be [height, width]"),
    bad("upsample_bilinear2d", r#"{"scale": [2, 0]}"#, &[], &[[3, 5, 4]], "the width is to become 0 from 4; both must be from 1 to 32767"),
    bad("upsample_bilinear2d", r#"{"size": [8, 40000]}"#, &[], &[[3, 5, 4]], "the width is to become 40000 from 4; both must be from 1 to 32767"),
    bad("upsample_nearest2d", r#"{}"#, &[], &[[3, 5, 4]], "one of the attributes size and scale must be there: [height, width]"),
    bad("upsample_nearest2d", r#"{"size": [8, 8], "scale": [2, 2]}"#, &[], &[[3, 5, 4]], "one of the attributes size and scale must be there: [height, width]"),
    bad("upsample_nearest2d", r#"{"size": [8]}"#, &[], &[[3, 5, 4]], "attribute size is [8]; it must be [height, width]"),
    bad("upsample_nearest2d", r#"{"scale": [2, 0]}"#, &[], &[[3, 5, 4]], "the width is to become 0 from 4; both must be from 1 to 32767"),
    bad("upsample_nearest2d", r#"{"size": [8, 40000]}"#, &[], &[[3, 5, 4]], "the width is to become 40000 from 4; both must be from 1 to 32767"),
    bad("upsample_nearest2d", r#"{"size": [8, 8], "coordinate_transformation_mode": "pixel"}"#, &[], &[[3, 5, 4]], "attribute coordinate_transformation_mode is \"pixel\"; it must be \"asymmetric\", \"half_pixel\", \"tf_half_pixel_for_nn\" or \"align_corners\""),
    bad("upsample_nearest2d", r#"{"size": [8, 8], "nearest_mode": "round"}"#, &[], &[[3, 5, 4]], "attribute nearest_mode is \"round\"; it must be \"floor\", \"ceil\", \"round_prefer_floor\" or \"round_prefer_ceil\""),
];

impl Bad {
    /// What the operator says, if it refuses.
    fn refusal(&self) -> Option<String> {
        let entry = find(self.operator)?;
        let attributes = Attributes::from_json(self.attributes).unwrap();
        let with =
            |attributes: Attributes, (name, shape): &(&str, &[usize])| attributes.with_parameter(name, shape);
        let attributes = self.parameters.iter().fold(attributes, with);
        let inputs: Vec<Shape> = self.inputs.iter().copied().map(Shape::from).collect();
        let accepted = match entry.build {
            Build::Operator(build) => build(&attributes).and_then(|operator| {
                operator.output_shape(&inputs)?;
                operator.check_training(&inputs, 1)
            }),
            Build::Loss(build) => build(&attributes).and_then(|loss| loss.check(inputs[0])),
            Build::Optimizer(build) => {
                build(&attributes).and_then(|optimizer| optimizer.check().map_err(|e| e.to_string()))
            }
        };
        accepted.err()
    }
}

#[test]
fn every_refusal_says_what_is_wrong() {
    let wrong = TABLE.iter().filter_map(|bad| {
        let got = bad.refusal().unwrap_or_else(|| "nothing".into());
        let input = || format!("{} {} {:?}", bad.operator, bad.attributes, bad.inputs);
        (got != bad.says).then(|| format!("{} says {got:?}, not {:?}", input(), bad.says))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Whatever can be set can be set wrongly.
#[test]
fn every_name_with_attributes_has_a_refusal() {
    for entry in REGISTRY {
        let cases = sample(entry).unwrap();
        let knows = cases.iter().filter_map(|draft| draft.case(entry).ok());
        if knows.flat_map(|case| case.attributes.asked()).next().is_some() {
            assert!(TABLE.iter().any(|bad| bad.operator == entry.name), "{} has no row", entry.name);
        }
    }
}

/// No operator runs without an input.
#[test]
fn no_input_is_refused() {
    for entry in REGISTRY {
        let Build::Operator(build) = entry.build else { continue };
        let cases = sample(entry).unwrap();
        let case = cases.iter().find_map(|draft| draft.case(entry).ok()).unwrap();
        let message = build(&case.attributes).unwrap().output_shape(&[]).unwrap_err();
        assert!(message.contains("got none") || message.contains("got 0"), "{}: {message}", entry.name);
    }
}

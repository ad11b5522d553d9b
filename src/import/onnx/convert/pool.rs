//! Pools.

use crate::ops::Refusal;
use crate::shape::Shape;

use super::super::dims::canonical;
use super::super::importer::{Importer, Op};
use super::super::node::Node;
use super::Outputs;
use super::window::{Settings, Window, after, covered};

/// The largest of each window.
pub(super) fn max(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    // It says how the indices of the maxima count, which are another output.
    node.ignore("storage_order");
    pool(node, importer, Op::new("max_pool2d"))
}

/// The mean of each window.
pub(super) fn average(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    let count_include_pad = node.flag("count_include_pad", false)?;
    pool(node, importer, Op::new("avg_pool2d").with("count_include_pad", count_include_pad))
}

/// The p-norm of each window.
pub(super) fn lp(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    let p = exponent(node)?;
    pool(node, importer, Op::new("lp_pool2d").with("p", p))
}

/// The p of a norm: a number in the first version, an integer since.
fn exponent(node: &Node<'_>) -> Result<f64, Refusal> {
    if node.opset < 2 {
        return node.float("p", 2.0).map(f64::from);
    }
    Ok(node.int("p")?.unwrap_or(2) as f64)
}

fn pool(node: &Node<'_>, importer: &mut Importer<'_>, op: Op) -> Outputs {
    let x = importer.activation(node, 0)?;
    let sample = importer.samples(&x)?;
    let settings = Settings::new(node, &sample)?;
    let window = settings.window(None)?;
    let ceil_mode = node.flag("ceil_mode", false)?;
    let Window { kernel, stride, dilation, padding } = window;
    if dilation != [1; 2] && node.operator() != "MaxPool" {
        return Err(format!("attribute dilations is {dilation:?}; it must be 1"));
    }
    let op = op
        .with("kernel", kernel)
        .with("stride", stride)
        .with("dilation", dilation)
        .with("padding", padding)
        .with("ceil_mode", ceil_mode);
    let input = importer.seen(&x, canonical(&sample))?;
    let id = importer.apply(op.named(node), &[input])?;
    let shape = importer.shape(id);
    if ceil_mode {
        check_last_windows(node, &window, settings.image(), [shape.height, shape.width])?;
    }
    Ok(vec![Some(importer.batched(id, after(&sample, shape)).into())])
}

/// Refuses what ceil_mode makes of the last windows where it is not the same everywhere.
fn check_last_windows(
    node: &Node<'_>,
    window: &Window,
    image: [usize; 2],
    positions: [usize; 2],
) -> Result<(), Refusal> {
    let counts_padding = node.opset < 19 && node.flag("count_include_pad", false)?;
    for axis in 0..2 {
        let padded = image[axis] + window.padding[axis] + window.padding[axis + 2];
        let rest = padded.saturating_sub(covered(window.kernel[axis], window.dilation[axis]));
        let stride = window.stride[axis].max(1);
        if 1 + rest.div_ceil(stride) != positions[axis] {
            return Err(
                "attribute ceil_mode is 1, and a window would lie on padding alone; it must be 0, or the \
                        pads smaller"
                    .into(),
            );
        }
        if counts_padding && !rest.is_multiple_of(stride) {
            return Err("attributes ceil_mode and count_include_pad are both 1, and a window passes the padding, which \
                        before version 19 is understood differently; one of them must be 0"
                .into());
        }
    }
    Ok(())
}

/// The mean of each channel.
pub(super) fn global_average(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    global(node, importer, |_| Op::new("global_avg_pool2d"))
}

/// The largest of each channel.
pub(super) fn global_max(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    global(node, importer, |_| Op::new("global_max_pool2d"))
}

/// The p-norm of each channel.
pub(super) fn global_lp(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    let p = exponent(node)?;
    global(node, importer, |image| {
        Op::new("lp_pool2d").with("p", p).with("kernel", [image.height, image.width])
    })
}

fn global(node: &Node<'_>, importer: &mut Importer<'_>, op: impl FnOnce(Shape) -> Op) -> Outputs {
    let x = importer.activation(node, 0)?;
    let mut sample = importer.samples(&x)?;
    let shape = canonical(&sample);
    let input = importer.seen(&x, shape)?;
    let id = importer.apply(op(shape).named(node), &[input])?;
    sample[1..].fill(1);
    Ok(vec![Some(importer.batched(id, sample).into())])
}

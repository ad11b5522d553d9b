//! What slides over an image: the attributes of windows, and the convolutions.

use crate::Tensor;
use crate::ops::Refusal;

use super::super::dims::{canonical, sizes};
use super::super::importer::{Importer, Op};
use super::super::node::Node;
use super::Outputs;

/// A window as ONNX describes it, with one of height 1 where the image has only a width.
pub(super) struct Window {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    /// Top, left, bottom, right.
    pub padding: [usize; 4],
}

/// The attributes of a window over an image whose axes past the channels are `image`.
pub(super) struct Settings<'a> {
    node: &'a Node<'a>,
    image: Vec<usize>,
}

impl<'a> Settings<'a> {
    /// Those of a node over samples of these axes: channels, and one or two of an image.
    pub fn new(node: &'a Node<'a>, sample: &[usize]) -> Result<Self, Refusal> {
        match sample {
            [_, image @ ..] if matches!(image.len(), 1 | 2) => Ok(Self { node, image: image.to_vec() }),
            _ => Err(format!(
                "its window slides along {} axes; it must be one or two (a width, or a height and a width)",
                sample.len().saturating_sub(1)
            )),
        }
    }

    /// One number for each axis.
    fn per_axis(&self, name: &'static str) -> Result<Option<Vec<usize>>, Refusal> {
        let Some(values) = self.node.ints(name)? else { return Ok(None) };
        if values.len() != self.image.len() {
            return Err(format!("attribute {name} is {values:?}; it must have {} numbers", self.image.len()));
        }
        sizes(name, values).map(Some)
    }

    /// One number for each of height and width.
    pub fn pair(&self, name: &'static str, default: usize) -> Result<[usize; 2], Refusal> {
        Ok(pair(self.per_axis(name)?.unwrap_or_else(|| vec![default; self.image.len()]), default))
    }

    /// Height and width of the kernel; `known` where a weight gives it.
    pub fn kernel(&self, known: Option<&[usize]>) -> Result<[usize; 2], Refusal> {
        let said = self.per_axis("kernel_shape")?;
        let kernel = match (said, known) {
            (Some(said), Some(known)) if said != known => {
                return Err(format!(
                    "attribute kernel_shape is {said:?}, but its weight has a kernel of {known:?}"
                ));
            }
            (_, Some(known)) if known.len() != self.image.len() => {
                return Err(format!("its weight has a kernel of {known:?} for an image of {:?}", self.image));
            }
            (said, known) => {
                said.or(known.map(<[usize]>::to_vec)).ok_or("attribute kernel_shape is missing")?
            }
        };
        Ok(pair(kernel, 1))
    }

    /// Height and width of the image.
    pub fn image(&self) -> [usize; 2] {
        pair(self.image.clone(), 1)
    }

    /// How padding is to be chosen.
    pub fn auto_pad(&self) -> Result<AutoPad, Refusal> {
        let auto_pad = match self.node.string("auto_pad", "NOTSET")? {
            "NOTSET" => AutoPad::Explicit,
            "VALID" => AutoPad::None,
            "SAME_UPPER" => AutoPad::Same { more_before: false },
            "SAME_LOWER" => AutoPad::Same { more_before: true },
            other => {
                return Err(format!(
                    "attribute auto_pad is {other:?}; it must be NOTSET, VALID, SAME_UPPER or SAME_LOWER"
                ));
            }
        };
        Ok(auto_pad)
    }

    /// What attribute `pads` says: top, left, bottom, right.
    pub fn pads(&self) -> Result<[usize; 4], Refusal> {
        let axes = self.image.len();
        let pads = match self.node.ints("pads")? {
            None => return Ok([0; 4]),
            Some(pads) if pads.len() == 2 * axes => sizes("pads", pads)?,
            Some(pads) => {
                return Err(format!("attribute pads is {pads:?}; it must have {} numbers", 2 * axes));
            }
        };
        let (before, after) = pads.split_at(axes);
        let ([top, left], [bottom, right]) = (pair(before.to_vec(), 0), pair(after.to_vec(), 0));
        Ok([top, left, bottom, right])
    }

    /// The whole window of an operator whose output has `ceil(size / stride)` positions where it pads by itself.
    pub fn window(&self, kernel: Option<&[usize]>) -> Result<Window, Refusal> {
        let kernel = self.kernel(kernel)?;
        let (stride, dilation) = (self.pair("strides", 1)?, self.pair("dilations", 1)?);
        let pads = self.pads()?;
        let padding = match self.auto_pad()? {
            AutoPad::Explicit => pads,
            AutoPad::None => [0; 4],
            AutoPad::Same { more_before } => {
                let image = self.image();
                let total = [0, 1].map(|axis| {
                    let positions = image[axis].div_ceil(stride[axis].max(1));
                    let covered = covered(kernel[axis], dilation[axis]);
                    (positions.saturating_sub(1) * stride[axis] + covered).saturating_sub(image[axis])
                });
                shared(total, more_before)
            }
        };
        Ok(Window { kernel, stride, dilation, padding })
    }
}

/// How padding is chosen.
pub(super) enum AutoPad {
    /// As attribute `pads` says.
    Explicit,
    /// There is none.
    None,
    /// As much as the size of the output needs; of an odd number one side has one more.
    Same { more_before: bool },
}

/// Padding along height and width, shared by both sides: top, left, bottom, right.
pub(super) fn shared(total: [usize; 2], more_before: bool) -> [usize; 4] {
    let [rows, columns] = total.map(|total| {
        let (less, more) = (total / 2, total - total / 2);
        if more_before { (more, less) } else { (less, more) }
    });
    [rows.0, columns.0, rows.1, columns.1]
}

/// How much a kernel covers, 0 for one that is empty.
pub(super) fn covered(kernel: usize, dilation: usize) -> usize {
    if kernel == 0 { 0 } else { (kernel - 1).saturating_mul(dilation) + 1 }
}

/// Height and width out of those axes that there are.
fn pair(axes: Vec<usize>, absent: usize) -> [usize; 2] {
    match axes[..] {
        [height, width] => [height, width],
        [width] => [absent, width],
        _ => [absent; 2],
    }
}

/// The axes of a sample after a window: channels, and height and width where there were both.
pub(super) fn after(sample: &[usize], shape: crate::shape::Shape) -> Vec<usize> {
    match sample.len() {
        2 => vec![shape.channels, shape.width],
        _ => vec![shape.channels, shape.height, shape.width],
    }
}

/// Cross-correlation with a weight of `[out, in / group, kernel ...]`.
pub(super) fn conv(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    let weight = importer.required(node, 1)?;
    convolution(node, importer, "conv2d", weight, |settings, op, kernel| {
        let Window { stride, dilation, padding, .. } = settings.window(Some(kernel))?;
        Ok(op.with("stride", stride).with("dilation", dilation).with("padding", padding))
    })
}

/// The gradient of a convolution to its input, with a weight of `[in, out / group, kernel ...]`.
pub(super) fn conv_transpose(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    let weight = importer.required(node, 1)?;
    convolution(node, importer, "conv_transpose2d", weight, |settings, op, kernel| {
        let kernel = settings.kernel(Some(kernel))?;
        let (stride, dilation) = (settings.pair("strides", 1)?, settings.pair("dilations", 1)?);
        let (padding, output_padding) = transposed_padding(settings, kernel, stride, dilation)?;
        Ok(op
            .with("stride", stride)
            .with("dilation", dilation)
            .with("padding", padding)
            .with("output_padding", output_padding))
    })
}

/// Padding and output padding of a transposed convolution. Where the model says how large the output is, they
/// follow from that.
fn transposed_padding(
    settings: &Settings<'_>,
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
) -> Result<([usize; 4], [usize; 2]), Refusal> {
    let said = settings.pair("output_padding", 0)?;
    let (pads, image) = (settings.pads()?, settings.image());
    let auto_pad = settings.auto_pad()?;
    let wanted = match (settings.per_axis("output_shape")?, &auto_pad) {
        (Some(wanted), _) => pair(wanted, 1),
        (None, AutoPad::Same { .. }) => [0, 1].map(|axis| image[axis].saturating_mul(stride[axis])),
        (None, AutoPad::None) => return Ok(([0; 4], said)),
        (None, AutoPad::Explicit) => return Ok((pads, said)),
    };
    let full = [0, 1].map(|axis| {
        let steps = image[axis].saturating_sub(1).saturating_mul(stride[axis]);
        steps.saturating_add(covered(kernel[axis], dilation[axis]))
    });
    let (mut total, mut output_padding) = ([0; 2], [0; 2]);
    for axis in 0..2 {
        // An output past what the kernel reaches is padded behind, as by output_padding.
        let reach = full[axis].saturating_add(said[axis]);
        total[axis] = reach.saturating_sub(wanted[axis]);
        output_padding[axis] = said[axis].saturating_add(wanted[axis].saturating_sub(reach));
    }
    // Without auto_pad the definition gives the side after an odd rest, with SAME_UPPER the side after too.
    let more_before =
        matches!(auto_pad, AutoPad::Same { more_before: true } | AutoPad::Explicit | AutoPad::None);
    Ok((shared(total, more_before), output_padding))
}

fn convolution(
    node: &Node<'_>,
    importer: &mut Importer<'_>,
    operator: &'static str,
    weight: Tensor,
    window: impl FnOnce(&Settings<'_>, Op, &[usize]) -> Result<Op, Refusal>,
) -> Outputs {
    let x = importer.activation(node, 0)?;
    let sample = importer.samples(&x)?;
    let settings = Settings::new(node, &sample)?;
    let kernel = weight.shape().get(2..).unwrap_or_default().to_vec();
    let groups = node.int("group")?.unwrap_or(1);
    let op = window(&settings, Op::new(operator).with("groups", groups), &kernel)?;

    let [rows, columns] = settings.kernel(Some(&kernel))?;
    let shape = [weight.shape().get(..2).unwrap_or_default(), &[rows, columns]].concat();
    let mut op = op.parameter("weight", weight.reshape(shape).map_err(|e| e.to_string())?);
    if let Some(bias) = importer.floats(node, 2)? {
        op = op.parameter("bias", bias);
    }
    let input = importer.seen(&x, canonical(&sample))?;
    let id = importer.apply(op.named(node), &[input])?;
    let sample = after(&sample, importer.shape(id));
    Ok(vec![Some(importer.batched(id, sample).into())])
}

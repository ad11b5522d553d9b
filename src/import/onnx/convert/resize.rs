//! Resizing of images.

use crate::ops::registry::{Attributes, FromAttributes};
use crate::ops::{Refusal, UpsampleNearest2d};

use super::super::constant::Constant;
use super::super::dims::{self, Activation, canonical, size};
use super::super::importer::{Importer, Op};
use super::super::node::Node;
use super::Outputs;
use super::window::after;

/// How far apart two coordinates may be that count as one: far less than a pixel, more than f32 rounds.
const TOLERANCE: f64 = 1e-5;

/// The largest height or width that is computed: each output pixel is looked at.
const LARGEST: usize = 65_535;

/// How an axis is resized.
struct Axis {
    input: usize,
    output: usize,
    /// The factor that coordinates are scaled by.
    scale: f64,
}

impl Axis {
    /// The coordinate in the input that output pixel `at` looks at.
    fn coordinate(&self, at: usize, transformation: &str) -> Result<f64, Refusal> {
        let (at, input, output) = (at as f64, self.input as f64, self.output as f64);
        Ok(match transformation {
            "half_pixel" => (at + 0.5) / self.scale - 0.5,
            "pytorch_half_pixel" if self.output == 1 => 0.0,
            "pytorch_half_pixel" => (at + 0.5) / self.scale - 0.5,
            "tf_half_pixel_for_nn" => (at + 0.5) / self.scale,
            "asymmetric" => at / self.scale,
            "align_corners" if self.output == 1 => 0.0,
            "align_corners" if (self.scale * input - output).abs() < TOLERANCE => {
                at * (input - 1.0) / (output - 1.0)
            }
            "align_corners" => {
                return Err(format!(
                    "attribute coordinate_transformation_mode is \"align_corners\", where a scale of {} for {} \
                     pixels is understood differently by different versions; give the sizes instead",
                    self.scale, self.input
                ));
            }
            other => {
                return Err(format!(
                    "attribute coordinate_transformation_mode is {other:?}; it must be half_pixel, \
                     pytorch_half_pixel, tf_half_pixel_for_nn, asymmetric or align_corners"
                ));
            }
        })
    }
}

/// What a Resize or Upsample asks for.
struct Settings<'a> {
    mode: &'a str,
    transformation: &'a str,
    rounding: &'a str,
    axes: [Axis; 2],
}

/// Resizing by factors or to sizes.
pub(super) fn resize(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    let x = importer.activation(node, 0)?;
    let mode = mode(node)?;
    for (name, only) in [("antialias", 0), ("exclude_outside", 0)] {
        node.only(name, only)?;
    }
    // They are for modes that are refused.
    node.ignore("cubic_coeff_a");
    node.ignore("extrapolation_value");
    let policy = node.string("keep_aspect_ratio_policy", "stretch")?;
    if policy != "stretch" {
        return Err(format!("attribute keep_aspect_ratio_policy is {policy:?}; it must be \"stretch\""));
    }
    // The first version is Upsample by another name.
    if node.opset < 11 {
        let scales = importer.required(node, 1)?;
        let axes = scaled(importer, &x, scales.data(), None)?;
        return resized(
            node,
            importer,
            &x,
            Settings { mode, transformation: "asymmetric", rounding: "floor", axes },
        );
    }
    let named = node.ints("axes")?;
    let scales = importer.floats(node, 2)?.filter(|scales| !scales.is_empty());
    let sizes = match importer.constant(node, 3)? {
        Some(Constant::Integers(sizes)) if !sizes.is_empty() => Some(sizes.into_data()),
        _ => None,
    };
    let axes = match (scales, sizes) {
        (Some(scales), None) => scaled(importer, &x, scales.data(), named)?,
        (None, Some(sizes)) => sized(importer, &x, &sizes, named)?,
        _ => return Err("it must have either scales (input 2) or sizes (input 3)".into()),
    };
    let settings = Settings {
        mode,
        transformation: node.string("coordinate_transformation_mode", "half_pixel")?,
        rounding: node.string("nearest_mode", "round_prefer_floor")?,
        axes,
    };
    resized(node, importer, &x, settings)
}

/// How a pixel is made: "nearest", or "linear" by one of its names.
fn mode<'a>(node: &Node<'a>) -> Result<&'a str, Refusal> {
    match node.string("mode", "nearest")? {
        mode @ ("nearest" | "linear" | "bilinear") => Ok(mode),
        other => Err(format!("attribute mode is {other:?}; it must be \"nearest\" or \"linear\"")),
    }
}

/// Enlarging by factors.
pub(super) fn upsample(node: &Node<'_>, importer: &mut Importer<'_>) -> Outputs {
    let x = importer.activation(node, 0)?;
    let mode = mode(node)?;
    let scales = match node.opset {
        ..9 => node.floats("scales")?.map(<[f32]>::to_vec),
        _ => importer.floats(node, 1)?.map(|scales| scales.into_data()),
    };
    let axes = scaled(importer, &x, &scales.ok_or("the scales are missing")?, None)?;
    resized(node, importer, &x, Settings { mode, transformation: "asymmetric", rounding: "floor", axes })
}

/// The two axes of an image resized by these factors.
fn scaled(
    importer: &Importer<'_>,
    x: &Activation,
    scales: &[f32],
    named: Option<&[i64]>,
) -> Result<[Axis; 2], Refusal> {
    axes(importer, x, scales, named, |input, scale| {
        let scale = f64::from(*scale);
        if !(scale.is_finite() && scale > 0.0) {
            return Err(format!("a scale is {scale}; it must be a positive number"));
        }
        // A size past those that a tensor can have is refused later.
        let output = (input as f64 * scale).floor().min(f64::from(u32::MAX)) as usize;
        Ok(Axis { input, output, scale })
    })
}

/// The two axes of an image resized to these sizes.
fn sized(
    importer: &Importer<'_>,
    x: &Activation,
    sizes: &[i64],
    named: Option<&[i64]>,
) -> Result<[Axis; 2], Refusal> {
    axes(importer, x, sizes, named, |input, output| {
        let output = size("a size", *output)?;
        Ok(Axis { input, output, scale: output as f64 / input as f64 })
    })
}

/// Height and width, out of values for all axes or for the named ones. The others must stay as they are.
fn axes<T>(
    importer: &Importer<'_>,
    x: &Activation,
    values: &[T],
    named: Option<&[i64]>,
    axis: impl Fn(usize, &T) -> Result<Axis, Refusal>,
) -> Result<[Axis; 2], Refusal> {
    let sample = importer.samples(x)?;
    let rank = importer.rank(x);
    let named = match named {
        Some(named) => named.iter().map(|index| dims::axis(*index, rank)).collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).collect(),
    };
    if values.len() != named.len() {
        return Err(format!("it has {} scales or sizes for {} axes", values.len(), named.len()));
    }
    let same = |size| Axis { input: size, output: size, scale: 1.0 };
    let mut image = match sample[1..] {
        [height, width] => [same(height), same(width)],
        [width] => [same(1), same(width)],
        _ => {
            return Err(format!(
                "its input is of shape {}; it must be an image",
                importer.describe(&x.sample)
            ));
        }
    };
    for (at, value) in named.into_iter().zip(values) {
        match (rank - at, rank) {
            (1, _) => image[1] = axis(image[1].input, value)?,
            (2, 4..) => image[0] = axis(image[0].input, value)?,
            // The size of the batch may be known only later.
            (_, _) if at == 0 => {
                let one = axis(1, value)?;
                let stays = one.scale == 1.0 || importer.batch_is(one.output);
                if !stays {
                    return Err("it resizes axis 0, the batch; only height and width can be resized".into());
                }
            }
            _ => {
                let channels = axis(sample[0], value)?;
                if channels.output != sample[0] {
                    return Err("it resizes the channels; only height and width can be resized".into());
                }
            }
        }
    }
    Ok(image)
}

fn resized(node: &Node<'_>, importer: &mut Importer<'_>, x: &Activation, settings: Settings<'_>) -> Outputs {
    let size = settings.axes.each_ref().map(|axis| axis.output);
    if !size.iter().all(|size| (1..=LARGEST).contains(size)) {
        return Err(format!(
            "its output would be of height and width {size:?}; they must be from 1 to {LARGEST}"
        ));
    }
    let op = match settings.mode {
        "nearest" => nearest(&settings)?,
        _ => linear(&settings)?,
    };
    let sample = importer.samples(x)?;
    let input = importer.seen(x, canonical(&sample))?;
    let id = importer.apply(op.with("size", size).named(node), &[input])?;
    let sample = after(&sample, importer.shape(id));
    Ok(vec![Some(importer.batched(id, sample).into())])
}

/// Nearest neighbours, where they are those of this crate's operator: it goes by the sizes, ONNX by the scales.
fn nearest(settings: &Settings<'_>) -> Result<Op, Refusal> {
    let transformation = match settings.transformation {
        // It differs for an output of one pixel only.
        "pytorch_half_pixel" => "half_pixel",
        other => other,
    };
    let size = settings.axes.each_ref().map(|axis| axis.output);
    let upsample = UpsampleNearest2d::from_attributes(
        &Attributes::default()
            .with("size", size)
            .with("coordinate_transformation_mode", transformation)
            .with("nearest_mode", settings.rounding),
    )?;
    for axis in &settings.axes {
        let steps = upsample.steps(axis.input, axis.output);
        for at in 0..axis.output {
            let coordinate = axis.coordinate(at, settings.transformation)?;
            let rounded = match settings.rounding {
                "floor" => coordinate.floor(),
                "ceil" => coordinate.ceil(),
                "round_prefer_floor" => (coordinate - 0.5).ceil(),
                _ => (coordinate + 0.5).floor(),
            };
            let theirs = rounded.clamp(0.0, (axis.input - 1) as f64) as usize;
            let ours = steps.source(at);
            if theirs != ours {
                return Err(format!(
                    "with {}, {} and a scale of {}, pixel {at} of {} is a copy of pixel {theirs} of {}; here it is one \
                     of pixel {ours}, by the sizes",
                    settings.transformation, settings.rounding, axis.scale, axis.output, axis.input
                ));
            }
        }
    }
    Ok(Op::new("upsample_nearest2d")
        .with("coordinate_transformation_mode", transformation)
        .with("nearest_mode", settings.rounding))
}

/// Bilinear interpolation, where the coordinates are those of one of this crate's two conventions.
fn linear(settings: &Settings<'_>) -> Result<Op, Refusal> {
    'conventions: for (align_corners, ours) in [(false, "half_pixel"), (true, "align_corners")] {
        for axis in &settings.axes {
            let exact = Axis { scale: axis.output as f64 / axis.input as f64, ..*axis };
            let last = (axis.input - 1) as f64;
            for at in 0..axis.output {
                let theirs = axis.coordinate(at, settings.transformation)?.clamp(0.0, last);
                let ours = exact.coordinate(at, ours)?.clamp(0.0, last);
                if (theirs - ours).abs() > TOLERANCE {
                    continue 'conventions;
                }
            }
        }
        return Ok(Op::new("upsample_bilinear2d").with("align_corners", align_corners));
    }
    let [rows, columns] = settings.axes.each_ref().map(|axis| format!("{} to {}", axis.input, axis.output));
    Err(format!(
        "with {} and scales {} and {} it interpolates elsewhere than where {rows} rows and {columns} columns are \
         evenly spaced, by half pixels or from corner to corner",
        settings.transformation, settings.axes[0].scale, settings.axes[1].scale
    ))
}

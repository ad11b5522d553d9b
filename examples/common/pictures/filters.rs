//! What the first layer looks for.

use std::path::Path;

use plotters::style::text_anchor::HPos;
use plotters::style::{RGBColor, WHITE};
use wgcnn::Tensor;
use wgcnn::network::{Network, Parameter};

use super::canvas::{
    Canvas, FAINT, INK, LABEL, MARGIN, ORANGE, TITLE, blend, fill, frame, pixels, save, scale, text,
};
use crate::common::Result;

const COLUMNS: usize = 8;
/// Filters drawn at most.
const MOST: usize = 64;
const SIDE: i32 = 75;
const GAP: i32 = 12;
/// The colour scale, in pixels.
const SCALE: (i32, i32) = (320, 14);

/// The colour of the most negative weight; that of the most positive one is orange.
const COLD: RGBColor = RGBColor(0, 84, 166);

/// Draws the filters of the first layer that has weights, all to one scale. Those of a linear layer
/// are drawn in the shape of the image that they weigh.
pub fn draw(path: &Path, title: &str, network: &Network) -> Result<()> {
    let Some(weight) = network.parameters().iter().find(|parameter| parameter.value.shape().len() > 1) else {
        return Err("the network has no layer with weights to draw".into());
    };
    let filters = filters(weight, network)?;
    let all = weight.value.shape()[0];
    let most = filters.iter().flat_map(|filter| filter.data()).fold(0.0, |most: f32, w| most.max(w.abs()));
    let colour = |weight: f32| diverging(if most > 0.0 { weight / most } else { 0.0 });

    let rows = filters.len().div_ceil(COLUMNS) as i32;
    let width = 2 * MARGIN + COLUMNS as i32 * (SIDE + GAP) - GAP;
    let height = 3 * MARGIN + 46 + rows * (SIDE + GAP) + 40;
    save(path, (width, height), |canvas| {
        let first = if filters.len() < all { "the first " } else { "" };
        let layer = weight.name.trim_end_matches(".weight");
        text(canvas, &format!("{title}: filters of layer {layer}"), (MARGIN, 42), TITLE, INK, HPos::Left)?;
        let size = weight.value.shape()[1..].iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
        let note = format!("{first}{} of {all} filters, each of {size} weights", filters.len());
        text(canvas, &note, (MARGIN, 64), LABEL, FAINT, HPos::Left)?;
        let top = 2 * MARGIN + 34;
        for (at, filter) in filters.iter().enumerate() {
            let (column, row) = ((at % COLUMNS) as i32, (at / COLUMNS) as i32);
            let corner = (MARGIN + column * (SIDE + GAP), top + row * (SIDE + GAP));
            pixels(canvas, filter, corner, scale(filter, SIDE), colour)?;
        }
        legend(canvas, ((width - SCALE.0) / 2, top + rows * (SIDE + GAP) + GAP), most)
    })
}

/// Each filter as an image.
fn filters(weight: &Parameter, network: &Network) -> Result<Vec<Tensor>> {
    let shape = match weight.value.shape()[1..] {
        [channels, height, width] => [channels, height, width],
        _ => {
            let input = network.input_shape();
            [input.channels, input.height, input.width]
        }
    };
    let filters = weight.value.data().chunks_exact(shape.iter().product()).take(MOST);
    Ok(filters.map(|filter| Tensor::new(shape, filter.to_vec())).collect::<wgcnn::Result<_>>()?)
}

/// White for 0, blue for −1, orange for 1.
fn diverging(value: f32) -> RGBColor {
    blend(WHITE, if value < 0.0 { COLD } else { ORANGE }, value.abs().min(1.0))
}

/// Draws the colours with the weights that they stand for.
fn legend(canvas: &Canvas<'_>, (left, top): (i32, i32), most: f32) -> Result<()> {
    for x in 0..SCALE.0 {
        let value = 2.0 * x as f32 / (SCALE.0 - 1) as f32 - 1.0;
        fill(canvas, [(left + x, top), (left + x + 1, top + SCALE.1)], diverging(value))?;
    }
    frame(canvas, [(left, top), (left + SCALE.0, top + SCALE.1)])?;
    let y = top + SCALE.1 + 20;
    for (x, label) in
        [(0, format!("−{most:.2}")), (SCALE.0 / 2, "0".into()), (SCALE.0, format!("+{most:.2}"))]
    {
        text(canvas, &label, (left + x, y), LABEL, INK, HPos::Center)?;
    }
    Ok(())
}

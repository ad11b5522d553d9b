//! What all pictures are drawn with.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Once;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::register_font;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use wgcnn::Tensor;

use crate::common::Result;

/// A white area that is drawn on. The functions below take pixels of the finished picture, from its
/// upper left corner; plotters itself counts [`DETAIL`] for each.
pub type Canvas<'a> = DrawingArea<BitMapBackend<'a>, Shift>;

/// Pictures are drawn so many times as large and then reduced: plotters puts letters on whole pixels.
pub const DETAIL: i32 = 2;

/// The colours, legible on white; blue and orange differ for the colour-blind too.
pub const INK: RGBColor = RGBColor(34, 34, 34);
pub const FAINT: RGBColor = RGBColor(95, 95, 95);
pub const GREY: RGBColor = RGBColor(175, 175, 175);
pub const FRAME: RGBColor = RGBColor(205, 205, 205);
pub const BLUE: RGBColor = RGBColor(31, 95, 168);
pub const ORANGE: RGBColor = RGBColor(200, 82, 0);

/// The one font, which comes with the examples: not every machine has one.
pub const FONT: &str = "sans-serif";

/// Margin around a picture and between its parts.
pub const MARGIN: i32 = 24;

/// Sizes of letters.
pub const TITLE: i32 = 24;
pub const HEADING: i32 = 19;
pub const LABEL: i32 = 15;

/// Draws a picture and writes it to a PNG file.
pub fn save(
    path: &Path,
    (width, height): (i32, i32),
    draw: impl FnOnce(&Canvas<'_>) -> Result<()>,
) -> Result<()> {
    static FONT_IS_KNOWN: Once = Once::new();
    FONT_IS_KNOWN.call_once(|| {
        // A font that cannot be used is an error as soon as a letter is drawn.
        let _ = register_font(FONT, FontStyle::Normal, epaint_default_fonts::UBUNTU_LIGHT);
    });
    let (width, height) = (width.unsigned_abs(), height.unsigned_abs());
    let detailed = (width * DETAIL as u32, height * DETAIL as u32);
    let mut picture = vec![0; 3 * (detailed.0 * detailed.1) as usize];
    let canvas = BitMapBackend::with_buffer(&mut picture, detailed).into_drawing_area();
    canvas.fill(&WHITE)?;
    draw(&canvas)?;
    canvas.present()?;
    drop(canvas);
    let picture = reduced(&picture, width as usize, height as usize);
    write(path, width, height, &picture).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// The means of squares of [`DETAIL`] by [`DETAIL`] pixels, three bytes each: a picture of this size.
fn reduced(picture: &[u8], width: usize, height: usize) -> Vec<u8> {
    let side = DETAIL as usize;
    let mean = |i: usize| {
        let (y, x, channel) = (i / (3 * width), i / 3 % width, i % 3);
        let rows = picture.chunks_exact(3 * side * width).skip(side * y).take(side);
        let square = rows.flat_map(|row| row.iter().skip(3 * side * x + channel).step_by(3).take(side));
        let sum: usize = square.map(|byte| usize::from(*byte)).sum();
        ((sum + side * side / 2) / (side * side)) as u8
    };
    (0..3 * width * height).map(mean).collect()
}

fn write(path: &Path, width: u32, height: u32, picture: &[u8]) -> Result<()> {
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(picture)?;
    Ok(writer.finish()?)
}

/// Writes a line of text whose letters stand on `y`.
pub fn text(
    canvas: &Canvas<'_>,
    line: &str,
    (x, y): (i32, i32),
    size: i32,
    colour: RGBColor,
    align: HPos,
) -> Result<()> {
    // Plotters puts the baseline half the size below the place it is given.
    let place = (x * DETAIL, y * DETAIL - size * DETAIL / 2);
    let style = (FONT, size * DETAIL).into_font().color(&colour).pos(Pos::new(align, VPos::Top));
    Ok(canvas.draw(&Text::new(line, place, style))?)
}

/// Fills a rectangle, whose corner in the lower right is outside.
pub fn fill(canvas: &Canvas<'_>, corners: [(i32, i32); 2], colour: RGBColor) -> Result<()> {
    Ok(canvas.draw(&Rectangle::new(corners.map(|(x, y)| (x * DETAIL, y * DETAIL)), colour.filled()))?)
}

/// Draws a thin frame around a rectangle, outside of it.
pub fn frame(canvas: &Canvas<'_>, corners: [(i32, i32); 2]) -> Result<()> {
    let [(left, top), (right, bottom)] = corners.map(|(x, y)| (x * DETAIL, y * DETAIL));
    Ok(canvas.draw(&Rectangle::new([(left - 1, top - 1), (right, bottom)], FRAME))?)
}

/// Draws the pixels of an image `[channels, height, width]`, each as a square of `scale` pixels, and a
/// frame around them. The colour is that of the mean over the channels.
pub fn pixels(
    canvas: &Canvas<'_>,
    image: &Tensor,
    (left, top): (i32, i32),
    scale: i32,
    colour: impl Fn(f32) -> RGBColor,
) -> Result<()> {
    let [channels, height, width] = chw(image);
    for (i, row, column) in (0..height * width).map(|i| (i, (i / width) as i32, (i % width) as i32)) {
        let sum: f32 = image.data().iter().skip(i).step_by(height * width).sum();
        let (x, y) = (left + column * scale, top + row * scale);
        fill(canvas, [(x, y), (x + scale, y + scale)], colour(sum / channels as f32))?;
    }
    frame(canvas, [(left, top), (left + width as i32 * scale, top + height as i32 * scale)])
}

/// Channels, height and width of one image.
pub fn chw(image: &Tensor) -> [usize; 3] {
    let axis = |i: usize| image.shape().get(i).copied().unwrap_or(1);
    [axis(0), axis(1), axis(2)]
}

/// How many pixels wide each pixel of an image is drawn, so that the image is about `side` in size.
pub fn scale(image: &Tensor, side: i32) -> i32 {
    let [_, height, width] = chw(image);
    (side / height.max(width).max(1) as i32).max(1)
}

/// The colour between two, of which `part` of 0 is the first and 1 the second.
pub fn blend(from: RGBColor, to: RGBColor, part: f32) -> RGBColor {
    let channel =
        |from: u8, to: u8| (f32::from(from) + part * (f32::from(to) - f32::from(from))).round() as u8;
    RGBColor(channel(from.0, to.0), channel(from.1, to.1), channel(from.2, to.2))
}

//! A picture of each case against its ceiling.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::super::Result;
use super::super::ceilings::Bound;
use super::super::row::Row;

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The colours, legible on white; blue and orange differ for the colour-blind too.
const INK: RGBColor = RGBColor(34, 34, 34);
const FAINT: RGBColor = RGBColor(95, 95, 95);
const FRAME: RGBColor = RGBColor(215, 215, 215);
const BLUE: RGBColor = RGBColor(31, 95, 168);
const ORANGE: RGBColor = RGBColor(200, 82, 0);

/// Sizes of letters, of which plotters makes CSS pixels by a factor of 1.24.
const TITLE: i32 = 26;
const HEADING: i32 = 20;
const LABEL: i32 = 16;
const SMALL: i32 = 15;

const MARGIN: i32 = 24;

/// The height of a bar's line, and of the bar.
const LINE: i32 = 20;
const BAR: i32 = 12;

/// The widths of a column's parts: the names, the bars up to the ceiling, and what may lie above it with the numbers.
const NAMES: i32 = 205;
const CEILING: i32 = 200;
const ABOVE: i32 = 175;
const COLUMN: i32 = NAMES + CEILING + ABOVE;

/// Where the columns begin.
const TOP: i32 = 112;

/// What is above the ceiling by more than this is cut off.
const MOST: f64 = 1.25;

/// Cases that belong together.
struct Section<'a> {
    heading: &'static str,
    rows: Vec<&'a Row>,
}

impl Section<'_> {
    fn height(&self) -> i32 {
        (self.rows.len() as i32 + 3) * LINE
    }
}

/// Draws the rows that have a ceiling, as an SVG.
///
/// # Errors
/// Where there is none, or the file cannot be written.
pub fn save(path: &Path, rows: &[Row]) -> Result<()> {
    let columns = columns(rows);
    let height = columns.iter().map(|column| column.iter().map(Section::height).sum::<i32>()).max();
    let height = height.filter(|height| *height > 0).ok_or("there is no row with a ceiling to draw")?;
    let size = (2 * (COLUMN + MARGIN) + MARGIN, TOP + height);
    let mut picture = String::new();
    let canvas = SVGBackend::with_string(&mut picture, (size.0.unsigned_abs(), size.1.unsigned_abs()))
        .into_drawing_area();
    canvas.fill(&WHITE)?;
    text(&canvas, "What part of its ceiling each case reaches", (MARGIN, 40), TITLE, INK, HPos::Left)?;
    text(&canvas, &ceilings(rows), (MARGIN, 63), LABEL, FAINT, HPos::Left)?;
    legend(&canvas, 88)?;
    for (left, column) in (0..).map(|i| MARGIN + i * (COLUMN + MARGIN)).zip(&columns) {
        let mut top = TOP;
        for section in column {
            draw(&canvas, (left, top), section)?;
            top += section.height();
        }
    }
    canvas.present()?;
    drop(canvas);
    std::fs::write(path, picture).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// The rows in two columns: convolutions pass by pass, and all else.
fn columns(rows: &[Row]) -> [Vec<Section<'_>>; 2] {
    let network = |case: &str| case.starts_with("step/") || case.starts_with("inference/");
    let convolution = |case: &str| case.starts_with("conv/") && !case.ends_with("/forward_backward");
    let rest = |case: &str| !network(case) && !case.starts_with("conv/");
    let with = |wanted: &dyn Fn(&str) -> bool| -> Vec<&Row> {
        rows.iter().filter(|row| row.ceiling_fraction.is_some() && wanted(&row.case)).collect()
    };
    let columns = [
        vec![Section { heading: "Convolutions", rows: with(&convolution) }],
        vec![
            Section { heading: "Other layers", rows: with(&rest) },
            Section { heading: "Networks", rows: with(&network) },
        ],
    ];
    columns.map(|column| column.into_iter().filter(|section| !section.rows.is_empty()).collect())
}

/// What the ceilings are, in a line.
fn ceilings(rows: &[Row]) -> String {
    let adapter = rows.first().map_or("", |row| &row.adapter);
    let row = |case: &str| rows.iter().find(|row| row.case == case);
    let multiply_add = row("ceiling/multiply_add_f32").and_then(|row| row.gflops).unwrap_or_default();
    let copies = rows.iter().filter(|row| row.case.starts_with("ceiling/copy_")).filter_map(|row| row.gbps);
    let (least, most) = copies
        .fold((f64::INFINITY, 0.0), |(least, most): (f64, f64), rate| (least.min(rate), most.max(rate)));
    format!(
        "{adapter}: multiply-adds {multiply_add:.0} GFLOP/s, copies {least:.0} to {most:.0} GB/s by their size"
    )
}

fn legend(canvas: &Canvas<'_>, base: i32) -> Result<()> {
    let bounds = [
        (Bound::Arithmetic, "against the rate of multiply-adds"),
        (Bound::Memory, "against the bandwidth of a copy"),
    ];
    for (left, (bound, label)) in (0..).map(|i| MARGIN + i * 280).zip(bounds) {
        fill(canvas, [(left, base - 11), (left + 13, base + 2)], colour(bound))?;
        text(canvas, label, (left + 20, base), LABEL, INK, HPos::Left)?;
    }
    Ok(())
}

fn colour(bound: Bound) -> RGBColor {
    match bound {
        Bound::Arithmetic => BLUE,
        Bound::Memory => ORANGE,
    }
}

/// Draws a section whose upper left corner is given.
fn draw(canvas: &Canvas<'_>, (left, top): (i32, i32), section: &Section<'_>) -> Result<()> {
    let zero = left + NAMES;
    let first = top + 2 * LINE;
    let last = first + section.rows.len() as i32 * LINE;
    text(canvas, section.heading, (left, first - 9), HEADING, INK, HPos::Left)?;
    for quarter in 0..=4 {
        let x = zero + quarter * CEILING / 4;
        fill(canvas, [(x, first - 2), (x + 1, last)], if quarter == 4 { INK } else { FRAME })?;
        if quarter % 2 == 0 {
            text(canvas, &format!("{} %", quarter * 25), (x, first - 9), SMALL, FAINT, HPos::Center)?;
        }
    }
    for (top, row) in (0..).map(|i| first + i * LINE).zip(&section.rows) {
        bar(canvas, (left, top), zero, row)?;
    }
    Ok(())
}

/// Draws a row's name, its bar and its numbers.
fn bar(canvas: &Canvas<'_>, (left, top): (i32, i32), zero: i32, row: &Row) -> Result<()> {
    let (Some(fraction), Some(bound)) = (row.ceiling_fraction, row.bound) else { return Ok(()) };
    let base = top + LINE / 2 + 4;
    let name = row.case.trim_start_matches("conv/").replace(['/', '_'], " ");
    text(canvas, &name, (left, base), LABEL, INK, HPos::Left)?;
    let end = zero + (fraction.min(MOST) * f64::from(CEILING)).round() as i32;
    let (upper, lower) = (top + (LINE - BAR) / 2, top + (LINE + BAR) / 2);
    fill(canvas, [(zero, upper), (end.max(zero + 1), lower)], colour(bound))?;
    let rate = match bound {
        Bound::Arithmetic => row.gflops.map(|rate| format!("{rate:.1} GFLOP/s")),
        Bound::Memory => row.gbps.map(|rate| format!("{rate:.1} GB/s")),
    };
    let numbers = format!("{:.0} %, {}", fraction * 100.0, rate.unwrap_or_default());
    text(canvas, &numbers, (end.max(zero + CEILING) + 8, base), SMALL, FAINT, HPos::Left)
}

/// Writes a line of text whose letters stand on `y`, which plotters moves up by a quarter of their size.
fn text(
    canvas: &Canvas<'_>,
    line: &str,
    (x, y): (i32, i32),
    size: i32,
    colour: RGBColor,
    align: HPos,
) -> Result<()> {
    let style = ("sans-serif", size).into_font().color(&colour).pos(Pos::new(align, VPos::Bottom));
    Ok(canvas.draw(&Text::new(line, (x, y + size / 5), style))?)
}

/// Fills a rectangle.
fn fill(canvas: &Canvas<'_>, corners: [(i32, i32); 2], colour: RGBColor) -> Result<()> {
    Ok(canvas.draw(&Rectangle::new(corners, colour.filled()))?)
}

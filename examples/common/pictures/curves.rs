//! How loss and accuracy went.

use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::canvas::{BLUE, Canvas, FAINT, FONT, FRAME, INK, LABEL, MARGIN, ORANGE, TITLE, save, text};
use crate::common::Result;
use crate::common::history::Epoch;

const SIZE: (i32, i32) = (1200, 500);
const HEADER: i32 = 60;

/// The smoothed loss is the mean over so large a part of all steps.
const SMOOTHED_PART: usize = 50;

/// Draws the loss of each step and epoch, and the accuracy of each epoch.
pub fn draw(path: &Path, title: &str, history: &[Epoch]) -> Result<()> {
    save(path, SIZE, |canvas| {
        text(canvas, &format!("{title}: loss and accuracy"), (MARGIN, 42), TITLE, INK, HPos::Left)?;
        let (_, plots) = canvas.split_vertically(HEADER);
        let (left, right) = plots.split_horizontally(SIZE.0 / 2);
        let tests = |value: fn(&Epoch) -> f64| curve(history, value);
        let steps = steps(history);
        let window = (steps.len() / SMOOTHED_PART).max(1);
        let loss = tests(|epoch| epoch.test.loss.into());
        let most = steps.iter().chain(&loss).fold(0.0, |most: f64, point| most.max(point.1));
        plot(
            &left,
            "loss",
            (history.len(), 0.0, 1.05 * most),
            &[
                Curve { name: "training, each step".into(), points: &steps, colour: FRAME, marks: false },
                Curve {
                    name: format!("mean of {window} steps"),
                    points: &smooth(&steps, window),
                    colour: BLUE,
                    marks: false,
                },
                Curve { name: "test, after each epoch".into(), points: &loss, colour: ORANGE, marks: true },
            ],
        )?;
        let train = tests(|epoch| (100.0 * epoch.train.accuracy()).into());
        let test = tests(|epoch| (100.0 * epoch.test.accuracy()).into());
        let least = train.iter().chain(&test).fold(100.0, |least: f64, point| least.min(point.1));
        let span = (100.0 - least).max(1.0);
        plot(
            &right,
            "accuracy, %",
            (history.len(), (least - 0.15 * span).max(0.0), 100.0 + 0.03 * span),
            &[
                Curve {
                    name: "training, during the epoch".into(),
                    points: &train,
                    colour: BLUE,
                    marks: true,
                },
                Curve { name: "test, after each epoch".into(), points: &test, colour: ORANGE, marks: true },
            ],
        )
    })
}

/// A line of a plot, over epochs.
struct Curve<'a> {
    name: String,
    points: &'a [(f64, f64)],
    colour: RGBColor,
    /// Whether each point is marked.
    marks: bool,
}

/// A value of each epoch, at the epoch's end.
fn curve(history: &[Epoch], value: impl Fn(&Epoch) -> f64) -> Vec<(f64, f64)> {
    history.iter().enumerate().map(|(at, epoch)| ((at + 1) as f64, value(epoch))).collect()
}

/// The loss of each step.
fn steps(history: &[Epoch]) -> Vec<(f64, f64)> {
    let of_epoch = |(at, epoch): (usize, &Epoch)| {
        let count = epoch.losses.len() as f64;
        let point =
            move |(step, loss): (usize, &f32)| (at as f64 + (step + 1) as f64 / count, f64::from(*loss));
        epoch.losses.iter().enumerate().map(point).collect::<Vec<_>>()
    };
    history.iter().enumerate().flat_map(of_epoch).collect()
}

/// The mean over each `window` points, at the last of them.
fn smooth(points: &[(f64, f64)], window: usize) -> Vec<(f64, f64)> {
    let mean = |part: &[(f64, f64)]| part.iter().map(|point| point.1).sum::<f64>() / part.len() as f64;
    points.windows(window).filter_map(|part| Some((part.last()?.0, mean(part)))).collect()
}

/// Draws curves over `epochs` epochs from `low` to `high`.
fn plot(
    area: &Canvas<'_>,
    y: &str,
    (epochs, low, high): (usize, f64, f64),
    curves: &[Curve<'_>],
) -> Result<()> {
    let mut chart = ChartBuilder::on(area)
        .margin_left(MARGIN)
        .margin_right(MARGIN)
        .margin_bottom(MARGIN / 2)
        .x_label_area_size(48)
        .y_label_area_size(58)
        .build_cartesian_2d(0.0..epochs as f64, low..high)?;
    let font = |size: u32, colour: RGBColor| (FONT, size).into_font().color(&colour);
    chart
        .configure_mesh()
        .x_desc("epochs")
        .y_desc(y)
        .x_labels(epochs.clamp(3, 11))
        .y_labels(8)
        .x_label_formatter(&|epoch| format!("{epoch}"))
        .axis_style(FAINT)
        .bold_line_style(FRAME.mix(0.6))
        .light_line_style(TRANSPARENT)
        .label_style(font(LABEL, INK))
        .axis_desc_style(font(LABEL + 2, INK))
        .draw()?;
    for curve in curves {
        let colour = curve.colour;
        chart
            .draw_series(LineSeries::new(curve.points.iter().copied(), colour.stroke_width(2)))?
            .label(&curve.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(3)));
        if curve.marks {
            chart.draw_series(curve.points.iter().map(|point| Circle::new(*point, 4, colour.filled())))?;
        }
    }
    let place = if low > 0.0 { SeriesLabelPosition::LowerRight } else { SeriesLabelPosition::UpperRight };
    chart
        .configure_series_labels()
        .position(place)
        .margin(14)
        .background_style(WHITE.mix(0.85))
        .border_style(FRAME)
        .label_font(font(LABEL, INK))
        .draw()?;
    Ok(())
}

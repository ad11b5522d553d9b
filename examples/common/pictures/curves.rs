//! How loss and accuracy went.

use std::ops::Range;
use std::path::Path;

use plotters::coord::ranged1d::ValueFormatter;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;
use wgcnn::train::Metrics;

use super::canvas::{
    BLUE, Canvas, DETAIL, FAINT, FONT, FRAME, GREY, INK, LABEL, MARGIN, ORANGE, TITLE, save, text,
};
use crate::common::Result;
use crate::common::history::Epoch;

const SIZE: (i32, i32) = (1200, 500);
const HEADER: i32 = 60;

/// Smaller losses are drawn as this one: a logarithm needs some.
const LEAST_LOSS: f64 = 1e-4;

/// The smoothed loss is the mean over one of so many parts of all steps.
const SMOOTHED_PART: usize = 20;

/// Draws the loss of each step and epoch, and the accuracy of each epoch.
pub fn draw(path: &Path, title: &str, history: &[Epoch]) -> Result<()> {
    save(path, SIZE, |canvas| {
        text(canvas, &format!("{title}: loss and accuracy"), (MARGIN, 42), TITLE, INK, HPos::Left)?;
        let (_, plots) = canvas.split_vertically(HEADER * DETAIL);
        let (left, right) = plots.split_horizontally(SIZE.0 / 2 * DETAIL);
        let losses = losses(history);
        let window = (losses.len() / SMOOTHED_PART).max(2);
        let smoothed = smooth(&losses, window);
        let test_losses = of_epochs(history, |epoch| epoch.test.loss);
        plot_loss(
            &left,
            history.len(),
            &[
                Curve::new("training, each step", Style::Dots, GREY, losses),
                Curve::new(format!("mean of {window} steps"), Style::Line, BLUE, smoothed),
                Curve::new("test, after each epoch", Style::MarkedLine, ORANGE, test_losses),
            ],
        )?;
        let percent = |metrics: &Metrics| 100.0 * metrics.accuracy().unwrap_or_default();
        let train = of_epochs(history, |epoch| percent(&epoch.train));
        let test = of_epochs(history, |epoch| percent(&epoch.test));
        plot_accuracy(
            &right,
            history.len(),
            &[
                Curve::new("training, during the epoch", Style::MarkedLine, BLUE, train),
                Curve::new("test, after each epoch", Style::MarkedLine, ORANGE, test),
            ],
        )
    })
}

/// What is drawn into a plot, over epochs.
struct Curve {
    name: String,
    style: Style,
    colour: RGBColor,
    points: Vec<(f64, f64)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Style {
    Dots,
    Line,
    MarkedLine,
}

impl Curve {
    fn new(name: impl Into<String>, style: Style, colour: RGBColor, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), style, colour, points }
    }
}

/// A value of each epoch, at the epoch's end.
fn of_epochs(history: &[Epoch], value: impl Fn(&Epoch) -> f32) -> Vec<(f64, f64)> {
    history.iter().enumerate().map(|(at, epoch)| ((at + 1) as f64, value(epoch).into())).collect()
}

/// The loss of each step.
fn losses(history: &[Epoch]) -> Vec<(f64, f64)> {
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

/// Draws the losses, on a logarithmic scale that the smoothed curve and the test decide.
fn plot_loss(area: &Canvas<'_>, epochs: usize, curves: &[Curve]) -> Result<()> {
    let values = || curves[1..].iter().flat_map(|curve| &curve.points).map(|point| point.1.max(LEAST_LOSS));
    let (low, high) = (0.5 * values().fold(f64::MAX, f64::min), 2.0 * values().fold(LEAST_LOSS, f64::max));
    let scale = (low..high).log_scale().with_key_points(ticks(low, high));
    let mut chart = chart(area).build_cartesian_2d(0.0..1.01 * epochs as f64, scale)?;
    mesh(&mut chart, epochs, "loss")?;
    draw_curves(&mut chart, curves, low..high, SeriesLabelPosition::UpperRight)
}

/// The numbers from `low` to `high` that a logarithmic scale names: powers of ten, and 2 and 5 times these
/// where there is room.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let within = |factors: &[f64]| -> Vec<f64> {
        let all = decades.clone().flat_map(|decade| factors.iter().map(move |f| f * 10f64.powi(decade)));
        all.filter(|tick| (low..=high).contains(tick)).collect()
    };
    let all = within(&[1.0, 2.0, 5.0]);
    if all.len() > 10 { within(&[1.0]) } else { all }
}

/// Draws the accuracies, on a scale that ends at 100 %.
fn plot_accuracy(area: &Canvas<'_>, epochs: usize, curves: &[Curve]) -> Result<()> {
    let values = curves.iter().flat_map(|curve| &curve.points).map(|point| point.1);
    let least = values.fold(100.0, f64::min);
    let span = (100.0 - least).max(1.0);
    let (low, high) = ((least - 0.15 * span).max(0.0), 100.0 + 0.03 * span);
    let mut chart = chart(area).build_cartesian_2d(0.0..1.01 * epochs as f64, low..high)?;
    mesh(&mut chart, epochs, "accuracy, %")?;
    draw_curves(&mut chart, curves, low..high, SeriesLabelPosition::LowerRight)
}

fn chart<'a, 'b>(area: &'a Canvas<'b>) -> ChartBuilder<'a, 'b, BitMapBackend<'b>> {
    let mut chart = ChartBuilder::on(area);
    chart
        .margin_left(MARGIN * DETAIL)
        .margin_right(MARGIN * DETAIL)
        .margin_bottom(MARGIN / 2 * DETAIL)
        .x_label_area_size(46 * DETAIL)
        .y_label_area_size(58 * DETAIL);
    chart
}

/// A chart over epochs.
type Chart<'a, 'b, Y> = ChartContext<'a, BitMapBackend<'b>, Cartesian2d<RangedCoordf64, Y>>;

/// Draws the axes.
fn mesh<'b, Y>(chart: &mut Chart<'_, 'b, Y>, epochs: usize, name: &str) -> Result<()>
where
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    chart
        .configure_mesh()
        .x_desc("epochs")
        .y_desc(name)
        .x_labels((epochs + 1).clamp(4, 12))
        .y_labels(8)
        .x_label_formatter(&short)
        .y_label_formatter(&short)
        .set_all_tick_mark_size(4 * DETAIL)
        .axis_style(FAINT.stroke_width(DETAIL as u32))
        .bold_line_style(FRAME.mix(0.6).stroke_width(DETAIL as u32))
        .light_line_style(TRANSPARENT)
        .label_style(font(LABEL, INK))
        .axis_desc_style(font(LABEL + 2, INK))
        .draw()?;
    Ok(())
}

/// Draws curves and, at `place`, their names.
fn draw_curves<'a, 'b: 'a, Y>(
    chart: &mut Chart<'a, 'b, Y>,
    curves: &[Curve],
    range: Range<f64>,
    place: SeriesLabelPosition,
) -> Result<()>
where
    Y: Ranged<ValueType = f64>,
{
    for curve in curves {
        let line = curve.colour.stroke_width(2 * DETAIL as u32);
        let points = || curve.points.iter().copied().filter(|(_, y)| range.contains(y));
        let dots = |radius: i32| points().map(move |point| Circle::new(point, radius, curve.colour.filled()));
        let drawn = match curve.style {
            Style::Dots => chart.draw_series(dots(DETAIL))?,
            Style::Line => chart.draw_series(LineSeries::new(points(), line))?,
            Style::MarkedLine => {
                chart.draw_series(dots(4 * DETAIL))?;
                chart.draw_series(LineSeries::new(points(), line))?
            }
        };
        drawn.label(&curve.name).legend(move |(x, y)| PathElement::new([(x, y), (x + 20 * DETAIL, y)], line));
    }
    chart
        .configure_series_labels()
        .position(place)
        .margin(12 * DETAIL)
        .legend_area_size(28 * DETAIL)
        .background_style(WHITE.mix(0.85))
        .border_style(FRAME)
        .label_font(font(LABEL, INK))
        .draw()?;
    Ok(())
}

fn font(size: i32, colour: RGBColor) -> TextStyle<'static> {
    (FONT, size * DETAIL).into_font().color(&colour)
}

/// A number without zeros at its end.
fn short(value: &f64) -> String {
    format!("{}", (value * 1e4).round() / 1e4)
}

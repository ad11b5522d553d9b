//! Test images with what the network takes them for.

use std::path::Path;

use plotters::style::RGBColor;
use plotters::style::text_anchor::HPos;
use plotters::style::{BLACK, WHITE};

use super::canvas::{
    BLUE, Canvas, FAINT, HEADING, INK, LABEL, MARGIN, ORANGE, TITLE, blend, pixels, save, scale, text,
};
use crate::common::{Result, Task};

/// What the network takes an image for.
#[derive(Debug, Clone, Copy)]
pub struct Prediction {
    /// The image's place in the test set.
    pub image: usize,
    /// The class it is of.
    pub truth: usize,
    /// The class with the largest probability.
    pub guess: usize,
    /// That probability.
    pub confidence: f32,
}

impl Prediction {
    /// The prediction that an image's logits stand for.
    pub fn new(image: usize, truth: usize, logits: &[f32]) -> Self {
        let larger = |best: usize, class: usize| if logits[class] > logits[best] { class } else { best };
        let guess = (0..logits.len()).reduce(larger).unwrap_or(0);
        let sum: f32 = logits.iter().map(|logit| (logit - logits[guess]).exp()).sum();
        Self { image, truth, guess, confidence: 1.0 / sum }
    }

    pub fn is_right(&self) -> bool {
        self.guess == self.truth
    }
}

const COLUMNS: usize = 10;
/// Rows of wrong predictions, at most.
const WRONG_ROWS: usize = 3;
/// Right predictions of each class.
const RIGHT_EACH: usize = 2;

/// The size of an image, the steps from one to the next, and from one line of text to the next.
const SIDE: i32 = 112;
const STEP: (i32, i32) = (132, 160);
const LINE: i32 = 17;
const HEADING_HEIGHT: i32 = 44;

/// Draws the most confident of the wrong predictions, and some right ones of each class.
pub fn draw(path: &Path, task: &Task<'_>, predictions: &[Prediction]) -> Result<()> {
    let (right, mut wrong): (Vec<&Prediction>, Vec<_>) = predictions.iter().partition(|p| p.is_right());
    let (all, mistakes) = (predictions.len(), wrong.len());
    wrong.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    wrong.truncate(COLUMNS * WRONG_ROWS);
    let right = examples(&right, task.classes.len());
    let rows = wrong.len().div_ceil(COLUMNS) + right.len().div_ceil(COLUMNS);
    let width = 2 * MARGIN + COLUMNS as i32 * STEP.0 - (STEP.0 - SIDE);
    let height = MARGIN + TITLE + 2 * HEADING_HEIGHT + rows as i32 * STEP.1;
    save(path, (width, height), |canvas| {
        let mut y = MARGIN + TITLE;
        let title = format!("{}: what the network takes test images for, and how sure it is", task.title);
        text(canvas, &title, (MARGIN, y - 5), TITLE, INK, HPos::Left)?;
        let shown = if wrong.len() < mistakes { ", the most confident of them" } else { "" };
        let heading = format!("Wrong: {mistakes} of {all}{shown}");
        y = section(canvas, task, y, &heading, ORANGE, &wrong)?;
        let heading = format!("Right: {} of {all}, some of each class", all - mistakes);
        section(canvas, task, y, &heading, BLUE, &right).map(drop)
    })
}

/// The first few of each class, one of each before the next of any.
fn examples<'a>(predictions: &[&'a Prediction], classes: usize) -> Vec<&'a Prediction> {
    let nth = |class: usize, n: usize| predictions.iter().filter(move |p| p.truth == class).nth(n).copied();
    (0..RIGHT_EACH).flat_map(|n| (0..classes).filter_map(move |class| nth(class, n))).collect()
}

/// Draws a heading and images under it, and returns where the next section starts.
fn section(
    canvas: &Canvas<'_>,
    task: &Task<'_>,
    top: i32,
    heading: &str,
    colour: RGBColor,
    predictions: &[&Prediction],
) -> Result<i32> {
    text(canvas, heading, (MARGIN, top + HEADING_HEIGHT - 14), HEADING, colour, HPos::Left)?;
    let top = top + HEADING_HEIGHT;
    for (at, prediction) in predictions.iter().enumerate() {
        let Some(image) = task.test.picture(prediction.image) else { continue };
        let (column, row) = ((at % COLUMNS) as i32, (at / COLUMNS) as i32);
        let corner = (MARGIN + column * STEP.0, top + row * STEP.1);
        pixels(canvas, &image, corner, scale(&image, SIDE), |ink| blend(WHITE, BLACK, ink.clamp(0.0, 1.0)))?;
        let class = |class: usize| task.classes.get(class).copied().unwrap_or_default();
        let confidence = format!("{:.0} %", (100.0 * prediction.confidence).floor());
        let (left, line) = (corner.0, corner.1 + SIDE + LINE);
        text(canvas, class(prediction.guess), (left, line), LABEL, colour, HPos::Left)?;
        text(canvas, &confidence, (left + SIDE, line), LABEL, FAINT, HPos::Right)?;
        if !prediction.is_right() {
            let truth = format!("is {}", class(prediction.truth));
            text(canvas, &truth, (left, line + LINE), LABEL, FAINT, HPos::Left)?;
        }
    }
    Ok(top + predictions.len().div_ceil(COLUMNS) as i32 * STEP.1)
}

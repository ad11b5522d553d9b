//! Networks whose targets are values: numbers, masks, boxes.

use wgcnn::Tensor;
use wgcnn::data::Dataset;
use wgcnn::network::Network;
use wgcnn::ops::{BceWithLogits, Conv2d, Giou, Loss, Mse, Sgd};
use wgcnn::reference;
use wgcnn::train::{Metrics, Trainer};

use crate::fixture::contexts;

/// The most images a step.
const BATCH: usize = 16;

const SIZE: usize = 8;

/// How far losses may be from the reference's, relative to the first: a step's gradients are right to about 10⁻⁶.
const TOLERANCE: f64 = 2e-5;

/// Where in an image there is a bright rectangle: x1, y1, x2 and y2, from 0 to 1.
fn rectangle(image: usize) -> [f32; 4] {
    let corner = |i: usize| ((image * 7 + i) % 4) as f32 / SIZE as f32;
    let size = |i: usize| ((image * 5 + i) % 3 + 3) as f32 / SIZE as f32;
    [corner(0), corner(1), corner(0) + size(0), corner(1) + size(1)]
}

/// Whether a pixel is inside the rectangle of an image.
fn is_inside(image: usize, pixel: usize) -> bool {
    let [x1, y1, x2, y2] = rectangle(image);
    let centre = |at: usize| (at as f32 + 0.5) / SIZE as f32;
    let (x, y) = (centre(pixel % SIZE), centre(pixel / SIZE));
    x1 < x && x < x2 && y1 < y && y < y2
}

/// Images of bright rectangles with these targets.
fn images(count: usize, values: Tensor) -> Dataset {
    let pixels: Vec<f32> = (0..count * SIZE * SIZE)
        .map(|i| if is_inside(i / (SIZE * SIZE), i % (SIZE * SIZE)) { 0.8 } else { -0.2 })
        .collect();
    Dataset::with_values([1, SIZE, SIZE], pixels, values).unwrap()
}

/// Rectangles and their corners.
fn boxes(count: usize) -> Dataset {
    images(count, Tensor::from_fn([count, 4], |i| rectangle(i / 4)[i % 4]))
}

/// Rectangles and which pixels they cover.
fn masks(count: usize) -> Dataset {
    let pixels = SIZE * SIZE;
    let mask = Tensor::from_fn([count, 1, SIZE, SIZE], |i| f32::from(is_inside(i / pixels, i % pixels)));
    images(count, mask)
}

fn box_network() -> Network {
    Network::builder([1, SIZE, SIZE])
        .seed(3)
        .conv2d("conv1", Conv2d::new(6, 3).same())
        .tanh()
        .flatten()
        .linear("fc1", 24)
        .tanh()
        .linear("fc2", 4)
        .build()
        .unwrap()
}

fn mask_network() -> Network {
    Network::builder([1, SIZE, SIZE])
        .seed(3)
        .conv2d("conv1", Conv2d::new(5, 3).same())
        .tanh()
        .conv2d("conv2", Conv2d::new(1, 3).same())
        .build()
        .unwrap()
}

/// Trains on the reference and on the GPU: the steps' losses are the same, and fall below `part` of the first. Returns
/// what the GPU measures afterwards on the same images.
fn check<L: Loss + Clone + 'static>(
    network: Network,
    loss: L,
    data: &Dataset,
    rate: f32,
    part: f64,
) -> Vec<Metrics> {
    let optimizer = || Sgd::new(rate).momentum(0.9);
    let mut reference =
        reference::Trainer::<f64>::new(network.clone(), loss.clone(), optimizer(), BATCH).unwrap();
    let batches: Vec<_> =
        (0..8).flat_map(|epoch| data.shuffled(epoch).batches(BATCH).collect::<Vec<_>>()).collect();
    let wanted: Vec<_> = batches.iter().map(|batch| reference.step_exact(batch).unwrap()).collect();
    let (first, last) = (wanted[0].loss, wanted[wanted.len() - 1].loss);
    assert!(last < part * first, "{loss:?} only fell from {first} to {last}");
    let mut evaluated = vec![];
    for context in contexts() {
        let mut trainer = Trainer::new(context, network.clone(), loss.clone(), optimizer(), BATCH).unwrap();
        for (step, (batch, wanted)) in batches.iter().zip(&wanted).enumerate() {
            let got = trainer.step(batch).unwrap().wait().unwrap();
            let error = (f64::from(got.loss) - wanted.loss).abs();
            assert!(error <= TOLERANCE * first, "step {step}: loss {}, not {}", got.loss, wanted.loss);
            assert_eq!((got.correct, got.count), (None, wanted.count), "step {step}");
        }
        let metrics = trainer.evaluate(data).unwrap();
        let on_reference = reference.evaluate(data).unwrap();
        assert!(f64::from((metrics.loss - on_reference.loss).abs()) <= TOLERANCE * first);
        assert_eq!((metrics.correct, metrics.accuracy()), (None, None));
        assert_eq!(metrics.count, on_reference.count);
        evaluated.push(metrics);
    }
    evaluated
}

/// The number of images leaves a last batch that is not full.
#[test]
fn corners_are_learned_as_numbers() {
    let data = boxes(3 * BATCH + 5);
    for metrics in check(box_network(), Mse::mean(), &data, 0.05, 0.3) {
        assert_eq!(metrics.count, 4 * data.len());
        assert_eq!(metrics.to_string(), format!("loss {:.4}", metrics.loss));
    }
}

#[test]
fn corners_are_learned_as_boxes() {
    let data = boxes(2 * BATCH + 3);
    // The first guess is a box for all: one whose sides have changed places teaches nothing.
    let mut network = box_network();
    network.set_parameter("fc2.weight", Tensor::zeros([4, 24])).unwrap();
    network.set_parameter("fc2.bias", Tensor::new([4], vec![0.1, 0.1, 0.9, 0.9]).unwrap()).unwrap();
    for metrics in check(network, Giou::mean(), &data, 0.01, 0.7) {
        assert_eq!(metrics.count, data.len());
    }
}

#[test]
fn masks_are_learned_pixel_by_pixel() {
    let data = masks(2 * BATCH + 3);
    for metrics in check(mask_network(), BceWithLogits::mean(), &data, 0.2, 0.5) {
        assert_eq!(metrics.count, data.len() * SIZE * SIZE);
    }
}

//! Images that a small network can learn to tell apart.

use wgcnn::data::Dataset;

/// Noisy images of `size` x `size` pixels with one bright quadrant, which is the class.
pub fn quadrants(size: usize, count: usize) -> Dataset {
    // A multiplicative congruential generator: the same images on every machine.
    let mut state = 12_345_u64;
    let mut noise = || {
        state = state * 48_271 % 0x7fff_ffff;
        (state % 160) as u8
    };
    let labels: Vec<i32> = (0..count).map(|i| (i % 4) as i32).collect();
    let half = size / 2;
    let quadrant = move |i: usize| i32::from(i / size >= half) * 2 + i32::from(i % size >= half);
    let pixels: Vec<u8> = labels
        .iter()
        .flat_map(|label| (0..size * size).map(move |i| quadrant(i) == *label))
        .map(|bright| noise() + if bright { 95 } else { 0 })
        .collect();
    Dataset::new([1, size, size], pixels, labels, 4).unwrap().normalised(&[0.4], &[0.2]).unwrap()
}

//! How far rounding may take a result in f32 from the f64 reference, stated once for every operator.

/// Half the distance from 1 to the next f32: what one rounding may change a value by, relative to it.
pub const UNIT: f64 = 1.0 / (1 << 24) as f64;

/// The "small multiple" of [`of_sum`]. Each of a product, the addition of it and a scaling at the end rounds once,
/// and the partial sums of a long sum lie above the square root's random walk now and then.
const FACTOR: f64 = 4.0;

/// What a sum of `terms` products a·b may be off by, where `magnitude` is Σ |a·b|: the roundings of f32 are taken as
/// a random walk, so that their error grows with the square root of their number.
pub fn of_sum(terms: f64, magnitude: f64) -> f64 {
    FACTOR * UNIT * terms.max(1.0).sqrt() * magnitude + SMALLEST
}

/// What may be off by `units` roundings of its own magnitude.
pub fn of_units(units: f64, magnitude: f64) -> f64 {
    units * UNIT * magnitude + SMALLEST
}

/// Below this a device may take a number for zero.
const SMALLEST: f64 = f32::MIN_POSITIVE as f64;

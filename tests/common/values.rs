//! Values for tensors.

use wgcnn::Tensor;

/// Values of both signs in a scrambled order, from 0.2 to 1.2 in magnitude and, where they are few, no two closer than
/// many steps, so that no maximum changes hands and no kink at 0 is crossed. They are exact in f32. Another `salt`
/// gives another order.
pub fn spread(shape: &[usize], salt: u64) -> Tensor {
    let len: usize = shape.iter().product();
    let mut order: Vec<usize> = (0..len).collect();
    order.sort_by_key(|i| mixed(*i as u64 ^ salt << 32));
    Tensor::from_fn(shape, |i| {
        let magnitude = (0.2 + order[i] as f64 / len as f64) as f32;
        if order[i].is_multiple_of(2) { magnitude } else { -magnitude }
    })
}

/// A permutation of the 64-bit numbers without visible order (Steele et al. 2014, SplitMix64).
fn mixed(i: u64) -> u64 {
    let i = i.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let i = (i ^ i >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (i ^ i >> 27).wrapping_mul(0x94d0_49bb_1331_11eb)
}

//! Philox 4x32-10, a random number generator without a state: four words follow from a counter and a key
//! (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC 2011).

const ROUNDS: usize = 10;
const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const KEY_INCREMENTS: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// The four words of `counter` under `key`.
pub(super) fn philox(counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    let mut word = counter;
    for _ in 0..ROUNDS {
        let [low_0, high_0] = halves(MULTIPLIERS[0], word[0]);
        let [low_1, high_1] = halves(MULTIPLIERS[1], word[2]);
        word = [high_1 ^ word[1] ^ key[0], low_1, high_0 ^ word[3] ^ key[1], low_0];
        key = [key[0].wrapping_add(KEY_INCREMENTS[0]), key[1].wrapping_add(KEY_INCREMENTS[1])];
    }
    word
}

/// The low and the high word of a product.
fn halves(a: u32, b: u32) -> [u32; 2] {
    let product = u64::from(a) * u64::from(b);
    [product as u32, (product >> 32) as u32]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers of the authors' library Random123, file `kat_vectors`.
    #[test]
    fn philox_gives_the_known_answers() {
        for (counter, key, words) in [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ] {
            assert_eq!(philox(counter, key), words);
        }
    }
}

//! What parameters hold before training.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal, Uniform};

/// What a parameter holds before training.
///
/// "Fan in" is the number of terms in one output's sum, `in / groups · kh · kw`; "fan out" is
/// `out · kh · kw` likewise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// Normal with variance 2 / fan in: for layers before a ReLU (He et al. 2015, arXiv:1502.01852).
    KaimingNormal,
    /// Uniform with variance 2 / fan in.
    KaimingUniform,
    /// Normal with variance 2 / (fan in + fan out): for layers before tanh or sigmoid (Glorot and
    /// Bengio 2010).
    XavierNormal,
    /// Uniform with variance 2 / (fan in + fan out).
    XavierUniform,
    /// One value everywhere.
    Constant(f32),
}

impl Init {
    /// The elements of a parameter of `shape` (OIHW or `[out, in]`), drawn from the stream that `seed`
    /// and the parameter's `name` select: a parameter's values do not depend on its neighbours.
    pub fn values(self, shape: &[usize], seed: u64, name: &str) -> Vec<f32> {
        let len = shape.iter().product();
        let taps: usize = shape.iter().skip(2).product();
        let fan_in = (shape.get(1).copied().unwrap_or(1) * taps).max(1) as f32;
        let fan_out = (shape[0] * taps).max(1) as f32;
        let (variance, normal) = match self {
            Self::Constant(value) => return vec![value; len],
            Self::KaimingNormal => (2.0 / fan_in, true),
            Self::KaimingUniform => (2.0 / fan_in, false),
            Self::XavierNormal => (2.0 / (fan_in + fan_out), true),
            Self::XavierUniform => (2.0 / (fan_in + fan_out), false),
        };
        let mut random = ChaCha8Rng::seed_from_u64(seed ^ fnv1a(name));
        if normal {
            draw(len, Normal::new(0.0, variance.sqrt()), &mut random)
        } else {
            let bound = (3.0 * variance).sqrt();
            draw(len, Uniform::new(-bound, bound), &mut random)
        }
    }
}

/// `len` numbers from a distribution. Its parameters come from sizes of at least one, so that it
/// always exists; were it not to, zeros are what it would tend to.
fn draw<D: Distribution<f32>, E>(
    len: usize,
    distribution: Result<D, E>,
    random: &mut ChaCha8Rng,
) -> Vec<f32> {
    match distribution {
        Ok(distribution) => distribution.sample_iter(random).take(len).collect(),
        Err(_) => vec![0.0; len],
    }
}

/// The 64-bit FNV-1a hash, to give each parameter's name a stream of its own.
fn fnv1a(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

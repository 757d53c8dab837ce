//! An oblivious key-value store: keys and values in, a vector out that looks
//! random and gives each key its value back.
//!
//! Why it exists: private set intersection encodes a whole set into one vector
//! whose length says how many items there may be and nothing about which
//! ([`crate::psi::rr22`]).
//!
//! Source: Raghuraman and Rindal, *Blazing Fast PSI from Improved OKVS and
//! Subfield VOLE* (CCS 2022, eprint 2022/320): figure 1 (the scheme), §2
//! ("Binary row", "Clustering: separate"), §3.2 (parameters, equations 2 and 3).
//!
//! ```text
//! row(k, r) = three ones among m' sparse columns ‖ d random bits      of one bin
//! encode:   find P with ⟨row(k, r), P⟩ = v for every (k, v)
//! decode:   ⟨row(k, r), P⟩ = P[c0] + P[c1] + P[c2] + Σ dense bits · D
//! ```
//! Encoding peels columns that one row alone uses, as long as there is one;
//! where none is left, the lightest column's rows but one form the *gap*. The
//! gap's rows are solved over the dense columns, the others by substitution in
//! the order opposite to peeling. Free columns are filled at random.
//!
//! *Parameters*, for `n` keys, statistical security 2^-40 in all:
//! - `β = ⌈n / 2^16⌉` bins. A bin has room for `n*` keys: Bernstein's bound makes
//!   an overflow of any bin likelier than 2^-50 impossible.
//! - `m' = e·n*` sparse columns a bin with equations 2 and 3 at λ = 50:
//!   `e = 1.223 + (λ + 9.2) / 2^(0.55·log2 n* + 0.093·w³ − 1.01·w² + 2.92·w − 0.13)`,
//!   `w = log2 3`. The extra ten bits pay for the bins (at most 256) and for the
//!   three ways to fail. The constants are the printed, rounded ones, which give
//!   a larger `e` than the authors' program. Measured by the paper, not proven.
//! - `ĝ = ⌊λ / log2(e·n*)⌋`, the largest gap; `d = ĝ + 50` dense columns, so that
//!   a gap of `ĝ` rows has full rank but for 2^-50 (lemma 2.1, proven).
//!
//! All of it is integer arithmetic over one table, so that two machines never
//! differ; a test computes the table again from the formula.
//!
//! *Overfitting* (Han et al., Asiacrypt 2024, studied it for stores of this
//! kind): a vector of `m` columns over `b`-bit values has room for more points
//! than the `n` that an honest encoder puts in, and whoever makes it may search
//! for points that happen to fit. Over all vectors at once, and an adversary that
//! asks the random oracles for `2^q` points, the chance that some vector fits `t`
//! of them is at most `C(2^q, t)·2^(b·(m − t))`. [`Params::points_bound`] gives the
//! least `t` for which that is under 2^-40. For `b = 128` it is 1.21·m at
//! `q = 40` and 2.3·m at `q = 90` for a million keys: a proven bound on what a malicious receiver can
//! test, which callers compare with the sizes that were approved.
//!
//! *Invariants*
//! - The seed `r` of the rows is drawn after the keys are fixed; an encoder whose
//!   keys were chosen knowing `r` may fail, and never falsely succeeds.
//! - Encoding fails cleanly ([`Failed`]); the caller draws another seed.
//! - The vector's length depends on the number of keys alone.
//!
//! *Not here*: constant time in the keys. They are secret, and encoder and decoder
//! branch on them and read at their places; both run on the machine that holds them,
//! and nothing is sent before the whole bin is done. Who can time that machine's
//! caches may learn of its keys. In the values nothing depends on time, which
//! `cargo xtask constant-time` checks.
//!
//! *Deviations*: dense columns are binary rather than powers in GF(2^128) (the
//! paper's other variant), read through tables of eight columns at once, so that
//! the store is linear over bits and works for values of any width. Free columns
//! are random always (the paper asks it of circuit-PSI alone).
//!
//! *Cost*, a key: two AES blocks for its row; encoding about 25 and decoding
//! about 10 reads of memory that fits a core's cache.

mod decode;
mod row;
mod solve;

pub use decode::Decoder;
pub use row::{Grouped, Row, Rows};
pub use solve::{Failed, encode_bin};

use rand_core::CryptoRng;

use crate::{Error, Refusal, field::F128, limits::OKVS_ITEMS_MAX};

/// Why rows may depend on their seed.
pub(crate) const SEED: &str = "seeds of a store's rows, sent with it";

/// Keys a bin in the mean, at most.
const BIN_MEAN: usize = 1 << 16;
/// Fewest keys that parameters are made for: where the formula begins.
const ITEMS_MIN: usize = 64;
/// Statistical security of each bin against each way to fail.
const BIN_SECURITY: u32 = 50;
/// `e` over 2^16 for `2^(6 + i)` keys.
const EXPANSION: [u32; 19] = [
    158_432, 133_618, 116_670, 105_094, 97_188, 91_788, 88_099, 85_580, 83_859, 82_684, 81_881,
    81_333, 80_958, 80_702, 80_527, 80_408, 80_327, 80_271, 80_233,
];

/// What a store holds: anything that adds by XOR.
pub trait Value: Copy + Default + Send + Sync {
    /// Adds in place.
    fn add(&mut self, other: Self);
    /// A uniformly random value.
    fn draw<R: CryptoRng + ?Sized>(rng: &mut R) -> Self;
}

impl Value for u64 {
    fn add(&mut self, other: Self) {
        *self ^= other;
    }

    fn draw<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        rng.next_u64()
    }
}

impl Value for F128 {
    fn add(&mut self, other: Self) {
        *self += other;
    }

    fn draw<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        Self::random(rng)
    }
}

/// The shape of a store for a number of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    bins: usize,
    bin_items: usize,
    sparse: usize,
    gap: usize,
    dense: usize,
}

impl Params {
    /// The shape for `items` keys.
    ///
    /// # Errors
    /// [`Refusal::ParameterRange`] for more than [`OKVS_ITEMS_MAX`].
    pub fn new(items: usize) -> Result<Self, Error> {
        if items > OKVS_ITEMS_MAX {
            return Err(Refusal::ParameterRange.into());
        }
        let items = items.max(ITEMS_MIN);
        let bins = items.div_ceil(BIN_MEAN);
        let mean = items.div_ceil(bins);
        // Bernstein: a bin exceeds its mean by s with a chance of at most
        // exp(-s²/2(mean + s/3)); s = L/3 + √(L²/9 + 2·L·mean) makes it exp(-L),
        // and L = 40.2 = 58·ln 2 leaves 2^-50 for 256 bins together.
        let slack = 15 + (181 + 81 * mean).isqrt();
        let bin_items = items.min(mean + if bins == 1 { 0 } else { slack });
        let class = usize::try_from(bin_items.ilog2()).unwrap_or(usize::MAX) - 6;
        let expansion = EXPANSION[class.min(EXPANSION.len() - 1)] as usize;
        let sparse = (bin_items * expansion).div_ceil(1 << 16);
        // The largest power of `sparse` under 2^50.
        let gap = usize::try_from((1u64 << BIN_SECURITY).ilog(sparse as u64)).unwrap_or(0);
        Ok(Self {
            bins,
            bin_items,
            sparse,
            gap,
            dense: gap + BIN_SECURITY as usize,
        })
    }

    /// How many bins.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.bins
    }

    /// Keys that fit one bin.
    #[must_use]
    pub fn bin_items(&self) -> usize {
        self.bin_items
    }

    /// Columns of one bin: the sparse ones, then the dense.
    #[must_use]
    pub fn bin_columns(&self) -> usize {
        self.sparse + self.dense
    }

    /// Columns of the store: the vector's length.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.bins * self.bin_columns()
    }

    /// The most points that any vector of this shape over values of `value_bits`
    /// can fit, but for a chance of 2^-40, where whoever made it asked the
    /// oracles for `2^log2_queries` points; `None` where the bound says nothing.
    ///
    /// From the module's bound with `log2 C(2^q, t) ≤ t·(q − log2 t + log2 e)`.
    #[must_use]
    pub fn points_bound(&self, value_bits: u32, log2_queries: u32) -> Option<usize> {
        let columns = self.columns() as u64;
        let fits = |points: u64| {
            let choices = u64::from(log2_queries + 2).saturating_sub(u64::from(points.ilog2()));
            let gain = u64::from(value_bits).checked_sub(choices)?;
            // points·(bits − choices) ≥ columns·bits + 40, and 128 for the seed.
            (points * gain >= columns * u64::from(value_bits) + 168).then_some(())
        };
        let (mut low, mut high) = (columns, columns.checked_mul(1024)?);
        fits(high)?;
        while low < high {
            let middle = low + (high - low) / 2;
            if fits(middle).is_some() {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        usize::try_from(low).ok()
    }
}

#[cfg(test)]
mod tests;

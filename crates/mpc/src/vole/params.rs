//! How long a VOLE is, under which code, and what follows from that.
//!
//! Why it exists: both parties compute the same [`Shape`] from the same two
//! numbers; nothing of it is ever taken from the peer.
//!
//! # The noise's weight
//! The receiver's `a` is `H·e` for a public matrix `H` that compresses two entries
//! into one and a secret regular `e`: cut into `t` equal blocks, it has one random
//! element at one random place in each. That `a` looks random is the dual-LPN
//! assumption. The known attacks are linear tests: take a word of the code that
//! `H` checks and see whether it annihilates what was seen. A word that is nonzero
//! at a share `d` of all places misses one block's noise with probability `1 − d`
//! on average, and where it meets it, the element there is uniformly random over
//! GF(2^128) and hides everything. So a test's bias is at most `(1 − d)^t`, where
//! `d` is the code's distance in the sense of Raghuraman, Rindal and Tanguy
//! ("Expand-Convolute Codes for Pseudorandom Correlation Generators from LPN",
//! CRYPTO 2023): the least that anybody is known to find, which they estimate at
//! 0.15 for weight 7 and 0.20 for weight 21. With bias at most `2^-128`:
//!
//! `t = ⌈128 / −log2(1 − d)⌉`, which is 546 and 398.
//!
//! Over GF(2) the noise is one at each place, a test's bias is `(1 − 2d)^t` and
//! 249 and 174 would do; those figures are often used over large fields too. Here
//! the larger ones are, for a price of some hundred kilobytes.
//! Noise of 64 bits ([`super::Receiver::start_narrow`]) is no weaker against these
//! tests: the code is over GF(2), and a bit of an element that a test meets is
//! uniform all the same.
//! Blocks are powers of two, so `t` is rounded up to at most twice itself.

use std::f64::consts::LN_2;

use crate::{Error, Refusal, limits};

/// Which expand-convolute code compresses the noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code {
    /// Seven places an output, convolution over 24: the authors' default.
    Fast,
    /// Twenty-one places an output, convolution over 24: their conservative choice.
    Conservative,
}

impl Code {
    /// Places summed for one output.
    pub(crate) fn weight(self) -> usize {
        match self {
            Self::Fast => 7,
            Self::Conservative => 21,
        }
    }

    /// The authors' estimate of the distance, as a share of the length.
    fn distance(self) -> f64 {
        match self {
            Self::Fast => 0.15,
            Self::Conservative => 0.20,
        }
    }

    /// The least number of noisy places; see the module.
    fn noise_min(self) -> usize {
        const SECURITY_BITS: f64 = 128.0;
        let bits_a_place = -(-self.distance()).ln_1p() / LN_2;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small positive number"
        )]
        let noise = (SECURITY_BITS / bits_a_place).ceil() as usize;
        noise
    }
}

/// What both parties agree on before they begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// Correlations wanted; 1 to [`limits::VOLE_LEN_MAX`].
    pub len: usize,
    /// The code.
    pub code: Code,
}

/// The numbers that follow from [`Params`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Correlations wanted.
    pub(crate) len: usize,
    /// The code.
    pub(crate) code: Code,
    /// Depth of each noise tree; a block has `2^depth` entries.
    pub(crate) depth: usize,
    /// Noise trees, the weight `t`.
    pub(crate) trees: usize,
    /// Whether `a` has 64 bits only.
    pub(crate) narrow: bool,
}

/// The shortest output that the code is used for; a shorter one is cut from it.
const DIMENSION_MIN: usize = 1 << 12;

impl Shape {
    /// The shape of a VOLE.
    ///
    /// # Errors
    /// [`Refusal::ParameterRange`] where the length is zero or too large.
    pub(crate) fn new(params: Params) -> Result<Self, Error> {
        let Params { len, code } = params;
        if len == 0 || len > limits::VOLE_LEN_MAX {
            return Err(Refusal::ParameterRange.into());
        }
        let entries = 2 * len.max(DIMENSION_MIN);
        let depth = (entries / code.noise_min()).ilog2() as usize;
        let trees = entries.div_ceil(1 << depth);
        Ok(Self {
            len,
            code,
            depth,
            trees,
            narrow: false,
        })
    }

    /// The shape of a VOLE whose `a` has its upper 64 bits zero.
    pub(crate) fn narrow(self) -> Self {
        Self {
            narrow: true,
            ..self
        }
    }

    /// Bytes that correct the noise to 64 bits, where that is asked for.
    pub(crate) fn narrowing_bytes(&self) -> usize {
        if self.narrow { 8 * self.trees } else { 0 }
    }

    /// Entries of the noise: twice the code's dimension.
    pub(crate) fn entries(&self) -> usize {
        self.trees << self.depth
    }

    /// Entries that the code gives, at least [`Shape::len`].
    pub(crate) fn dimension(&self) -> usize {
        self.entries() / 2
    }

    /// Extended transfers: one for each level of each noise tree.
    pub(crate) fn transfers(&self) -> usize {
        self.trees * self.depth
    }

    /// Entries of the noise's short VOLE: one for each tree, one that masks the
    /// trees' check, one that masks its own.
    pub(crate) fn noise_len(&self) -> usize {
        self.trees + 2
    }

    /// Entries of the transfers' short VOLE: a bit for each, and its mask.
    pub(crate) fn transfers_len(&self) -> usize {
        self.transfers().div_ceil(128) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_noise_has_the_weight_of_the_formula() {
        assert_eq!(Code::Fast.noise_min(), 546);
        assert_eq!(Code::Conservative.noise_min(), 398);
        // (1 − d)^t ≤ 2^-128, and one place fewer would not do.
        for code in [Code::Fast, Code::Conservative] {
            let bits = |t: usize| -(t as f64) * (1.0 - code.distance()).log2();
            assert!(bits(code.noise_min()) >= 128.0);
            assert!(bits(code.noise_min() - 1) < 128.0);
        }
    }

    #[test]
    fn a_shape_holds_what_is_asked() {
        for code in [Code::Fast, Code::Conservative] {
            for len in [
                1,
                2,
                4095,
                4096,
                4097,
                1 << 16,
                1_415_578,
                limits::VOLE_LEN_MAX,
            ] {
                let shape = Shape::new(Params { len, code }).unwrap();
                assert!(shape.dimension() >= len.max(DIMENSION_MIN));
                assert!(shape.trees >= code.noise_min());
                assert!(shape.trees <= 2 * code.noise_min() + 1);
                assert!(shape.depth >= 3 && shape.entries().is_multiple_of(2));
            }
        }
    }

    #[test]
    fn a_length_out_of_range_is_refused() {
        for len in [0, limits::VOLE_LEN_MAX + 1] {
            let refused = Shape::new(Params {
                len,
                code: Code::Fast,
            });
            assert_eq!(
                refused.unwrap_err().refusal(),
                Some(Refusal::ParameterRange)
            );
        }
    }
}

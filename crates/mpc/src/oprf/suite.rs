//! ristretto255-SHA512: hashing to the group and to scalars (RFC 9497 §4.1,
//! RFC 9380 §5.3.1), and key derivation.
//!
//! Why it exists: the suite's strings differ by mode, and the vectors of the
//! base mode check the same code; one table holds them.
//!
//! *Invariants*: every string here is at most 255 bytes, as the expansion asks.

use std::sync::LazyLock;

use curve25519_dalek::{RistrettoPoint, Scalar};
use sha2::{Digest as _, Sha512};

use crate::{Error, Refusal, group::SecretScalar};

/// SHA-512's input block, which the expansion begins with, as zeros.
const BLOCK_BYTES: usize = 128;

/// The strings of one mode.
pub(crate) struct Suite {
    group: &'static [u8],
    scalar: &'static [u8],
    derive: &'static [u8],
    pub(super) seed: &'static [u8],
}

/// The verifiable mode: `contextString` is `"OPRFV1-" ‖ 0x01 ‖ "-ristretto255-SHA512"`.
pub(crate) const SUITE: Suite = Suite {
    group: b"HashToGroup-OPRFV1-\x01-ristretto255-SHA512",
    scalar: b"HashToScalar-OPRFV1-\x01-ristretto255-SHA512",
    derive: b"DeriveKeyPairOPRFV1-\x01-ristretto255-SHA512",
    seed: b"Seed-OPRFV1-\x01-ristretto255-SHA512",
};

/// The base mode, which only the vectors use.
#[cfg(test)]
pub(super) const BASE_SUITE: Suite = Suite {
    group: b"HashToGroup-OPRFV1-\x00-ristretto255-SHA512",
    scalar: b"HashToScalar-OPRFV1-\x00-ristretto255-SHA512",
    derive: b"DeriveKeyPairOPRFV1-\x00-ristretto255-SHA512",
    seed: b"Seed-OPRFV1-\x00-ristretto255-SHA512",
};

/// The hash's state after one block of zeros: the first block of every
/// expansion, absorbed once a process instead of once a key.
static PADDED: LazyLock<Sha512> = LazyLock::new(|| Sha512::new().chain_update([0u8; BLOCK_BYTES]));

impl Suite {
    /// RFC 9497 `HashToGroup`: 64 expanded bytes through the one-way map of
    /// RFC 9496 §4.3.4.
    pub(crate) fn hash_to_group(&self, input: &[u8]) -> RistrettoPoint {
        RistrettoPoint::from_uniform_bytes(&expand_64(&[input], self.group))
    }

    /// RFC 9497 `HashToScalar` over the concatenation of `parts`.
    pub(crate) fn hash_to_scalar(&self, parts: &[&[u8]]) -> Scalar {
        Scalar::from_bytes_mod_order_wide(&expand_64(parts, self.scalar))
    }

    /// RFC 9497 §3.2.1. The chance that 256 counters all give zero is nil; it
    /// is reported all the same.
    pub(crate) fn derive_key(&self, seed: &[u8; 32], info: &[u8]) -> Result<SecretScalar, Error> {
        if info.len() > usize::from(u16::MAX) {
            return Err(Refusal::ParameterRange.into());
        }
        (0..=u8::MAX)
            .find_map(|counter| {
                let parts: [&[u8]; 4] = [seed, &length_prefix(info), info, &[counter]];
                let wide = expand_64(&parts, self.derive);
                SecretScalar::new(Scalar::from_bytes_mod_order_wide(&wide))
            })
            .ok_or_else(|| Refusal::ParameterRange.into())
    }
}

/// A uniform scalar from 64 uniform bytes.
pub(crate) fn hash_to_scalar_wide(wide: &[u8; 64]) -> Option<SecretScalar> {
    SecretScalar::new(Scalar::from_bytes_mod_order_wide(wide))
}

/// `I2OSP(len, 2)`. Inputs are bounded far below; longer ones are cut by the
/// callers' checks, never here.
#[expect(
    clippy::cast_possible_truncation,
    reason = "callers bound the length to 65,535 before they call"
)]
pub(super) fn length_prefix(bytes: &[u8]) -> [u8; 2] {
    debug_assert!(bytes.len() <= usize::from(u16::MAX));
    (bytes.len() as u16).to_be_bytes()
}

fn expand_64(parts: &[&[u8]], dst: &[u8]) -> [u8; 64] {
    let mut out = [0u8; 64];
    expand(parts, dst, &mut out);
    out
}

/// RFC 9380 `expand_message_xmd` with SHA-512; `out` is at most 255 blocks of
/// 64 bytes and `dst` at most 255 bytes, both fixed by the code that calls.
pub(super) fn expand(parts: &[&[u8]], dst: &[u8], out: &mut [u8]) {
    let dst_len = [u8::try_from(dst.len()).unwrap_or(u8::MAX)];
    let mut hasher = PADDED.clone();
    for part in parts {
        hasher.update(part);
    }
    hasher.update(length_prefix(out));
    hasher.update([0]);
    hasher.update(dst);
    hasher.update(dst_len);
    let first: [u8; 64] = hasher.finalize().into();
    let mut block = [0u8; 64];
    for (counter, piece) in (1u8..=u8::MAX).zip(out.chunks_mut(64)) {
        for (byte, mask) in block.iter_mut().zip(&first) {
            *byte ^= mask;
        }
        let mut hasher = Sha512::new();
        hasher.update(block);
        hasher.update([counter]);
        hasher.update(dst);
        hasher.update(dst_len);
        block = hasher.finalize().into();
        piece.copy_from_slice(&block[..piece.len()]);
    }
}

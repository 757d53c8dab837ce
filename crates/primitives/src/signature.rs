//! Ed25519 signatures with one acceptance rule for single and batched checks.
//!
//! Source: RFC 8032 for signing; for checking, the cofactored equation
//! `[8](s·B − R − k·A) = 0` with canonical encodings of `A`, `R` and `s` and
//! without small-order `A` (Chalkias, Garillot, Nikolaenko, "Taming the many
//! EdDSAs", 2020, algorithm 2). The usual cofactorless check can accept alone
//! what it refuses in a batch; validators that batch differently would then
//! disagree about a block.
//!
//! Every message is prefixed by a domain, so a signature made for one purpose
//! is worth nothing for another.

use std::{collections::BTreeMap, fmt};

use curve25519_dalek::{
    constants::ED25519_BASEPOINT_POINT,
    edwards::{CompressedEdwardsY, EdwardsPoint},
    scalar::Scalar,
    traits::{IsIdentity, VartimeMultiscalarMul},
};
use ed25519_dalek::Signer as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha512};
use zeroize::ZeroizeOnDrop;

/// A signature was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureError;

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the signature does not verify")
    }
}

impl std::error::Error for SignatureError {}

/// An Ed25519 public key: 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 32]);

/// An Ed25519 signature: 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature(pub [u8; 64]);

macro_rules! bytes_type {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(&self.0[..4]))
            }
        }
        impl std::str::FromStr for $name {
            type Err = hex::FromHexError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut bytes = [0u8; std::mem::size_of::<Self>()];
                hex::decode_to_slice(text, &mut bytes)?;
                Ok(Self(bytes))
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                crate::ids::serialize_bytes(&self.0, serializer)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::ids::deserialize_bytes(deserializer).map(Self)
            }
        }
    };
}

bytes_type!(PublicKey);
bytes_type!(Signature);

/// An Ed25519 signing key. It has no `Debug` and is wiped when dropped.
#[derive(Clone, ZeroizeOnDrop)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// Draws a key from the operating system's randomness.
    #[must_use]
    pub fn generate() -> Self {
        Self::from_seed(&crate::random())
    }

    /// The key of a 32-byte RFC 8032 seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The seed, for a keystore.
    #[must_use]
    pub fn to_seed(&self) -> zeroize::Zeroizing<[u8; 32]> {
        zeroize::Zeroizing::new(self.0.to_bytes())
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs `message` under `domain`.
    #[must_use]
    pub fn sign(&self, domain: &str, message: &[u8]) -> Signature {
        self.sign_raw(&framed(domain, message))
    }

    /// Signs bytes that a foreign standard (COSE, C2SP) has already framed.
    #[must_use]
    pub fn sign_raw(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

fn framed(domain: &str, message: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(domain.len() + message.len() + 9);
    bytes.extend_from_slice(&(domain.len() as u64).to_le_bytes());
    bytes.extend_from_slice(domain.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(message);
    bytes
}

impl PublicKey {
    /// Checks a signature made by [`SigningKey::sign`].
    ///
    /// # Errors
    /// [`SignatureError`] where it does not verify.
    pub fn verify(
        &self,
        domain: &str,
        message: &[u8],
        signature: &Signature,
    ) -> Result<(), SignatureError> {
        self.verify_raw(&framed(domain, message), signature)
    }

    /// Checks a signature over bytes framed by a foreign standard.
    ///
    /// # Errors
    /// [`SignatureError`] where it does not verify.
    pub fn verify_raw(&self, message: &[u8], signature: &Signature) -> Result<(), SignatureError> {
        let key = key_point(self)?;
        let parsed = Parsed::new(self, message, signature)?;
        let difference = EdwardsPoint::vartime_double_scalar_mul_basepoint(
            &-parsed.challenge,
            &key,
            &parsed.response,
        ) - parsed.commitment;
        if difference.mul_by_cofactor().is_identity() {
            Ok(())
        } else {
            Err(SignatureError)
        }
    }
}

/// A signature's parts and the challenge that they answer.
struct Parsed {
    commitment: EdwardsPoint,
    response: Scalar,
    challenge: Scalar,
}

/// The least byte of the field's order `2^255 - 19`; its others are `ff`, the last `7f`.
const ORDER_LOW: u8 = 0xed;

/// The point of a canonical encoding: `y` below the field's order, and no sign on
/// `x = 0`, which is where `y` is 1 or -1. Compressing the point again would say the
/// same at the price of an inversion.
fn canonical_point(bytes: &[u8; 32]) -> Option<EdwardsPoint> {
    let sign = bytes[31] >> 7 == 1;
    let high = bytes[31] & 0x7f;
    let like_order = high == 0x7f && bytes[1..31].iter().all(|byte| *byte == 0xff);
    let minus_one = like_order && bytes[0] == ORDER_LOW - 1;
    let one = high == 0 && bytes[0] == 1 && bytes[1..31].iter().all(|byte| *byte == 0);
    if like_order && bytes[0] >= ORDER_LOW || sign && (one || minus_one) {
        return None;
    }
    CompressedEdwardsY(*bytes).decompress()
}

/// The point of a public key, if it may verify anything.
fn key_point(key: &PublicKey) -> Result<EdwardsPoint, SignatureError> {
    let point = canonical_point(&key.0).ok_or(SignatureError)?;
    if point.is_small_order() {
        return Err(SignatureError);
    }
    Ok(point)
}

impl Parsed {
    fn new(key: &PublicKey, message: &[u8], signature: &Signature) -> Result<Self, SignatureError> {
        let (r, s) = signature.0.split_at(32);
        let half = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).map_err(|_| SignatureError);
        let commitment = canonical_point(&half(r)?).ok_or(SignatureError)?;
        let response =
            Option::<Scalar>::from(Scalar::from_canonical_bytes(half(s)?)).ok_or(SignatureError)?;
        let mut hasher = Sha512::new();
        hasher.update(r);
        hasher.update(key.0);
        hasher.update(message);
        let wide: [u8; 64] = hasher.finalize().into();
        Ok(Self {
            commitment,
            response,
            challenge: Scalar::from_bytes_mod_order_wide(&wide),
        })
    }
}

/// One signature of a batch, over bytes already framed.
#[derive(Clone, Copy)]
pub struct Claim<'a> {
    /// Whose signature it is said to be.
    pub key: &'a PublicKey,
    /// The framed message.
    pub message: &'a [u8],
    /// The signature.
    pub signature: &'a Signature,
}

/// Frames a message as [`SigningKey::sign`] does, for use in a [`Claim`].
#[must_use]
pub fn frame(domain: &str, message: &[u8]) -> Vec<u8> {
    framed(domain, message)
}

/// Weights drawn from the operating system at a time.
const WEIGHTS: usize = 64;
const WEIGHT_BYTES: usize = 16;

/// Checks many signatures in one multi-scalar multiplication.
///
/// Returns whether all verify; a caller that needs to know which one fails
/// checks them alone. With random 128-bit weights `w` from the operating system it asks
/// whether `Σ w·R + Σ (Σ w·k)·A − (Σ w·s)·B` vanishes, one term for each signature and
/// one for each *different* key: the signers of a network are few.
#[must_use]
pub fn verify_batch(claims: &[Claim<'_>]) -> bool {
    let mut keys: BTreeMap<&PublicKey, Scalar> = BTreeMap::new();
    let mut scalars = Vec::with_capacity(claims.len() + 8);
    let mut points = Vec::with_capacity(claims.len() + 8);
    let mut base = Scalar::ZERO;
    for chunk in claims.chunks(WEIGHTS) {
        let drawn: [u8; WEIGHTS * WEIGHT_BYTES] = crate::random();
        let (weights, _) = drawn.as_chunks::<WEIGHT_BYTES>();
        for (claim, weight) in chunk.iter().zip(weights) {
            let Ok(parsed) = Parsed::new(claim.key, claim.message, claim.signature) else {
                return false;
            };
            // Positive and short: half of its digits cost nothing.
            let weight = Scalar::from(u128::from_le_bytes(*weight));
            base -= weight * parsed.response;
            *keys.entry(claim.key).or_insert(Scalar::ZERO) += weight * parsed.challenge;
            scalars.push(weight);
            points.push(parsed.commitment);
        }
    }
    for (key, scalar) in keys {
        let Ok(point) = key_point(key) else {
            return false;
        };
        scalars.push(scalar);
        points.push(point);
    }
    scalars.push(base);
    points.push(ED25519_BASEPOINT_POINT);
    EdwardsPoint::vartime_multiscalar_mul(&scalars, &points)
        .mul_by_cofactor()
        .is_identity()
}

#[cfg(test)]
mod tests;

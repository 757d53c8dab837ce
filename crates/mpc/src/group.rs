//! Elements and secret scalars of ristretto255 (RFC 9496).
//!
//! Why it exists: outside this file no point is used before its encoding was
//! checked, and no secret scalar is printed or left in memory.
//!
//! *Invariants*
//! - An [`Element`] is canonical and never the identity.
//! - A [`Blind`] and every other secret scalar is never zero.

use curve25519_dalek::{
    ristretto::{CompressedRistretto, RistrettoPoint},
    scalar::Scalar,
    traits::Identity as _,
};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, Zeroizing};

use crate::{Error, Fault, secrecy};

/// Why the outcome of a check of an element may be known.
pub(crate) const AN_ELEMENT: &str = "whether bytes are an element, and not the identity";

/// A group element that is canonical and not the identity; 32 bytes on the wire.
#[derive(Clone, Copy)]
pub struct Element {
    bytes: [u8; 32],
    point: RistrettoPoint,
}

impl Element {
    /// Decodes an element.
    ///
    /// # Errors
    /// [`Fault::NotCanonical`] and [`Fault::Identity`], with the bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, Error> {
        let point = CompressedRistretto(*bytes)
            .decompress()
            .ok_or_else(|| Error::faulty(Fault::NotCanonical, bytes))?;
        if secrecy::outcome(point.ct_eq(&RistrettoPoint::identity()), AN_ELEMENT) {
            return Err(Error::faulty(Fault::Identity, bytes));
        }
        Ok(Self {
            bytes: *bytes,
            point,
        })
    }

    /// The element's canonical encoding.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.bytes
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    pub(crate) fn point(&self) -> &RistrettoPoint {
        &self.point
    }

    /// For points that are never the identity by construction.
    pub(crate) fn from_point(point: RistrettoPoint) -> Self {
        let bytes = point.compress().to_bytes();
        Self {
            bytes: secrecy::public(bytes, "elements that are sent, or committed to"),
            point,
        }
    }
}

/// Encodings are unique, so that elements are equal where these are.
impl PartialEq for Element {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Element {}

impl std::fmt::Debug for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for byte in &self.bytes[..4] {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// A secret scalar, never zero, wiped when dropped.
#[derive(Clone)]
pub(crate) struct SecretScalar(Scalar);

impl SecretScalar {
    pub(crate) fn new(scalar: Scalar) -> Option<Self> {
        let zero = secrecy::outcome(
            scalar.ct_eq(&Scalar::ZERO),
            "whether a secret is zero: none is",
        );
        (!zero).then_some(Self(scalar))
    }

    pub(crate) fn draw<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        loop {
            if let Some(secret) = Self::new(Scalar::random(rng)) {
                return secret;
            }
        }
    }

    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        // What is not reduced becomes zero, which is as little a secret.
        Self::new(Scalar::from_canonical_bytes(*bytes).unwrap_or(Scalar::ZERO))
    }

    pub(crate) fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    pub(crate) fn expose(&self) -> &Scalar {
        &self.0
    }

    /// Half of the scalar, for a multiplication whose result is encoded by
    /// doubling ([`encode_doubled`]).
    pub(crate) fn half(&self) -> Self {
        Self(self.0.div_by_2())
    }

    pub(crate) fn times(&self, other: &Self) -> Self {
        Self(self.0 * other.0)
    }
}

impl Drop for SecretScalar {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The secret `r` of a blinded selector `B = r·H(x)`.
///
/// Who holds it and the OPRF's output on `B` learns the output on `x`. It has
/// no `Debug` and is wiped when dropped.
#[derive(Clone)]
pub struct Blind(pub(crate) SecretScalar);

impl Blind {
    /// Reads a blind from where it was kept sealed.
    ///
    /// # Errors
    /// [`Fault::NotCanonical`] for a scalar that is zero or not reduced. The
    /// evidence is empty: the bytes are secret.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, Error> {
        SecretScalar::from_bytes(bytes)
            .map(Self)
            .ok_or_else(|| Error::faulty(Fault::NotCanonical, &[]))
    }

    /// The blind's bytes, to be kept sealed.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.0.to_bytes()
    }
}

/// Encodes the doubles of `halves` with one inversion for them all.
pub(crate) fn encode_doubled(halves: &[RistrettoPoint]) -> Vec<[u8; 32]> {
    RistrettoPoint::double_and_compress_batch(halves)
        .into_iter()
        .map(|encoding| encoding.to_bytes())
        .collect()
}

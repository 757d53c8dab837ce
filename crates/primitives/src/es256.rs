//! ECDSA over P-256 with SHA-256, as passkeys sign: checking only.
//!
//! Source: FIPS 186-5 §6.4.2 for the check; SEC 1 §2.3.3 for the key's 33 bytes.
//! The arithmetic is the `p256` crate's.
//!
//! *Invariants*: a key and a signature have one encoding each. Of the two values
//! `s` and `n − s` that verify alike, only the lower is accepted: otherwise
//! anybody could turn a record into another with another digest. Authenticators
//! give either, in ASN.1; [`Es256Signature::from_der`] brings what they give to
//! the one form, before it is part of anything.
//!
//! *Not here*: signing. A passkey's private key never leaves its authenticator.

use std::fmt;

use p256::ecdsa::{Signature, VerifyingKey, signature::Verifier as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::signature::SignatureError;

/// Bytes of an ASN.1 signature: two integers of at most 33 bytes, with heads.
const DER_BYTES_MAX: usize = 72;

/// A P-256 public key: 33 bytes, a compressed point.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Es256Key(pub [u8; 33]);

/// A P-256 signature: `r ‖ s`, 64 bytes, `s` in the lower half.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Es256Signature(pub [u8; 64]);

impl Es256Key {
    /// The key of a point's two coordinates, 32 bytes each.
    ///
    /// # Errors
    /// [`SignatureError`] where they are no point of the curve.
    pub fn from_coordinates(x: &[u8], y: &[u8]) -> Result<Self, SignatureError> {
        if x.len() != 32 || y.len() != 32 {
            return Err(SignatureError);
        }
        let point = [&[4], x, y].concat();
        let key = VerifyingKey::from_sec1_bytes(&point).map_err(|_| SignatureError)?;
        let compressed = key.to_sec1_point(true);
        let bytes = compressed.as_bytes().try_into();
        bytes.map(Self).map_err(|_| SignatureError)
    }

    fn parsed(&self) -> Result<VerifyingKey, SignatureError> {
        let key = VerifyingKey::from_sec1_bytes(&self.0).map_err(|_| SignatureError)?;
        // SEC 1 knows a compact form of as many bytes; it is not ours.
        if key.to_sec1_point(true).as_bytes() == self.0 {
            Ok(key)
        } else {
            Err(SignatureError)
        }
    }

    /// Checks that the bytes are a point of the curve.
    ///
    /// # Errors
    /// [`SignatureError`] where they are not.
    pub fn check(&self) -> Result<(), SignatureError> {
        self.parsed().map(|_| ())
    }

    /// Checks a signature over a message.
    ///
    /// # Errors
    /// [`SignatureError`] where it does not verify, or is not in its one form.
    pub fn verify(&self, message: &[u8], given: &Es256Signature) -> Result<(), SignatureError> {
        let signature = Signature::from_slice(&given.0).map_err(|_| SignatureError)?;
        if signature.normalize_s() != signature {
            return Err(SignatureError);
        }
        let key = self.parsed()?;
        key.verify(message, &signature).map_err(|_| SignatureError)
    }
}

impl Es256Signature {
    /// Brings an authenticator's ASN.1 signature to its one form.
    ///
    /// # Errors
    /// [`SignatureError`] where it is not strict DER of two numbers in range.
    pub fn from_der(bytes: &[u8]) -> Result<Self, SignatureError> {
        if bytes.len() > DER_BYTES_MAX {
            return Err(SignatureError);
        }
        let signature = Signature::from_der(bytes).map_err(|_| SignatureError)?;
        Ok(Self(signature.normalize_s().to_bytes().into()))
    }
}

impl fmt::Debug for Es256Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0[..5]))
    }
}

impl fmt::Debug for Es256Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0[..4]))
    }
}

impl Serialize for Es256Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        crate::ids::serialize_bytes(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Es256Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = crate::ids::deserialize_bytes(deserializer).map(Self)?;
        key.check().map_err(de::Error::custom)?;
        Ok(key)
    }
}

#[cfg(test)]
mod tests;

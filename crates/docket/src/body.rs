//! Bodies: what only the entitled may read, committed to by salted digests.
//!
//! A record names each body by a [`Part`]: label, commitment, readers and size.
//! The body itself travels sealed (see `seal`) and is kept in private
//! stores; destroying body and salt erases it while every proof still verifies.
//! Commitment: `SHA-256("cordon/body/v1", label, salt, body)` with a 32-byte
//! random salt, hiding and binding under the random oracle model.

use primitives::{Digest, InstitutionId, TimeMs, cbor, limits::BODY_BYTES_MAX, semantic::Selector};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::rule::{Refusal, Rule};

/// A salted commitment to a body.
pub type Commitment = Digest;

/// A body as a record's header names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Which body: one of the labels of its record's kind.
    pub label: String,
    /// The salted commitment.
    pub commitment: Commitment,
    /// Who may read it.
    pub readers: Vec<InstitutionId>,
    /// The body's size in bytes.
    pub bytes: u32,
}

/// A body with its salt: what an entitled reader keeps.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    /// The label of the part that it opens.
    pub label: String,
    /// The commitment's salt.
    pub salt: Digest,
    /// The body's deterministic CBOR.
    #[serde(with = "bytes")]
    pub body: Vec<u8>,
}

/// Byte strings as CBOR bytes and JSON hex.
pub mod bytes {
    use serde::{Deserializer, Serializer, de};

    /// Serialises bytes as a CBOR byte string, or hex in a text format.
    ///
    /// # Errors
    /// The serializer's own.
    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            let mut text = String::with_capacity(bytes.len() * 2);
            for byte in bytes {
                text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
                text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
            }
            serializer.serialize_str(&text)
        } else {
            serializer.serialize_bytes(bytes)
        }
    }

    struct Visitor;
    impl de::Visitor<'_> for Visitor {
        type Value = Vec<u8>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("bytes (hex in text formats)")
        }
        fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }
        fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
            Ok(bytes)
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<u8>, E> {
            if !text.len().is_multiple_of(2) || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(E::custom("not hex"));
            }
            (0..text.len())
                .step_by(2)
                .map(|i| u8::from_str_radix(&text[i..i + 2], 16).map_err(E::custom))
                .collect()
        }
    }

    /// Reads what [`serialize`] writes.
    ///
    /// # Errors
    /// The deserializer's own, or text that is not hex.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(Visitor)
        } else {
            deserializer.deserialize_byte_buf(Visitor)
        }
    }
}

/// A type that can stand as a body.
pub trait Body: Serialize + DeserializeOwned {
    /// The label of the part that holds it.
    const LABEL: &'static str;

    /// Checks the body by itself, whoever reads it.
    ///
    /// # Errors
    /// A refusal that names what is wrong with it.
    fn check(&self) -> Result<(), Refusal> {
        Ok(())
    }
}

impl Opened {
    /// Encodes a body and draws its salt.
    ///
    /// # Errors
    /// A refusal where the body is larger than a body may be.
    pub fn new<B: Body>(body: &B) -> Result<Self, Refusal> {
        Self::salted(body, Digest(primitives::random()))
    }

    /// Encodes a body under a salt, which must be drawn for it alone.
    ///
    /// # Errors
    /// As [`Opened::new`].
    pub fn salted<B: Body>(body: &B, salt: Digest) -> Result<Self, Refusal> {
        let bytes =
            cbor::encode(body).map_err(|error| Refusal::new(Rule::Format, error.to_string()))?;
        if bytes.len() > BODY_BYTES_MAX {
            return Err(Refusal::new(
                Rule::Limit,
                format!("a body of {} bytes; at most {BODY_BYTES_MAX}", bytes.len()),
            ));
        }
        Ok(Self {
            label: B::LABEL.into(),
            salt,
            body: bytes,
        })
    }

    /// The commitment that this opens.
    #[must_use]
    pub fn commitment(&self) -> Commitment {
        Digest::of(
            "cordon/body/v1",
            &[self.label.as_bytes(), &self.salt.0, &self.body],
        )
    }

    /// The part that names this body in a header.
    #[must_use]
    pub fn part(&self, readers: Vec<InstitutionId>) -> Part {
        Part {
            label: self.label.clone(),
            commitment: self.commitment(),
            readers,
            bytes: u32::try_from(self.body.len()).unwrap_or(u32::MAX),
        }
    }

    /// Reads the body after checking it against its commitment.
    ///
    /// # Errors
    /// A refusal where label or commitment differ, or the bytes are not a
    /// canonical body of this kind, or one that can't stand by itself.
    pub fn read<B: Body>(&self, part: &Part) -> Result<B, Refusal> {
        if self.label != part.label || self.label != B::LABEL {
            return Err(Refusal::new(
                Rule::Parts,
                "another body than the record names",
            ));
        }
        if self.commitment() != part.commitment {
            return Err(Refusal::new(
                Rule::Parts,
                "the body differs from the record's commitment",
            ));
        }
        let body: B = cbor::decode(&self.body, BODY_BYTES_MAX)
            .map_err(|error| Refusal::new(Rule::Format, error.to_string()))?;
        body.check()?;
        Ok(body)
    }
}

/// Half-open interval of time that a warrant's data may come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// First millisecond inside.
    pub from_ms: TimeMs,
    /// First millisecond after.
    pub to_ms: TimeMs,
}

/// A place and a time that a joint question begins from, where no subject is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scene {
    /// The antenna's cell, as telecoms and the power company number them; none: the
    /// whole city.
    pub cell: Option<i64>,
    /// First millisecond inside.
    pub from_ms: TimeMs,
    /// First millisecond after.
    pub to_ms: TimeMs,
}

/// A subject as the requester names it to the authority, with the scalar that
/// blinds it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The normalised selector.
    pub selector: Selector,
    /// The blind `r` (ristretto255 scalar, canonical).
    pub blind: Digest,
}

/// What the requester tells the authority with a draft, and the authority
/// orders in secret (label `subjects`).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subjects {
    /// The case's file name at the requester.
    pub case: String,
    /// Why the subjects are sought.
    pub reason: String,
    /// The legal basis.
    pub basis: String,
    /// The time that the data may come from.
    pub window: Window,
    /// The subjects.
    pub subjects: Vec<Subject>,
    /// The scenes, sorted and distinct.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scenes: Vec<Scene>,
}

impl Body for Subjects {
    const LABEL: &'static str = "subjects";
}

/// What custodians are shown of a warrant (label `order`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The legal basis, as the authority cites it.
    pub basis: String,
    /// The time that the data may come from.
    pub window: Window,
    /// The blinded subjects `B = r·H(x)`: their semantic type and the
    /// canonical ristretto255 encoding, sorted by encoding.
    pub blinded: Vec<Blinded>,
    /// The scenes, sorted and distinct.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scenes: Vec<Scene>,
}

impl Body for Order {
    const LABEL: &'static str = "order";
}

/// One blinded subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blinded {
    /// What kind of value is blinded.
    pub semantic: primitives::semantic::Semantic,
    /// The point's canonical encoding.
    pub point: Digest,
}

/// Why somebody refused, narrowed, revoked or denied (label `reason`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// In the officer's words.
    pub text: String,
}

impl Body for Reason {
    const LABEL: &'static str = "reason";
}

/// A peer's misbehaviour with its bytes (label `evidence`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultEvidence {
    /// What rule of the protocol was broken.
    pub what: String,
    /// The bytes that show it.
    #[serde(with = "bytes")]
    pub bytes: Vec<u8>,
}

impl Body for FaultEvidence {
    const LABEL: &'static str = "evidence";
}

#[cfg(test)]
mod tests;

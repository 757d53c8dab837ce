//! Deterministic CBOR (RFC 8949 §4.2.1) for types that derive serde's traits.
//!
//! Why it exists: what is hashed or signed must have one encoding. Encoding
//! goes through a value tree whose maps are sorted by their encoded keys.
//! Decoding goes over the bytes twice: first it refuses indefinite lengths, long
//! integers, unsorted or repeated keys and trailing bytes, then it reads the type
//! off them. No tree is built of what a peer sent: it would take up to 160 times
//! the bytes.
//!
//! *Invariants*: what decodes is what [`encode`] would write for it, but for fields
//! that a type leaves out and a list that a type takes for a set; a record is encoded
//! again and compared (`docket`).
//!
//! *Not here*: floating-point numbers and tags; a record has neither.

use std::fmt;

use ciborium::Value;
use serde::{Serialize, de::DeserializeOwned};

mod read;
mod scan;

/// Why bytes are not the canonical encoding of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CborError {
    /// More bytes than the caller allows.
    TooLarge {
        /// Bytes given.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not well-formed CBOR, or nested too deeply.
    Malformed,
    /// Well-formed, but not the one deterministic encoding.
    NotCanonical,
    /// A float or a tag, which no Cordon format has.
    Unsupported,
    /// Canonical, but not of the expected shape; says what was expected.
    Shape(String),
}

impl fmt::Display for CborError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes, limit } => {
                write!(f, "{bytes} bytes of CBOR where {limit} are allowed")
            }
            Self::Malformed => f.write_str("malformed CBOR"),
            Self::NotCanonical => f.write_str("CBOR that is not deterministically encoded"),
            Self::Unsupported => f.write_str("CBOR with a float or a tag"),
            Self::Shape(what) => write!(f, "CBOR of another shape: {what}"),
        }
    }
}

impl std::error::Error for CborError {}

/// Encodes a value deterministically.
///
/// # Errors
/// [`CborError::Unsupported`] for floats and tags, [`CborError::Shape`] where
/// the type's own serialiser fails.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, CborError> {
    let value = Value::serialized(value).map_err(|error| CborError::Shape(error.to_string()))?;
    let mut out = Vec::new();
    write(&value, &mut out)?;
    Ok(out)
}

/// Decodes a value, refusing every encoding but the deterministic one.
///
/// # Errors
/// See [`CborError`]'s kinds; `limit` is in bytes.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], limit: usize) -> Result<T, CborError> {
    if bytes.len() > limit {
        return Err(CborError::TooLarge {
            bytes: bytes.len(),
            limit,
        });
    }
    scan::canonical(bytes)?;
    T::deserialize(&mut read::Reader::new(bytes))
}

fn head(major: u8, number: u64, out: &mut Vec<u8>) {
    let major = major << 5;
    let be = number.to_be_bytes();
    match number {
        0..=23 => out.push(major | be[7]),
        24..=0xff => out.extend_from_slice(&[major | 24, be[7]]),
        0x100..=0xffff => {
            out.push(major | 25);
            out.extend_from_slice(&be[6..]);
        }
        0x1_0000..=0xffff_ffff => {
            out.push(major | 26);
            out.extend_from_slice(&be[4..]);
        }
        _ => {
            out.push(major | 27);
            out.extend_from_slice(&be);
        }
    }
}

fn write(value: &Value, out: &mut Vec<u8>) -> Result<(), CborError> {
    match value {
        Value::Integer(integer) => {
            let number = i128::from(*integer);
            let (major, magnitude) = if number >= 0 {
                (0, number)
            } else {
                (1, -1 - number)
            };
            let magnitude = u64::try_from(magnitude).map_err(|_| CborError::Unsupported)?;
            head(major, magnitude, out);
        }
        Value::Bytes(bytes) => {
            head(2, bytes.len() as u64, out);
            out.extend_from_slice(bytes);
        }
        Value::Text(text) => {
            head(3, text.len() as u64, out);
            out.extend_from_slice(text.as_bytes());
        }
        Value::Array(items) => {
            head(4, items.len() as u64, out);
            for item in items {
                write(item, out)?;
            }
        }
        Value::Map(entries) => {
            let mut encoded = Vec::with_capacity(entries.len());
            for (key, item) in entries {
                let mut key_bytes = Vec::new();
                write(key, &mut key_bytes)?;
                encoded.push((key_bytes, item));
            }
            encoded.sort_by(|a, b| a.0.cmp(&b.0));
            if encoded.windows(2).any(|pair| pair[0].0 == pair[1].0) {
                return Err(CborError::NotCanonical);
            }
            head(5, encoded.len() as u64, out);
            for (key_bytes, item) in encoded {
                out.extend_from_slice(&key_bytes);
                write(item, out)?;
            }
        }
        Value::Bool(false) => out.push(0xf4),
        Value::Bool(true) => out.push(0xf5),
        Value::Null => out.push(0xf6),
        _ => return Err(CborError::Unsupported),
    }
    Ok(())
}

#[cfg(test)]
mod tests;

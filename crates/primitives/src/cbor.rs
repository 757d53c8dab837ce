//! Deterministic CBOR (RFC 8949 §4.2.1) for types that derive serde's traits.
//!
//! Why it exists: what is hashed or signed must have one encoding. Encoding
//! goes through a value tree whose maps are sorted by their encoded keys;
//! decoding re-encodes what it read and refuses bytes that differ, so
//! indefinite lengths, long integers, unsorted or repeated keys and trailing
//! bytes are all refused by one comparison.
//!
//! *Not here*: floating-point numbers and tags; a record has neither.

use std::fmt;

use ciborium::Value;
use serde::{Serialize, de::DeserializeOwned};

use crate::limits::CBOR_DEPTH_MAX;

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
    let value: Value = ciborium::de::from_reader_with_recursion_limit(bytes, CBOR_DEPTH_MAX)
        .map_err(|_| CborError::Malformed)?;
    let mut again = Vec::with_capacity(bytes.len());
    write(&value, &mut again)?;
    if again != bytes {
        return Err(CborError::NotCanonical);
    }
    value
        .deserialized()
        .map_err(|error| CborError::Shape(error.to_string()))
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
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Sample {
        zebra: u64,
        ant: String,
        list: Vec<i64>,
        none: Option<bool>,
    }

    #[test]
    fn keys_are_sorted_and_unsorted_bytes_refused() {
        let sample = Sample {
            zebra: 1000,
            ant: "x".into(),
            list: vec![-1, 24],
            none: None,
        };
        let bytes = encode(&sample).unwrap();
        assert_eq!(decode::<Sample>(&bytes, 1000).unwrap(), sample);
        let mut loose = Vec::new();
        ciborium::into_writer(&sample, &mut loose).unwrap();
        assert_eq!(decode::<Sample>(&loose, 1000), Err(CborError::NotCanonical));
    }

    #[test]
    fn long_integers_trailing_bytes_floats_and_size_are_refused() {
        assert_eq!(
            decode::<u64>(&[0x18, 0x01], 9),
            Err(CborError::NotCanonical)
        );
        assert_eq!(
            decode::<u64>(&[0x01, 0x01], 9),
            Err(CborError::NotCanonical)
        );
        assert_eq!(
            decode::<u64>(&[0x01, 0x01], 1).unwrap_err(),
            CborError::TooLarge { bytes: 2, limit: 1 }
        );
        assert_eq!(
            decode::<f64>(&[0xf9, 0x3c, 0x00], 9),
            Err(CborError::Unsupported)
        );
        assert_eq!(decode::<u64>(&[0x81; 200], 999), Err(CborError::Malformed));
        assert_eq!(
            decode::<Vec<u64>>(&[0x9f, 0x01, 0xff], 9),
            Err(CborError::NotCanonical)
        );
    }

    proptest! {
        #[test]
        fn whatever_decodes_encodes_to_the_same_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(value) = decode::<Vec<(String, i64)>>(&bytes, 64) {
                prop_assert_eq!(encode(&value).unwrap(), bytes);
            }
        }
    }
}

//! One row as the protocol and the answer see it: canonical values in the order of
//! the dataset's columns.

use serde::{Deserialize, Serialize};

/// A canonical value; its type is the column's semantic type.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// The source had nothing here.
    Null,
    /// Fen, milliseconds, days, millionths or a plain integer.
    Int(i64),
    /// Canonical text.
    Text(String),
}

/// Values in the order of the columns.
pub type Row = Vec<Value>;

impl Value {
    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if it is one.
    #[must_use]
    pub const fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// Whether the source had nothing here.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

impl std::fmt::Debug for Value {
    /// Hides the value: rows are people's data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Int(_) => "Int(..)",
            Self::Text(_) => "Text(..)",
        })
    }
}

/// Appends the row's deterministic CBOR (RFC 8949 §4.2.1): an array of text strings,
/// integers and nulls. The same bytes as `primitives::cbor::encode`, without a tree.
pub(crate) fn write_cbor(row: &[Value], out: &mut Vec<u8>) {
    head(4, row.len() as u64, out);
    for value in row {
        match value {
            Value::Null => out.push(0xF6),
            Value::Int(value) => match u64::try_from(*value) {
                Ok(positive) => head(0, positive, out),
                Err(_) => head(1, !value.cast_unsigned(), out),
            },
            Value::Text(text) => {
                head(3, text.len() as u64, out);
                out.extend_from_slice(text.as_bytes());
            }
        }
    }
}

fn head(major: u8, argument: u64, out: &mut Vec<u8>) {
    let major = major << 5;
    let bytes = argument.to_be_bytes();
    match argument {
        0..=23 => out.push(major | bytes[7]),
        24..=0xFF => out.extend_from_slice(&[major | 24, bytes[7]]),
        0x100..=0xFFFF => {
            out.push(major | 25);
            out.extend_from_slice(&bytes[6..]);
        }
        0x1_0000..=0xFFFF_FFFF => {
            out.push(major | 26);
            out.extend_from_slice(&bytes[4..]);
        }
        _ => {
            out.push(major | 27);
            out.extend_from_slice(&bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::Int),
            (-300_i64..300).prop_map(Value::Int),
            ".{0,300}".prop_map(Value::Text),
        ]
    }

    proptest! {
        #[test]
        fn row_bytes_are_the_canonical_encoding(row in prop::collection::vec(any_value(), 0..40)) {
            let mut bytes = Vec::new();
            write_cbor(&row, &mut bytes);
            prop_assert_eq!(&bytes, &primitives::cbor::encode(&row).expect("encodes"));
            let read: Row = primitives::cbor::decode(&bytes, bytes.len()).expect("decodes");
            prop_assert_eq!(read, row);
        }
    }
}

//! Whether bytes are one item in the one deterministic encoding (RFC 8949 §4.2.1).
//!
//! *Invariants*: one pass, nothing is allocated; what passes can be read by [`super::read`]
//! without a second look at lengths, UTF-8 or depth.

use super::CborError;
use crate::limits::CBOR_DEPTH_MAX;

/// The simple values that a record may hold (RFC 8949 §3.3).
pub(super) const FALSE: u8 = 0xf4;
pub(super) const TRUE: u8 = 0xf5;
pub(super) const NULL: u8 = 0xf6;
const UNDEFINED: u8 = 0xf7;

/// The head of an item: its major type and its argument.
#[derive(Clone, Copy)]
pub(super) struct Head {
    pub(super) major: u8,
    pub(super) argument: u64,
}

/// Takes the first `count` bytes.
pub(super) fn take<'a>(bytes: &mut &'a [u8], count: u64) -> Result<&'a [u8], CborError> {
    let count = usize::try_from(count).map_err(|_| CborError::Malformed)?;
    let (first, rest) = bytes.split_at_checked(count).ok_or(CborError::Malformed)?;
    *bytes = rest;
    Ok(first)
}

/// Takes a head, whose argument must have the shortest form (§4.2.1, first rule).
pub(super) fn head(bytes: &mut &[u8]) -> Result<Head, CborError> {
    let initial = take(bytes, 1)?[0];
    let (major, low) = (initial >> 5, initial & 0x1f);
    let (length, least) = match low {
        0..=23 => {
            return Ok(Head {
                major,
                argument: low.into(),
            });
        }
        24 => (1, 24),
        25 => (2, 1 << 8),
        26 => (4, 1 << 16),
        27 => (8, 1 << 32),
        // An indefinite length.
        31 if (2..=5).contains(&major) => return Err(CborError::NotCanonical),
        _ => return Err(CborError::Malformed),
    };
    let be = take(bytes, length)?.iter();
    let argument = be.fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    if argument < least && major < 6 {
        return Err(CborError::NotCanonical);
    }
    Ok(Head { major, argument })
}

/// Requires that all of `bytes` is one item in its deterministic encoding.
pub(super) fn canonical(mut bytes: &[u8]) -> Result<(), CborError> {
    item(&mut bytes, CBOR_DEPTH_MAX)?;
    if bytes.is_empty() {
        Ok(())
    } else {
        Err(CborError::NotCanonical)
    }
}

fn item(bytes: &mut &[u8], depth: usize) -> Result<(), CborError> {
    let initial = *bytes.first().ok_or(CborError::Malformed)?;
    let Head { major, argument } = head(bytes)?;
    let inner = || depth.checked_sub(1).ok_or(CborError::Malformed);
    match major {
        0 | 1 => {}
        2 => _ = take(bytes, argument)?,
        3 => {
            let text = take(bytes, argument)?;
            std::str::from_utf8(text).map_err(|_| CborError::Malformed)?;
        }
        4 => {
            let depth = inner()?;
            for _ in 0..argument {
                item(bytes, depth)?;
            }
        }
        5 => entries(bytes, argument, inner()?)?,
        6 => return Err(CborError::Unsupported),
        _ => match initial {
            FALSE | TRUE | NULL => {}
            UNDEFINED => return Err(CborError::NotCanonical),
            // Floats of two, four and eight bytes.
            0xf9..=0xfb => return Err(CborError::Unsupported),
            _ => return Err(CborError::Malformed),
        },
    }
    Ok(())
}

/// The entries of a map: keys ascend by their encoded bytes, so none comes twice.
fn entries(bytes: &mut &[u8], count: u64, depth: usize) -> Result<(), CborError> {
    let mut last: Option<&[u8]> = None;
    for _ in 0..count {
        let from = *bytes;
        item(bytes, depth)?;
        let key = &from[..from.len() - bytes.len()];
        if last.is_some_and(|last| last >= key) {
            return Err(CborError::NotCanonical);
        }
        last = Some(key);
        item(bytes, depth)?;
    }
    Ok(())
}

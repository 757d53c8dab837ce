//! The messages, byte by byte (`docs/formats/mpc-psi.md`).
//!
//! Why it exists: one encoding a message, of a length that the session fixes, so
//! that a frame is right or malformed and nothing between.
//!
//! *Invariants*
//! - Frames of a list hold [`FRAME_VALUES`] entries, the last one what is left.
//! - No allocation is larger than the bytes received.

use crate::{
    Error, Fault,
    limits::FRAME_VALUES,
    psi::transcript::{HEADER_BYTES, body, evidence, frame},
};

pub(super) const COMMIT: u8 = 1;
pub(super) const BEGIN: u8 = 2;
pub(super) const VECTOR: u8 = 3;
pub(super) const OPEN: u8 = 4;
pub(super) const TAGS: u8 = 5;
pub(super) const END: u8 = 6;

/// A frame of a fixed body.
pub(super) fn fixed(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = frame(kind, parts.iter().map(|part| part.len()).sum());
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes
}

/// Begins a frame of a list at entry `first`.
pub(super) fn list(kind: u8, first: usize, bytes: usize) -> Vec<u8> {
    let mut list = frame(kind, 4 + bytes);
    let first = u32::try_from(first).unwrap_or(u32::MAX);
    list.extend_from_slice(&first.to_be_bytes());
    list
}

/// The entries of a list's frame: it must begin at `first`, and hold what is due
/// of `total` entries of `entry` bytes.
pub(super) fn entries(
    bytes: &[u8],
    kind: u8,
    first: usize,
    total: usize,
    entry: usize,
) -> Result<&[u8], Error> {
    let due = FRAME_VALUES.min(total - first);
    let parsed = body(bytes, kind)?.split_first_chunk::<4>();
    match parsed {
        Some((start, rest)) if rest.len() == due * entry => {
            if u32::from_be_bytes(*start) as usize == first {
                Ok(rest)
            } else {
                Err(Error::faulty(Fault::OutOfOrder, evidence(bytes)))
            }
        }
        _ => Err(Error::faulty(Fault::Malformed, evidence(bytes))),
    }
}

/// Bytes of the largest frame that a session sends.
pub(super) const _FITS: () =
    assert!(HEADER_BYTES + 4 + 16 * FRAME_VALUES <= crate::limits::FRAME_BYTES_MAX);

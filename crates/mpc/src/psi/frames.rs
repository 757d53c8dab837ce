//! The frames of every protocol, byte by byte (`docs/formats/mpc-psi.md`).
//!
//! Why it exists: one encoding a message, of a length that the session fixes, so
//! that a frame is right or malformed and nothing between.
//!
//! *Invariants*
//! - Every frame begins with version and kind; a kind belongs to one message.
//! - Frames of a list hold a fixed number of entries, the last one what is left.
//! - No allocation is larger than the bytes received.

use std::ops::Range;

use crate::{
    Error, Fault,
    limits::{FRAME_BYTES_MAX, FRAME_VALUES, INPUT_BYTES_MAX, MANY_FRAME_ENTRIES, PROOF_CHUNK},
    oprf::PROOF_BYTES,
};

const VERSION: u8 = 1;
/// Version and kind.
const HEADER_BYTES: usize = 2;
/// Bytes of a group element.
pub(super) const ELEMENT: usize = 32;

/// The kinds of frames.
pub(crate) mod kind {
    /// RR22: the sender's commitment to its half of the offset.
    pub(in crate::psi) const COMMIT: u8 = 1;
    /// RR22: the rows' seed, and the receiver's half of the offset.
    pub(in crate::psi) const BEGIN: u8 = 2;
    /// RR22: the masked store.
    pub(in crate::psi) const VECTOR: u8 = 3;
    /// RR22: the sender's half of the offset.
    pub(in crate::psi) const OPEN: u8 = 4;
    /// The sender's tags.
    pub(crate) const TAGS: u8 = 5;
    /// The sender's transcript.
    pub(crate) const END: u8 = 6;
    /// The sender's public key.
    pub(in crate::psi) const KEY: u8 = 7;
    /// Diffie–Hellman: blinded items.
    pub(in crate::psi) const BLINDED: u8 = 8;
    /// Diffie–Hellman: blinded items under the sender's key, with a proof.
    pub(in crate::psi) const EVALUATED: u8 = 9;
    /// Cardinality: the receiver's items under its own key.
    pub(in crate::psi) const MASKED: u8 = 10;
    /// Cardinality: the same under both keys, in an order of the sender's.
    pub(in crate::psi) const TWICE: u8 = 11;
    /// Cardinality: the sender's items under its key.
    pub(in crate::psi) const OWN: u8 = 12;
    /// Cardinality: places whose identities the receiver asks for.
    pub(in crate::psi) const ASK: u8 = 13;
    /// Cardinality: where they stood, with a proof.
    pub(in crate::psi) const IDENTITIES: u8 = 14;
    /// Many: half of the key of two givers.
    pub(in crate::psi) const HALF: u8 = 15;
    /// Many: the seed of a store's rows.
    pub(in crate::psi) const STORE_SEED: u8 = 16;
    /// Many: a store's columns.
    pub(in crate::psi) const STORE: u8 = 17;
    /// Many: names under keys, from the pivot to the opener.
    pub(in crate::psi) const SEALED: u8 = 18;
    /// Many: keys, from the closer to the opener.
    pub(in crate::psi) const KEYS: u8 = 19;
    /// Many: a holder's part is done, to the counter.
    pub(in crate::psi) const AGREED: u8 = 20;
    /// Many: the counter takes a holder's tags now.
    pub(in crate::psi) const READY: u8 = 21;
    /// Many: tags, from pivot and closer to the counter.
    pub(in crate::psi) const SHOWN: u8 = 22;
}

const _: () = assert!(HEADER_BYTES + 4 + 16 * FRAME_VALUES <= FRAME_BYTES_MAX);
const _: () =
    assert!(HEADER_BYTES + 4 + (33 + INPUT_BYTES_MAX) * MANY_FRAME_ENTRIES <= FRAME_BYTES_MAX);
const _: () = assert!(HEADER_BYTES + 4 + ELEMENT * PROOF_CHUNK + PROOF_BYTES <= FRAME_BYTES_MAX);

/// A frame of the given parts.
pub(crate) fn fixed(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
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

fn frame(kind: u8, body: usize) -> Vec<u8> {
    let mut frame = Vec::with_capacity(HEADER_BYTES + body);
    frame.extend_from_slice(&[VERSION, kind]);
    frame
}

/// The body of a frame of the kind that is due.
///
/// # Errors
/// [`Fault::Malformed`] for another version or no header at all,
/// [`Fault::OutOfOrder`] for another kind.
pub(super) fn body(bytes: &[u8], kind: u8) -> Result<&[u8], Error> {
    match bytes {
        [VERSION, found, body @ ..] if *found == kind => Ok(body),
        [VERSION, _, ..] => Err(faulty(Fault::OutOfOrder, bytes)),
        _ => Err(faulty(Fault::Malformed, bytes)),
    }
}

/// The body of a frame whose length is known.
pub(crate) fn body_of<const N: usize>(bytes: &[u8], kind: u8) -> Result<[u8; N], Error> {
    body(bytes, kind)?
        .try_into()
        .map_err(|_| faulty(Fault::Malformed, bytes))
}

/// Appends a list's entry: the bytes `part` of sixteen. All of them, which most lists
/// have, are one store and no call.
pub(super) fn put(list: &mut Vec<u8>, bytes: &[u8; 16], part: Range<usize>) {
    if part.len() == bytes.len() {
        list.extend_from_slice(bytes);
    } else {
        list.extend_from_slice(&bytes[part]);
    }
}

/// Sixteen bytes of which an entry has those from `start` on; the others are zero.
pub(super) fn widened(entry: &[u8], start: usize) -> [u8; 16] {
    entry.try_into().unwrap_or_else(|_| {
        let mut wide = [0; 16];
        wide[start..start + entry.len()].copy_from_slice(entry);
        wide
    })
}

/// Which entries of a list a frame must hold.
pub(crate) struct Due {
    /// Entries that came before.
    pub(crate) first: usize,
    /// Entries of the whole list.
    pub(crate) total: usize,
    /// Entries of every frame but the last.
    pub(crate) chunk: usize,
    /// Bytes of an entry.
    pub(crate) entry: usize,
}

/// The entries of a list's frame, and what follows them: exactly `tail` bytes.
pub(crate) fn entries<'a>(
    bytes: &'a [u8],
    kind: u8,
    due: &Due,
    tail: usize,
) -> Result<(&'a [u8], &'a [u8]), Error> {
    let count = due.chunk.min(due.total - due.first);
    match body(bytes, kind)?.split_first_chunk::<4>() {
        Some((start, rest)) if rest.len() == count * due.entry + tail => {
            if u32::from_be_bytes(*start) as usize == due.first {
                Ok(rest.split_at(count * due.entry))
            } else {
                Err(faulty(Fault::OutOfOrder, bytes))
            }
        }
        _ => Err(faulty(Fault::Malformed, bytes)),
    }
}

/// A fault with the frame that shows it, or the first 4 KiB of it.
pub(crate) fn faulty(fault: Fault, bytes: &[u8]) -> Error {
    Error::faulty(fault, &bytes[..bytes.len().min(4096)])
}

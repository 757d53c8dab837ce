//! One frame between two parties: its header, its check, and the transcripts.
//!
//! Why it exists: a frame of another session, step, sender or kind must be
//! worth nothing here, and what was exchanged must be comparable afterwards.
//! `docs/formats/mpc-shares.md` has the bytes.
//!
//! *Invariants*
//! - A frame has exactly one acceptable length and one acceptable header, both
//!   known before it is read.
//! - Every frame is absorbed by the transcript of its direction, by both ends.

use primitives::Digest;
use sha2::{Digest as _, Sha256};

use crate::{Error, Fault, domains};

/// Bytes before a frame's words.
pub(crate) const HEADER_BYTES: usize = 24;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Each party's term of products, re-shared.
    Reshare = 1,
    /// A component that the receiver lacks.
    Component = 2,
    /// A digest of a component that the receiver lacks.
    ComponentDigest = 3,
    /// Digests of the frames sent and received so far.
    Sync = 4,
    /// One half of a permuted column.
    Hop = 5,
    /// A digest of a component that both hold.
    Held = 6,
}

/// The header that a frame must have.
#[derive(Clone, Copy)]
pub(crate) struct Header {
    pub(crate) session: [u8; 8],
    pub(crate) step: u32,
    pub(crate) sender: usize,
    pub(crate) kind: Kind,
}

impl Header {
    fn encode(&self, words: usize) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&self.session);
        bytes[8..12].copy_from_slice(&self.step.to_be_bytes());
        bytes[12] = u8::try_from(self.sender).unwrap_or(u8::MAX);
        bytes[13] = self.kind as u8;
        bytes[16..].copy_from_slice(&(words as u64).to_be_bytes());
        bytes
    }
}

/// Header and words into bytes.
pub(crate) fn encode(header: &Header, words: &[u64]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(HEADER_BYTES + 8 * words.len());
    frame.extend_from_slice(&header.encode(words.len()));
    let mut chunk = [[0; 8]; 64];
    for words in words.chunks(64) {
        let chunk = &mut chunk[..words.len()];
        for (bytes, word) in chunk.iter_mut().zip(words) {
            *bytes = word.to_le_bytes();
        }
        frame.extend_from_slice(chunk.as_flattened());
    }
    frame
}

/// The words of a frame that has the one header and length that are due.
pub(crate) fn decode(header: &Header, words: usize, frame: &[u8]) -> Result<Vec<u64>, Error> {
    if frame.len() != HEADER_BYTES + 8 * words {
        return Err(Error::faulty(Fault::Malformed, head(frame)));
    }
    let (got, body) = frame.split_at(HEADER_BYTES);
    if got != header.encode(words) {
        return Err(Error::faulty(Fault::OutOfOrder, head(frame)));
    }
    let words = body.as_chunks::<8>().0.iter();
    Ok(words.map(|word| u64::from_le_bytes(*word)).collect())
}

/// The part of a frame that proves what is wrong with it; never its shares.
fn head(frame: &[u8]) -> &[u8] {
    &frame[..frame.len().min(HEADER_BYTES)]
}

/// Running digest of the frames of one direction.
#[derive(Clone)]
pub(crate) struct Transcript(Sha256);

impl Transcript {
    pub(crate) fn new(session: &Digest, from: usize, to: usize) -> Self {
        let ends = [from, to].map(|end| u8::try_from(end).unwrap_or(u8::MAX));
        let start = Digest::of(domains::SHARES_TRANSCRIPT, &[session.as_bytes(), &ends]);
        Self(Sha256::new_with_prefix(start.as_bytes()))
    }

    /// A frame states its own length in its header, so frames can't run into
    /// one another.
    pub(crate) fn absorb(&mut self, frame: &[u8]) {
        self.0.update(frame);
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        self.0.clone().finalize().into()
    }
}

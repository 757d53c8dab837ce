//! The running digest of a session's messages, and what every frame begins with.
//!
//! Why it exists: the last message states the digest of all before it, in both
//! directions, so that bytes changed on the way end in an abort and never in a
//! wrong answer; the parties sign it.
//!
//! *Invariants*: a transcript absorbs each message with its direction and its
//! length, in order, under the session's digest.

use primitives::{Digest, Hasher};

use super::Session;
use crate::{Error, Fault, domains};

/// The version that every frame begins with.
const VERSION: u8 = 1;
/// Version and kind.
pub(super) const HEADER_BYTES: usize = 2;

/// Who sent a message.
#[derive(Clone, Copy)]
pub(super) enum From {
    Receiver,
    Sender,
}

/// The running digest.
pub(super) struct Transcript(Hasher);

impl Transcript {
    pub(super) fn new(session: &Session) -> Self {
        let mut hasher = Hasher::new(domains::PSI_TRANSCRIPT);
        hasher.part(session.digest.as_bytes());
        Self(hasher)
    }

    pub(super) fn absorb(&mut self, from: From, message: &[u8]) {
        let from = match from {
            From::Receiver => 1u8,
            From::Sender => 2u8,
        };
        self.0.part(&[from]);
        self.0.part(message);
    }

    pub(super) fn digest(&self) -> Digest {
        self.0.clone().finish()
    }
}

/// Begins a frame.
pub(super) fn frame(kind: u8, body: usize) -> Vec<u8> {
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
        [VERSION, _, ..] => Err(Error::faulty(Fault::OutOfOrder, evidence(bytes))),
        _ => Err(Error::faulty(Fault::Malformed, evidence(bytes))),
    }
}

/// The body of a frame whose length is known.
pub(super) fn body_of<const N: usize>(bytes: &[u8], kind: u8) -> Result<[u8; N], Error> {
    body(bytes, kind)?
        .try_into()
        .map_err(|_| Error::faulty(Fault::Malformed, evidence(bytes)))
}

/// As much of a frame as an error carries: the first 4 KiB.
pub(super) fn evidence(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(4096)]
}

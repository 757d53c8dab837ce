//! The running digest of a session's messages.
//!
//! Why it exists: the last message states the digest of all before it, in both
//! directions, so that bytes changed on the way end in an abort and never in a
//! wrong answer; the parties sign it.
//!
//! *Invariants*: a transcript absorbs each message with its direction and its
//! length, in order, under the session's digest.

use primitives::{Digest, Hasher};

use crate::{domains, secrecy};

/// Who sent a message.
#[derive(Clone, Copy)]
pub(crate) enum From {
    Receiver,
    Sender,
}

/// The running digest.
pub(crate) struct Transcript(Hasher);

impl Transcript {
    /// Under the digest of a session, or of one of its links.
    pub(crate) fn new(session: &Digest) -> Self {
        let mut hasher = Hasher::new(domains::PSI_TRANSCRIPT);
        hasher.part(session.as_bytes());
        Self(hasher)
    }

    pub(crate) fn absorb(&mut self, from: From, message: &[u8]) {
        let from = match from {
            From::Receiver => 1u8,
            From::Sender => 2u8,
        };
        self.0.part(&[from]);
        self.0.part(message);
    }

    pub(crate) fn digest(&self) -> Digest {
        secrecy::public(self.0.clone().finish(), "digests of transcripts")
    }
}

//! The caller's end of a call.
//!
//! Why it exists: an answer is a stream, and a stream that stopped must not
//! look like one that ended.
//!
//! *Invariants*
//! - [`ReplyStream::next`] is `Ok(None)` only after the peer's end frame.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use primitives::PublicKey;
use tokio::sync::mpsc;

use crate::error::{Error, Refusal, Trouble};

/// How a call ended, once it has.
#[derive(Clone, Default)]
pub(crate) struct Outcome(Arc<OnceLock<Result<(), Error>>>);

impl Outcome {
    pub(crate) fn set(&self, result: Result<(), Error>) {
        // A call ends once; the first word stands.
        let _ = self.0.set(result);
    }
}

/// The replies to one call, in order. Dropping it ends the call.
pub struct ReplyStream {
    peer: PublicKey,
    frames: mpsc::Receiver<Bytes>,
    outcome: Outcome,
}

impl ReplyStream {
    pub(crate) fn new(peer: PublicKey, frames: mpsc::Receiver<Bytes>, outcome: Outcome) -> Self {
        Self {
            peer,
            frames,
            outcome,
        }
    }

    /// The peer that answers.
    #[must_use]
    pub fn peer(&self) -> PublicKey {
        self.peer
    }

    /// The next reply, or `None` once the answer is complete. May be dropped
    /// and asked again. A reader that takes longer than the peer's
    /// [`crate::Limits::stall_timeout`] for one frame loses the connection.
    ///
    /// # Errors
    /// How the call failed: the service's own word, a fault, or a cut.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(reply) = self.frames.recv().await {
            return Ok(Some(reply));
        }
        match self.outcome.0.get() {
            Some(Ok(())) => Ok(None),
            Some(Err(error)) => Err(error.clone()),
            None => Err(Error::trouble(self.peer, Trouble::Cut).after_sending()),
        }
    }

    /// The whole answer, its replies joined.
    ///
    /// # Errors
    /// As [`ReplyStream::next`]; and a refusal where it is longer than
    /// `bytes_max`.
    pub async fn read_to_end(mut self, bytes_max: usize) -> Result<Bytes, Error> {
        let Some(first) = self.next().await? else {
            return Ok(Bytes::new());
        };
        let too_large = || Error::refusal(self.peer, Refusal::ReplyTooLarge { bytes_max });
        if first.len() > bytes_max {
            return Err(too_large());
        }
        let Some(second) = self.next().await? else {
            return Ok(first);
        };
        let mut whole = first.to_vec();
        let mut next = Some(second);
        while let Some(reply) = next {
            if reply.len() > bytes_max - whole.len() {
                return Err(Error::refusal(
                    self.peer,
                    Refusal::ReplyTooLarge { bytes_max },
                ));
            }
            whole.extend_from_slice(&reply);
            next = self.next().await?;
        }
        Ok(whole.into())
    }
}

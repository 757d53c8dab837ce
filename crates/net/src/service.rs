//! What the rooms above give to a channel: who is a member and where, and what
//! answers a call.
//!
//! Why it exists: this crate knows keys and bytes; membership is the ledger's
//! and the meaning of a request is the node's.
//!
//! *Invariants*
//! - Both traits are asked again and again; a channel caches neither answer
//!   beyond [`crate::Limits::membership_check`].

use std::{fmt, future::Future, net::SocketAddr, pin::Pin, time::Duration};

use bytes::Bytes;
use primitives::PublicKey;
use tokio::sync::mpsc;

use crate::{
    frame::{Family, Frame, clean_text},
    limits::FRAME_BYTES_MAX,
};

/// The members and their addresses, as the ledger has them now.
pub trait Directory: Send + Sync + 'static {
    /// Where the peer listens, where that is known.
    fn address(&self, peer: &PublicKey) -> Option<SocketAddr>;

    /// Whether the key is a member's at this moment.
    fn is_member(&self, peer: &PublicKey) -> bool;
}

/// The future that a service returns.
pub type ServeFuture<'a> = Pin<Box<dyn Future<Output = Result<(), ServeError>> + Send + 'a>>;

/// What answers the calls of other nodes.
pub trait Service: Send + Sync + 'static {
    /// Answers one call. The answer is what was sent to `replies`, complete
    /// once this returns `Ok`. When the caller goes away or its time is over,
    /// the future is dropped at its next await.
    fn serve(&self, peer: PublicKey, request: Bytes, replies: Replies) -> ServeFuture<'_>;
}

/// Where a service puts its replies, in order.
pub struct Replies {
    pub(crate) frames: mpsc::Sender<Bytes>,
}

impl Replies {
    /// Replies that whoever stands before a service hears, in place of the caller.
    #[must_use]
    pub fn to(frames: mpsc::Sender<Bytes>) -> Self {
        Self { frames }
    }

    /// Sends one reply of at most [`FRAME_BYTES_MAX`], and waits while the
    /// caller is slow.
    ///
    /// # Errors
    /// A refusal where the reply is too large; trouble where the caller has
    /// gone away.
    pub async fn send(&mut self, reply: impl Into<Bytes>) -> Result<(), ServeError> {
        let reply = reply.into();
        if reply.len() > FRAME_BYTES_MAX {
            return Err(ServeError::refusal(format!(
                "a reply of {} bytes, the limit is {FRAME_BYTES_MAX}",
                reply.len()
            )));
        }
        self.frames
            .send(reply)
            .await
            .map_err(|_| ServeError::trouble("the caller has gone away", None))
    }
}

/// How a service fails a call. The caller gets its family and its text as
/// [`crate::Refusal::Remote`], [`crate::Fault::Remote`] or
/// [`crate::Trouble::Remote`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServeError {
    family: Family,
    retry: Option<Duration>,
    text: String,
}

impl ServeError {
    /// A rule said no; the text names it. It reaches the peer, so it holds no
    /// row data and no secret.
    #[must_use]
    pub fn refusal(text: impl AsRef<str>) -> Self {
        Self::new(Family::Refusal, text.as_ref(), None)
    }

    /// The caller broke a protocol's rule.
    #[must_use]
    pub fn fault(text: impl AsRef<str>) -> Self {
        Self::new(Family::Fault, text.as_ref(), None)
    }

    /// This node is in trouble; `retry` says whether and when to try again.
    #[must_use]
    pub fn trouble(text: impl AsRef<str>, retry: Option<Duration>) -> Self {
        Self::new(Family::Trouble, text.as_ref(), retry)
    }

    fn new(family: Family, text: &str, retry: Option<Duration>) -> Self {
        Self {
            family,
            retry,
            text: clean_text(text),
        }
    }

    /// The text that the caller will read.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn into_frame(self) -> Frame {
        Frame::Failed {
            family: self.family,
            retry: self.retry,
            text: self.text,
        }
    }
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for ServeError {}

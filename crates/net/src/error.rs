//! The one error of this crate, in its three families.
//!
//! Why it exists: a caller decides by family (give up, accuse, try again), so
//! every failure of a channel has to say which one it is.
//!
//! *Invariants*
//! - No text in here holds a frame's payload; evidence is at most
//!   [`EVIDENCE_BYTES_MAX`] bytes of a frame's head.
//! - [`Error::retry`] is `Some` only where the same call may succeed later.
//!
//! *Not here*: the meaning of a remote refusal. The services above write it.

use std::{fmt, net::SocketAddr, time::Duration};

use primitives::PublicKey;

/// Bytes of a broken frame that a [`Fault`] keeps.
pub const EVIDENCE_BYTES_MAX: usize = 32;

/// Why a call, a connection or the listener failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The peer that it happened with, where there is one.
    pub peer: Option<PublicKey>,
    /// What happened.
    pub kind: Kind,
    sent: bool,
}

/// The three families of errors.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A rule said no.
    Refusal(Refusal),
    /// The peer misbehaved.
    Fault(Fault),
    /// The environment failed.
    Trouble(Trouble),
}

/// The rule that said no.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The peer's key is not (or no longer) a member's.
    NotAMember,
    /// A node does not call itself over the network.
    Myself,
    /// A request above [`crate::Limits::request_bytes_max`].
    RequestTooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// A reply above [`crate::FRAME_BYTES_MAX`], or an answer above what the
    /// caller said that it would hold.
    ReplyTooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// The peer's service refused; the text is the peer's.
    Remote {
        /// The rule, in the peer's words, at most [`crate::ERROR_TEXT_BYTES_MAX`].
        text: String,
    },
}

/// What the peer did wrong. Frames are authenticated but not signed, so this
/// convinces the node that saw it and nobody else.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The other end does not hold the key that it was called by, or broke the
    /// handshake.
    Handshake {
        /// The check that failed.
        rule: String,
    },
    /// A frame broke the format or came out of order.
    Framing {
        /// The rule of `docs/formats/net-frames.md` that it broke.
        rule: &'static str,
        /// The head of the frame, at most [`EVIDENCE_BYTES_MAX`].
        evidence: Vec<u8>,
    },
    /// The peer's service says that this node is at fault; the text is the
    /// peer's.
    Remote {
        /// The peer's words.
        text: String,
    },
}

/// What failed around the nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// The listening address could not be bound.
    Listen {
        /// The address.
        address: SocketAddr,
    },
    /// The directory has no address for the peer.
    NoAddress,
    /// Nobody answers at the peer's address.
    Unreachable {
        /// The address.
        address: SocketAddr,
        /// When the next attempt is due.
        retry: Duration,
    },
    /// The other end closed the connection during the handshake: it does not
    /// take this node for a member, or it has no room.
    HandshakeClosed {
        /// When the next attempt is due.
        retry: Duration,
    },
    /// The handshake took longer than [`crate::Limits::handshake_timeout`].
    HandshakeTimeout {
        /// When the next attempt is due.
        retry: Duration,
    },
    /// The two nodes' clocks differ by more than [`crate::CLOCK_SKEW_MAX`].
    ClockSkew,
    /// The connection ended in the middle of an answer.
    Cut,
    /// The peer could not read a frame of ours: whoever stands on the wire can alter one.
    Garbled,
    /// The peer was silent for [`crate::Limits::silence_timeout`].
    Silent,
    /// The peer took no byte for [`crate::Limits::stall_timeout`].
    Stalled,
    /// The call's own time is over.
    TimedOut,
    /// Too many calls or connections.
    Busy {
        /// When there may be room.
        retry: Duration,
    },
    /// This node or the peer is stopping.
    Stopping,
    /// The peer's service is in trouble; the text is the peer's.
    Remote {
        /// The peer's words.
        text: String,
        /// When to try again, where the peer says that it is worth it.
        retry: Option<Duration>,
    },
}

impl Error {
    pub(crate) fn refusal(peer: PublicKey, refusal: Refusal) -> Self {
        Self::new(Some(peer), Kind::Refusal(refusal))
    }

    pub(crate) fn fault(peer: PublicKey, fault: Fault) -> Self {
        Self::new(Some(peer), Kind::Fault(fault))
    }

    pub(crate) fn trouble(peer: PublicKey, trouble: Trouble) -> Self {
        Self::new(Some(peer), Kind::Trouble(trouble))
    }

    pub(crate) fn new(peer: Option<PublicKey>, kind: Kind) -> Self {
        Self {
            peer,
            kind,
            sent: false,
        }
    }

    pub(crate) fn after_sending(mut self) -> Self {
        self.sent = true;
        self
    }

    /// Whether (a part of) the request had left when it failed, so that the
    /// peer may have served it. Only a repeatable request is safe to repeat.
    #[must_use]
    pub fn was_sent(&self) -> bool {
        self.sent
    }

    /// How long to wait before the same call may succeed; `None` where waiting
    /// does not help.
    #[must_use]
    pub fn retry(&self) -> Option<Duration> {
        let Kind::Trouble(trouble) = &self.kind else {
            return None;
        };
        match trouble {
            Trouble::Unreachable { retry, .. }
            | Trouble::HandshakeClosed { retry }
            | Trouble::HandshakeTimeout { retry }
            | Trouble::Busy { retry } => Some(*retry),
            Trouble::Remote { retry, .. } => *retry,
            Trouble::NoAddress | Trouble::Stopping => Some(Duration::from_secs(5)),
            Trouble::Cut
            | Trouble::Garbled
            | Trouble::Silent
            | Trouble::Stalled
            | Trouble::TimedOut => Some(Duration::ZERO),
            Trouble::Listen { .. } | Trouble::ClockSkew => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(peer) = &self.peer {
            write!(f, "peer {peer:?}: ")?;
        }
        match &self.kind {
            Kind::Refusal(refusal) => refusal.fmt(f),
            Kind::Fault(fault) => fault.fmt(f),
            Kind::Trouble(trouble) => trouble.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAMember => f.write_str("not a member of the network"),
            Self::Myself => f.write_str("a node does not call itself over the network"),
            Self::RequestTooLarge { bytes, bytes_max } => {
                write!(f, "a request of {bytes} bytes, the limit is {bytes_max}")
            }
            Self::ReplyTooLarge { bytes_max } => {
                write!(f, "a reply above the limit of {bytes_max} bytes")
            }
            Self::Remote { text } => write!(f, "refused: {text}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handshake { rule } => write!(f, "the handshake failed a check: {rule}"),
            Self::Framing { rule, evidence } => {
                write!(f, "broke the frame format ({rule}); it begins ")?;
                evidence.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Self::Remote { text } => write!(f, "it finds fault with us: {text}"),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { address } => write!(f, "cannot listen on {address}"),
            Self::NoAddress => f.write_str("no address known"),
            Self::Unreachable { address, .. } => write!(f, "nobody answers at {address}"),
            Self::HandshakeClosed { .. } => f.write_str(
                "closed the connection during the handshake \
                 (it may not know our key as a member's, or have no room)",
            ),
            Self::HandshakeTimeout { .. } => f.write_str("the handshake took too long"),
            Self::ClockSkew => write!(
                f,
                "the clocks differ by more than {} s",
                crate::CLOCK_SKEW_MAX.as_secs()
            ),
            Self::Cut => f.write_str("the connection was cut"),
            Self::Garbled => f.write_str("a frame of ours did not arrive as it was sent"),
            Self::Silent => f.write_str("the peer fell silent"),
            Self::Stalled => f.write_str("the peer takes no more bytes"),
            Self::TimedOut => f.write_str("the call took longer than it may"),
            Self::Busy { .. } => f.write_str("too many calls or connections"),
            Self::Stopping => f.write_str("stopping"),
            Self::Remote { text, .. } => write!(f, "in trouble: {text}"),
        }
    }
}

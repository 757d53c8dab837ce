//! Authenticated, encrypted channels between the nodes of a network; frames
//! are opaque to it.
//!
//! Why it exists: a custodian answers nobody but a member, and a member reads
//! nobody's answer but its own. Every connection is a SAKE handshake with
//! ed25519 keys that the ledger holds (`commonware-stream`), then ChaCha20-
//! Poly1305 records; inside, calls with streamed replies
//! (`docs/formats/net-frames.md`).
//!
//! ```text
//! caller                         listener
//!   | -- handshake, both keys --> |   strangers end here
//!   | -- CALL, PART… -----------> |   request, at most 8 MiB
//!   | <-- REPLY… ---------------- |   each at most 1 MiB, as fast as it is read
//!   | -- PING / PONG, each 10 s - |   life
//!   | <-- END or FAILED --------- |   then the connection waits for the next
//! ```
//!
//! *Invariants*
//! - A connection exists only with a key that the [`Directory`] holds for a
//!   member's, and ends within [`Limits::membership_check`] after it does not.
//! - An answer ends with `Ok(None)` or with an error; a cut is an error.
//! - A request leaves at most once.
//! - Memory per connection is bounded by [`Limits::request_bytes_max`] and a
//!   few frames, however slow or hostile the peer is.
//!
//! Adversary: whoever is on the wire reads and changes nothing, and cannot
//! replay; it sees sizes, times and the dialer's public key, and can cut. A
//! member can waste its own share of connections and its own requests.
//!
//! *Not here*: the ledger's own peer-to-peer network, what requests mean,
//! names and discovery.

mod dialer;
mod error;
pub mod foreign;
mod frame;
mod limits;
mod link;
mod listener;
mod net;
mod replies;
mod service;
mod shared;
mod status;
#[cfg(test)]
mod tests;

pub use error::{EVIDENCE_BYTES_MAX, Error, Fault, Kind, Refusal, Trouble};
pub use limits::{CLOCK_SKEW_MAX, ERROR_TEXT_BYTES_MAX, FRAME_BYTES_MAX, IDLE_GRACE, Limits};
pub use link::Runtime;
pub use net::{Channels, Config, Net};
pub use replies::ReplyStream;
pub use service::{Directory, Replies, ServeError, ServeFuture, Service};
pub use status::{PeerStatus, Status};

/// The runtime's types that a node needs to start its channels.
pub use commonware_runtime as runtime;

//! Every limit of a channel, by name.
//!
//! Why it exists: a queue, a wait or a size without a bound is a way to stop a
//! node.
//!
//! *Invariants*
//! - `silence_timeout`, `idle_timeout + IDLE_GRACE` and `stall_timeout` stay
//!   below the runtime's own read and write timeout (60 s by default), or the
//!   runtime cuts first.
//! - `heartbeat` is at most half of `silence_timeout`.

use std::time::Duration;

/// Bytes of payload in one frame: 1 MiB.
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of the text in an error frame.
pub const ERROR_TEXT_BYTES_MAX: usize = 1024;

/// How far a peer's clock may be from ours in the handshake, either way.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_secs(30);

/// How much longer a listener keeps an idle connection than a dialer does, so
/// that the dialer closes first and no request meets a closing connection.
pub const IDLE_GRACE: Duration = Duration::from_secs(15);

/// How long a side that has said goodbye waits for the other to hang up.
pub(crate) const GOODBYE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a connection above [`Limits::idle_per_peer_max`] waits for a call.
pub(crate) const SPARE_IDLE: Duration = Duration::from_secs(2);

/// How long a caller is told to wait for a busy peer.
pub(crate) const BUSY_PAUSE: Duration = Duration::from_secs(1);

/// How long the listener rests after the system refused it a connection.
pub(crate) const ACCEPT_REST: Duration = Duration::from_millis(100);

/// Frames that wait between a connection's reader and its owner. With the one
/// that the reader holds, it bounds what a slow owner makes the node keep.
pub(crate) const INBOX_FRAMES: usize = 1;

/// Reply frames that wait between a connection and a call's reader or writer.
pub(crate) const REPLY_FRAMES: usize = 1;

/// Limits that a node may set; the defaults suit a network of institutions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one request (8 MiB).
    pub request_bytes_max: usize,
    /// Calls under way to one peer; more wait (8).
    pub calls_per_peer_max: usize,
    /// Idle connections kept to one peer for long (2).
    pub idle_per_peer_max: usize,
    /// Connections, and so calls under way, from one peer (12).
    pub inbound_per_peer_max: usize,
    /// Inbound connections whose handshake is under way; the oldest gives way
    /// to the newest (256).
    pub half_open_max: usize,
    /// Time for connecting and the handshake (5 s).
    pub handshake_timeout: Duration,
    /// How long one call keeps trying to reach a peer (5 s).
    pub connect_patience: Duration,
    /// The pause after the first failed attempt; it doubles (100 ms).
    pub backoff_first: Duration,
    /// The longest pause between attempts (10 s).
    pub backoff_cap: Duration,
    /// How long an unused connection is kept (30 s).
    pub idle_timeout: Duration,
    /// How often a caller shows life during a call (10 s).
    pub heartbeat: Duration,
    /// Silence after which a peer counts as gone during a call (30 s).
    pub silence_timeout: Duration,
    /// How long one frame may take to be taken by the peer (30 s).
    pub stall_timeout: Duration,
    /// Age of the last sign of life above which an idle connection is probed
    /// before a request goes out on it (1 s).
    pub probe_after: Duration,
    /// How long a probe may take (2 s).
    pub probe_timeout: Duration,
    /// The longest time that a served call may take, whatever its caller says
    /// (1 h).
    pub serve_timeout: Duration,
    /// How often an open connection's membership is checked (5 s).
    pub membership_check: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_bytes_max: 8 * 1024 * 1024,
            calls_per_peer_max: 8,
            idle_per_peer_max: 2,
            inbound_per_peer_max: 12,
            half_open_max: 256,
            handshake_timeout: Duration::from_secs(5),
            connect_patience: Duration::from_secs(5),
            backoff_first: Duration::from_millis(100),
            backoff_cap: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            heartbeat: Duration::from_secs(10),
            silence_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(30),
            probe_after: Duration::from_secs(1),
            probe_timeout: Duration::from_secs(2),
            serve_timeout: Duration::from_secs(3600),
            membership_check: Duration::from_secs(5),
        }
    }
}

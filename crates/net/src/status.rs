//! What a node can say about its channels.
//!
//! Why it exists: an operator asks "who am I connected to, and why not?".
//!
//! *Invariants*
//! - Counting never blocks a channel for longer than copying an error.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::SystemTime,
};

use primitives::PublicKey;

use crate::error::Error;

/// The state of a node's channels at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Inbound connections whose handshake is under way.
    pub half_open: usize,
    /// Inbound connections dropped before they had a member's name: strangers,
    /// garbage, time-outs, and those that gave way to newer ones.
    pub turned_away: u64,
    /// The peers that this node has dealt with, by key.
    pub peers: Vec<PeerStatus>,
}

/// The state of the channels with one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// The peer.
    pub peer: PublicKey,
    /// Whether the directory holds it for a member now.
    pub member: bool,
    /// Connections that this node opened.
    pub outbound_connections: usize,
    /// Connections that the peer opened.
    pub inbound_connections: usize,
    /// Calls from this node under way.
    pub outbound_calls: usize,
    /// Calls from the peer under way.
    pub inbound_calls: usize,
    /// Bytes received in records, handshakes not counted.
    pub bytes_in: u64,
    /// Bytes sent in records, handshakes not counted.
    pub bytes_out: u64,
    /// When the peer last showed life.
    pub last_heard: Option<SystemTime>,
    /// The last error and its time.
    pub last_error: Option<(SystemTime, Error)>,
}

/// The counters behind a [`PeerStatus`].
#[derive(Default)]
pub(crate) struct Stats {
    pub(crate) outbound_connections: AtomicUsize,
    pub(crate) inbound_connections: AtomicUsize,
    pub(crate) outbound_calls: AtomicUsize,
    pub(crate) inbound_calls: AtomicUsize,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    last_heard: Mutex<Option<SystemTime>>,
    last_error: Mutex<Option<(SystemTime, Error)>>,
}

impl Stats {
    pub(crate) fn received(&self, bytes: usize, now: SystemTime) {
        self.bytes_in.fetch_add(bytes as u64, Ordering::Relaxed);
        *lock(&self.last_heard) = Some(now);
    }

    pub(crate) fn sent(&self, bytes: usize) {
        self.bytes_out.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self, error: &Error, now: SystemTime) {
        *lock(&self.last_error) = Some((now, error.clone()));
    }

    pub(crate) fn snapshot(&self, peer: PublicKey, member: bool) -> PeerStatus {
        PeerStatus {
            peer,
            member,
            outbound_connections: self.outbound_connections.load(Ordering::Relaxed),
            inbound_connections: self.inbound_connections.load(Ordering::Relaxed),
            outbound_calls: self.outbound_calls.load(Ordering::Relaxed),
            inbound_calls: self.inbound_calls.load(Ordering::Relaxed),
            bytes_in: self.bytes_in.load(Ordering::Relaxed),
            bytes_out: self.bytes_out.load(Ordering::Relaxed),
            last_heard: *lock(&self.last_heard),
            last_error: lock(&self.last_error).clone(),
        }
    }
}

/// Counts something for as long as it lives.
pub(crate) struct Counted {
    stats: Arc<Stats>,
    counter: fn(&Stats) -> &AtomicUsize,
}

impl Counted {
    pub(crate) fn new(stats: Arc<Stats>, counter: fn(&Stats) -> &AtomicUsize) -> Self {
        counter(&stats).fetch_add(1, Ordering::AcqRel);
        Self { stats, counter }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.counter)(&self.stats).fetch_sub(1, Ordering::AcqRel);
    }
}

/// Locks a mutex whose holders cannot leave it broken.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

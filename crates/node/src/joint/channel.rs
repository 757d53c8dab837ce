//! The frames between two of the three, over calls: each pulls the other's.
//!
//! ```text
//! P_i ── call frames(question) ──▶ P_j
//! P_i ◀── hello 64 ‖ ready 32 ‖ frames, one after another ── P_j
//! ```
//!
//! A protocol's party runs as straight code on a thread of its own and blocks here;
//! the calls run beside it.
//!
//! *Invariants*: what a peer sends before it is due is bounded by
//! [`PENDING_BYTES_MAX`]; a peer that is silent for [`SILENCE_MAX`] is lost.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    time::Duration,
};

use mpc::{
    Trouble,
    shares::{Channel, Neighbour},
};
use tokio::sync::mpsc::UnboundedSender;

use crate::error::{Error, Result};

/// Bytes that wait for the protocol to ask for them, from one peer.
const PENDING_BYTES_MAX: u64 = 1 << 30;
/// Longest that a party waits for a peer's next bytes.
const SILENCE_MAX: Duration = Duration::from_secs(300);
/// Chunks that wait, from one peer.
const PENDING_CHUNKS_MAX: usize = 8_192;

/// Bytes from one peer, as they come.
pub(super) struct Inbound {
    chunks: Receiver<bytes::Bytes>,
    pending: Arc<AtomicU64>,
    rest: bytes::Bytes,
}

/// Where a call puts the bytes that it pulled.
pub(super) struct Feed {
    chunks: SyncSender<bytes::Bytes>,
    pending: Arc<AtomicU64>,
}

impl Feed {
    /// Hands bytes over.
    ///
    /// # Errors
    /// Trouble where the peer sends more than can be due.
    pub(super) fn push(&self, chunk: bytes::Bytes) -> Result<()> {
        let bytes = chunk.len() as u64;
        if self.pending.fetch_add(bytes, Ordering::Relaxed) + bytes > PENDING_BYTES_MAX {
            return Err(Error::trouble("flooded", "a peer sends more than is due"));
        }
        match self.chunks.try_send(chunk) {
            // A party that has finished needs no more, and lets its neighbours finish.
            Ok(()) | Err(TrySendError::Disconnected(_)) => Ok(()),
            Err(TrySendError::Full(_)) => {
                Err(Error::trouble("flooded", "a peer sends more than is due"))
            }
        }
    }
}

/// A way for bytes from one peer.
pub(super) fn inbound() -> (Feed, Inbound) {
    let (sender, chunks) = sync_channel(PENDING_CHUNKS_MAX);
    let pending = Arc::new(AtomicU64::new(0));
    let feed = Feed {
        chunks: sender,
        pending: pending.clone(),
    };
    let inbound = Inbound {
        chunks,
        pending,
        rest: bytes::Bytes::new(),
    };
    (feed, inbound)
}

impl Inbound {
    /// Waits for exactly so many bytes.
    pub(super) fn take(&mut self, bytes: usize) -> std::result::Result<Vec<u8>, Trouble> {
        let mut taken = Vec::new();
        loop {
            let some = self.rest.len().min(bytes - taken.len());
            taken.extend_from_slice(&self.rest.split_to(some));
            if taken.len() == bytes {
                self.pending.fetch_sub(bytes as u64, Ordering::Relaxed);
                return Ok(taken);
            }
            match self.chunks.recv_timeout(SILENCE_MAX) {
                Ok(chunk) => self.rest = chunk,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    return Err(Trouble::PeerLost);
                }
            }
        }
    }
}

/// Both neighbours of a party.
pub(super) struct Ring {
    pub(super) outgoing: [UnboundedSender<Vec<u8>>; 2],
    pub(super) incoming: [Inbound; 2],
    /// Whose frame was read last: whom a malformed one blames.
    pub(super) last: Arc<Mutex<Option<Neighbour>>>,
}

impl Channel for Ring {
    fn send(&mut self, to: Neighbour, frame: Vec<u8>) -> std::result::Result<(), Trouble> {
        self.outgoing[to as usize]
            .send(frame)
            .map_err(|_| Trouble::PeerLost)
    }

    fn receive(&mut self, from: Neighbour, bytes: usize) -> std::result::Result<Vec<u8>, Trouble> {
        let frame = self.incoming[from as usize].take(bytes)?;
        *crate::core::lock(&self.last) = Some(from);
        Ok(frame)
    }
}

//! The frames between two of the three, over calls: each pulls the other's.
//!
//! ```text
//! P_i ── call frames(question) ──▶ P_j
//! P_i ◀── hello 64 ‖ ready 32 ‖ frames, one after another ── P_j
//! ```
//!
//! A protocol's party runs as straight code on a thread of its own and waits here
//! (`aside.rs`); the calls run beside it.
//!
//! *Invariants*: what a peer sends before it is due is bounded by
//! [`PENDING_BYTES_MAX`]; a peer that is silent for [`SILENCE_MAX`] is lost.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use mpc::{
    Trouble,
    shares::{Channel, Neighbour},
};
use tokio::sync::mpsc::{
    Receiver, Sender, UnboundedSender, channel,
    error::{TryRecvError, TrySendError},
};

use crate::{
    aside::Aside,
    error::{Error, Result},
    host::{Host, Patience},
};

/// Bytes that wait for the protocol to ask for them, from one peer.
const PENDING_BYTES_MAX: u64 = 1 << 30;
/// Longest that a party waits for a peer's next bytes.
const SILENCE_MAX: Duration = Duration::from_secs(300);
/// Chunks that wait, from one peer.
const PENDING_CHUNKS_MAX: usize = 8_192;

/// Bytes from one peer, as they come.
pub(super) struct Inbound {
    /// None once the peer is gone.
    chunks: Option<Receiver<bytes::Bytes>>,
    pending: Arc<AtomicU64>,
    rest: bytes::Bytes,
}

/// Where a call puts the bytes that it pulled.
pub(super) struct Feed {
    chunks: Sender<bytes::Bytes>,
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
            Ok(()) | Err(TrySendError::Closed(_)) => Ok(()),
            Err(TrySendError::Full(_)) => {
                Err(Error::trouble("flooded", "a peer sends more than is due"))
            }
        }
    }
}

/// A way for bytes from one peer.
pub(super) fn inbound() -> (Feed, Inbound) {
    let (sender, chunks) = channel(PENDING_CHUNKS_MAX);
    let pending = Arc::new(AtomicU64::new(0));
    let feed = Feed {
        chunks: sender,
        pending: pending.clone(),
    };
    let inbound = Inbound {
        chunks: Some(chunks),
        pending,
        rest: bytes::Bytes::new(),
    };
    (feed, inbound)
}

impl Inbound {
    /// Waits for exactly so many bytes.
    fn take(&mut self, bytes: usize, waits: &Waits) -> std::result::Result<Vec<u8>, Trouble> {
        let mut taken = Vec::new();
        loop {
            let some = self.rest.len().min(bytes - taken.len());
            taken.extend_from_slice(&self.rest.split_to(some));
            if taken.len() == bytes {
                self.pending.fetch_sub(bytes as u64, Ordering::Relaxed);
                return Ok(taken);
            }
            self.rest = self.next(waits).ok_or(Trouble::PeerLost)?;
        }
    }

    /// The next bytes that come.
    fn next(&mut self, waits: &Waits) -> Option<bytes::Bytes> {
        let mut chunks = self.chunks.take()?;
        let chunk = match chunks.try_recv() {
            Ok(chunk) => chunk,
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => {
                let patience = Patience::new(&waits.host, SILENCE_MAX);
                let waited = async move {
                    let chunk = patience.wait(chunks.recv()).await.flatten();
                    (chunks, chunk)
                };
                let (back, chunk) = waits.aside.wait(waited)?;
                chunks = back;
                chunk?
            }
        };
        self.chunks = Some(chunks);
        Some(chunk)
    }
}

/// How a party's thread waits.
pub(super) struct Waits {
    pub(super) aside: Aside,
    pub(super) host: Arc<dyn Host>,
}

/// Both neighbours of a party.
pub(super) struct Ring {
    pub(super) outgoing: [UnboundedSender<Vec<u8>>; 2],
    pub(super) incoming: [Inbound; 2],
    /// Whose frame was read last: whom a malformed one blames.
    pub(super) last: Arc<Mutex<Option<Neighbour>>>,
    pub(super) waits: Waits,
}

impl Ring {
    /// Waits for exactly so many bytes of a neighbour, none of any protocol's.
    pub(super) fn take(
        &mut self,
        from: Neighbour,
        bytes: usize,
    ) -> std::result::Result<Vec<u8>, Trouble> {
        self.incoming[from as usize].take(bytes, &self.waits)
    }
}

impl Channel for Ring {
    fn send(&mut self, to: Neighbour, frame: Vec<u8>) -> std::result::Result<(), Trouble> {
        self.outgoing[to as usize]
            .send(frame)
            .map_err(|_| Trouble::PeerLost)
    }

    fn receive(&mut self, from: Neighbour, bytes: usize) -> std::result::Result<Vec<u8>, Trouble> {
        let frame = self.take(from, bytes)?;
        *crate::core::lock(&self.last) = Some(from);
        Ok(frame)
    }
}

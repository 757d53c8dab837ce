//! What the tasks of one node's channels share.
//!
//! Why it exists: the dialer, the listener and the handle that the node holds
//! see the same peers, limits and notices.
//!
//! *Invariants*
//! - A peer has an entry only while it is a member or has a connection.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use primitives::PublicKey;
use signal::watch;

use crate::{
    dialer::Peer,
    error::{Error, Refusal},
    limits::Limits,
    link::{Identity, Runtime},
    service::{Directory, Service},
    status::{Status, lock},
};

/// What every connection listens to.
#[derive(Clone, Copy, Default)]
pub(crate) struct Notice {
    /// Counts changes of membership.
    pub(crate) generation: u64,
    /// No new call, no new connection.
    pub(crate) stopping: bool,
}

/// See the module.
pub(crate) struct Shared<E> {
    pub(crate) ctx: E,
    pub(crate) identity: Identity,
    pub(crate) limits: Limits,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) service: Arc<dyn Service>,
    pub(crate) notice: watch::Sender<Notice>,
    pub(crate) half_open: AtomicUsize,
    pub(crate) turned_away: AtomicU64,
    live: watch::Sender<usize>,
    peers: Mutex<HashMap<PublicKey, Arc<Peer>>>,
}

impl<E: Runtime> Shared<E> {
    pub(crate) fn new(
        ctx: E,
        identity: Identity,
        limits: Limits,
        directory: Arc<dyn Directory>,
        service: Arc<dyn Service>,
    ) -> Self {
        Self {
            ctx,
            identity,
            limits,
            directory,
            service,
            notice: watch::Sender::new(Notice::default()),
            half_open: AtomicUsize::new(0),
            turned_away: AtomicU64::new(0),
            live: watch::Sender::new(0),
            peers: Mutex::default(),
        }
    }

    /// The entry of a member, made when it is missing.
    pub(crate) fn peer(&self, key: PublicKey) -> Result<Arc<Peer>, Error> {
        self.check_member(key)?;
        let mut peers = lock(&self.peers);
        let peer = peers
            .entry(key)
            .or_insert_with(|| Arc::new(Peer::new(key, &self.limits)));
        Ok(peer.clone())
    }

    pub(crate) fn check_member(&self, key: PublicKey) -> Result<(), Error> {
        if self.directory.is_member(&key) {
            Ok(())
        } else {
            Err(Error::refusal(key, Refusal::NotAMember))
        }
    }

    /// Whether an idle connection to or from `key` is to be closed.
    pub(crate) fn closing(&self, key: PublicKey) -> bool {
        self.notice.borrow().stopping || !self.directory.is_member(&key)
    }

    /// Counts a connection's task for as long as the guard lives.
    pub(crate) fn live(self: &Arc<Self>) -> Live<E> {
        self.live.send_modify(|live| *live += 1);
        Live(self.clone())
    }

    /// Waits until no connection is left.
    pub(crate) async fn drained(&self) {
        let mut live = self.live.subscribe();
        // The sender lives as long as `self`, so this cannot fail.
        let _ = live.wait_for(|live| *live == 0).await;
    }

    /// Forgets peers that are neither members nor connected.
    pub(crate) fn prune(&self) {
        lock(&self.peers)
            .retain(|key, peer| self.directory.is_member(key) || Arc::strong_count(peer) > 1);
    }

    pub(crate) fn status(&self) -> Status {
        let peers: Vec<_> = lock(&self.peers).values().cloned().collect();
        let mut peers: Vec<_> = peers
            .iter()
            .map(|peer| {
                let member = self.directory.is_member(&peer.key);
                peer.stats.snapshot(peer.key, member)
            })
            .collect();
        peers.sort_unstable_by_key(|peer| peer.peer);
        Status {
            half_open: self.half_open.load(Ordering::Relaxed),
            turned_away: self.turned_away.load(Ordering::Relaxed),
            peers,
        }
    }
}

/// See [`Shared::live`].
pub(crate) struct Live<E: Runtime>(Arc<Shared<E>>);

impl<E: Runtime> Drop for Live<E> {
    fn drop(&mut self) {
        self.0.live.send_modify(|live| *live -= 1);
    }
}

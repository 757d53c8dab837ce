//! What a node's parts share: chain, pool, checkpoints, peers, and who waits for what.
//!
//! Nothing here knows the engine's generics; the runtime is reached through [`Env`].
//!
//! *Invariants*
//! - No lock is held across an await, and no two locks at a time but in the order of
//!   the fields.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use commonware_consensus::marshal::standard::Standard;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use futures::future::BoxFuture;
use primitives::{Digest, InstitutionId, PublicKey};
use signal::watch;
use tokio::sync::{mpsc, oneshot};

use crate::ballots::Ballots;
use crate::block::Block;
use crate::chain::{Chain, Offer};
use crate::cosign::Cosigner;
use crate::error::{SubmitError, Trouble};
use crate::leg::Legs;
use crate::limits::{EVIDENCE_MAX, HEARD_WITHIN, RECENT_BLOCKS_MAX};
use crate::notice::Notice;
use crate::pace::Pace;
use crate::pool::{Origin, Pool};
use crate::rules::Rules;
use crate::witness::{Contradiction, Contraries, Evidence};

/// The engine's store of final blocks.
pub(crate) type Marshal = commonware_consensus::marshal::core::Mailbox<Scheme, Standard<Block>>;

/// How far a node's wall clock stands before the runtime's, in milliseconds: nothing but
/// in simulations, which move it while the node runs.
pub type ClockSkew = Arc<AtomicI64>;

/// The runtime, without its type.
pub(crate) struct Env {
    pub(crate) now: Box<dyn Fn() -> SystemTime + Send + Sync>,
    pub(crate) sleep: Box<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync>,
    pub(crate) spawn: Box<dyn Fn(&'static str, BoxFuture<'static, ()>) + Send + Sync>,
    pub(crate) ahead: ClockSkew,
}

/// A record on its way into the pool.
pub(crate) struct Submission {
    pub(crate) offer: Offer,
    pub(crate) origin: Origin,
    pub(crate) waiter: Option<Waiter>,
}

/// Told the record's index once it is final, durable and under a checkpoint.
pub(crate) type Waiter = oneshot::Sender<Result<u64, SubmitError>>;

/// A message to the peers.
pub(crate) enum Outgoing {
    Records(Vec<Bytes>),
    Notice(Option<PublicKey>, Notice),
}

/// What the durable store of accepted records is told.
pub(crate) enum Keep {
    Accepted(Offer),
    Done(Digest),
}

/// What a peer last said of itself.
#[derive(Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) heard: SystemTime,
    pub(crate) height: u64,
    pub(crate) leg: u64,
}

/// Who waits for which record.
#[derive(Default)]
pub(crate) struct Waiters {
    by_leaf: BTreeMap<Digest, Vec<Waiter>>,
    /// Final already, waiting for a checkpoint that covers the index.
    placed: BTreeMap<u64, Vec<Waiter>>,
}

/// The shared parts.
pub(crate) struct Core {
    pub(crate) key: PublicKey,
    pub(crate) leg_blocks: u64,
    pub(crate) storage_prefix: String,
    pub(crate) rules: Arc<dyn Rules>,
    pub(crate) env: Env,
    pub(crate) pace: Arc<Pace>,
    pub(crate) legs: Legs,
    chain: Mutex<Chain>,
    pool: Mutex<Pool>,
    cosigner: Mutex<Cosigner>,
    peers: Mutex<BTreeMap<PublicKey, Peer>>,
    waiters: Mutex<Waiters>,
    /// Records of blocks not yet final that passed the batch check here.
    checked: Mutex<HashSet<Digest>>,
    recent: Mutex<BTreeMap<u64, Arc<Block>>>,
    /// Goes up whenever pool or chain change.
    pub(crate) wake: watch::Sender<u64>,
    /// The size of the final log.
    pub(crate) grown: watch::Sender<u64>,
    /// Goes up whenever a newer checkpoint has a quorum.
    pub(crate) signed: watch::Sender<u64>,
    pub(crate) intake: mpsc::Sender<Submission>,
    pub(crate) outbox: mpsc::Sender<Outgoing>,
    pub(crate) keep: mpsc::UnboundedSender<Keep>,
    pub(crate) marshal: OnceLock<Marshal>,
    pub(crate) stopped: watch::Sender<Option<Trouble>>,
    finality: Mutex<Option<Duration>>,
    contraries: Mutex<Contraries>,
    ballots: Mutex<Ballots>,
    evidence: Mutex<BTreeMap<(InstitutionId, Contradiction), Evidence>>,
    /// Goes up with each new piece of evidence.
    pub(crate) witnessed: watch::Sender<u64>,
}

/// What [`Core::new`] is given.
pub(crate) struct Parts {
    pub(crate) leg_blocks: u64,
    pub(crate) storage_prefix: String,
    pub(crate) rules: Arc<dyn Rules>,
    pub(crate) env: Env,
    pub(crate) legs: Legs,
    pub(crate) chain: Chain,
    pub(crate) cosigner: Cosigner,
    pub(crate) intake: mpsc::Sender<Submission>,
    pub(crate) outbox: mpsc::Sender<Outgoing>,
    pub(crate) keep: mpsc::UnboundedSender<Keep>,
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Core {
    pub(crate) fn new(parts: Parts) -> Arc<Self> {
        let now = (parts.env.now)();
        Arc::new(Self {
            key: parts.cosigner.public(),
            leg_blocks: parts.leg_blocks,
            storage_prefix: parts.storage_prefix,
            rules: parts.rules,
            env: parts.env,
            pace: Pace::new(now),
            legs: parts.legs,
            chain: Mutex::new(parts.chain),
            pool: Mutex::default(),
            cosigner: Mutex::new(parts.cosigner),
            peers: Mutex::default(),
            waiters: Mutex::default(),
            checked: Mutex::default(),
            recent: Mutex::default(),
            wake: watch::Sender::new(0),
            grown: watch::Sender::new(0),
            signed: watch::Sender::new(0),
            intake: parts.intake,
            outbox: parts.outbox,
            keep: parts.keep,
            marshal: OnceLock::new(),
            stopped: watch::Sender::new(None),
            finality: Mutex::default(),
            contraries: Mutex::default(),
            ballots: Mutex::default(),
            evidence: Mutex::default(),
            witnessed: watch::Sender::new(0),
        })
    }

    pub(crate) fn chain(&self) -> MutexGuard<'_, Chain> {
        guard(&self.chain)
    }

    pub(crate) fn pool(&self) -> MutexGuard<'_, Pool> {
        guard(&self.pool)
    }

    pub(crate) fn cosigner(&self) -> MutexGuard<'_, Cosigner> {
        guard(&self.cosigner)
    }

    pub(crate) fn contraries(&self) -> MutexGuard<'_, Contraries> {
        guard(&self.contraries)
    }

    pub(crate) fn ballots(&self) -> MutexGuard<'_, Ballots> {
        guard(&self.ballots)
    }

    /// Keeps evidence against a member, once a kind.
    pub(crate) fn witness(&self, found: Evidence) {
        let place = (found.member.clone(), found.kind);
        {
            let mut evidence = guard(&self.evidence);
            if evidence.len() >= EVIDENCE_MAX || evidence.contains_key(&place) {
                return;
            }
            tracing::error!(member = %found.member, kind = %found.kind, "a member contradicts itself");
            evidence.insert(place, found);
        }
        self.witnessed.send_modify(|count| *count += 1);
    }

    /// The evidence that this node holds.
    pub(crate) fn evidence(&self) -> Vec<Evidence> {
        guard(&self.evidence).values().cloned().collect()
    }

    pub(crate) fn peers(&self) -> MutexGuard<'_, BTreeMap<PublicKey, Peer>> {
        guard(&self.peers)
    }

    pub(crate) fn checked(&self) -> MutexGuard<'_, HashSet<Digest>> {
        guard(&self.checked)
    }

    /// The name of a storage partition.
    pub(crate) fn partition(&self, name: &str) -> String {
        format!("{}{name}", self.storage_prefix)
    }

    pub(crate) fn now(&self) -> SystemTime {
        (self.env.now)()
    }

    pub(crate) fn now_ms(&self) -> u64 {
        let since = self.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        now_ms.saturating_add_signed(self.env.ahead.load(Ordering::Relaxed))
    }

    pub(crate) fn set_finality(&self, took: Duration) {
        *guard(&self.finality) = Some(took);
    }

    /// How long the last submission here took.
    pub(crate) fn finality(&self) -> Option<u64> {
        let took = (*guard(&self.finality))?;
        u64::try_from(took.as_millis()).ok()
    }

    /// Something changed that a proposer may wait for; also starts the protocol's clock.
    pub(crate) fn stir(&self) {
        self.pace.work(self.now());
        self.wake
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Stops taking records.
    pub(crate) fn stop(&self, trouble: Trouble) {
        self.stopped.send_if_modified(|stopped| {
            let first = stopped.is_none();
            if first {
                if trouble == Trouble::Stopped {
                    tracing::debug!("the ledger stops");
                } else {
                    tracing::error!(?trouble, "the ledger stops");
                }
                *stopped = Some(trouble);
            }
            first
        });
        let mut waiters = guard(&self.waiters);
        let waiting = std::mem::take(&mut *waiters);
        drop(waiters);
        let all = waiting
            .by_leaf
            .into_values()
            .chain(waiting.placed.into_values());
        for waiter in all.flatten() {
            let _ = waiter.send(Err(SubmitError::Stopped));
        }
    }

    /// Validators of the current epoch heard of late, this one included if it is one.
    pub(crate) fn heard(&self) -> usize {
        let Some(leg) = self.legs.current() else {
            return 0;
        };
        let now = self.now();
        let peers = self.peers();
        leg.members
            .as_slice()
            .iter()
            .filter(|member| {
                member.key == self.key
                    || peers.get(&member.key).is_some_and(|peer| {
                        now.duration_since(peer.heard).unwrap_or_default() <= HEARD_WITHIN
                    })
            })
            .count()
    }

    pub(crate) fn wait_for(&self, leaf: Digest, waiter: Waiter) {
        guard(&self.waiters)
            .by_leaf
            .entry(leaf)
            .or_default()
            .push(waiter);
    }

    pub(crate) fn wait_for_checkpoint(&self, index: u64, waiter: Waiter) {
        guard(&self.waiters)
            .placed
            .entry(index)
            .or_default()
            .push(waiter);
        self.release();
    }

    /// A record of this node's is final at `index`.
    pub(crate) fn placed(&self, leaf: &Digest, index: u64) {
        let mut waiters = guard(&self.waiters);
        if let Some(waiting) = waiters.by_leaf.remove(leaf) {
            waiters.placed.entry(index).or_default().extend(waiting);
        }
    }

    /// Answers everybody who waits for a record under the newest checkpoint.
    pub(crate) fn release(&self) {
        let Some(size) = self.cosigner().latest().map(|l| l.checkpoint().size()) else {
            return;
        };
        let mut waiters = guard(&self.waiters);
        let later = waiters.placed.split_off(&size);
        let ready = std::mem::replace(&mut waiters.placed, later);
        drop(waiters);
        for (index, waiting) in ready {
            for waiter in waiting {
                let _ = waiter.send(Ok(index));
            }
        }
    }

    /// Answers everybody who waits for a record that will not be on the ledger.
    pub(crate) fn fail(&self, leaf: &Digest, error: &SubmitError) {
        let waiting = guard(&self.waiters)
            .by_leaf
            .remove(leaf)
            .unwrap_or_default();
        for waiter in waiting {
            let _ = waiter.send(Err(error.clone()));
        }
    }

    /// Forgets those who no longer wait.
    pub(crate) fn sweep(&self) {
        let mut waiters = guard(&self.waiters);
        let alive = |waiting: &mut Vec<Waiter>| {
            waiting.retain(|waiter| !waiter.is_closed());
            !waiting.is_empty()
        };
        waiters.by_leaf.retain(|_, waiting| alive(waiting));
        waiters.placed.retain(|_, waiting| alive(waiting));
    }

    /// Sends to the peers if there is room; what is lost is sent again by other ways.
    pub(crate) fn send(&self, outgoing: Outgoing) {
        if self.outbox.try_send(outgoing).is_err() {
            tracing::debug!("the outbox is full");
        }
    }

    pub(crate) fn remember_block(&self, block: Arc<Block>) {
        let mut recent = guard(&self.recent);
        recent.insert(block.header.height, block);
        while recent.len() > RECENT_BLOCKS_MAX {
            recent.pop_first();
        }
    }

    /// A final block, from memory or from the store.
    pub(crate) async fn block(&self, height: u64) -> Option<Arc<Block>> {
        if let Some(block) = guard(&self.recent).get(&height) {
            return Some(Arc::clone(block));
        }
        let height = commonware_consensus::types::Height::new(height);
        let block = self.marshal.get()?.get_block(height).await?;
        Some(block.inner_shared())
    }
}

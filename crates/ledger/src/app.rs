//! What the engine asks of the ledger: propose a block, judge a block, take a final one.
//!
//! A leader with nothing to propose holds its proposal back until a record arrives, so
//! an idle network makes no blocks. It proposes an empty block in two cases only: its
//! parent does not become final by itself, or a change of members waits for the leg's end.
//!
//! *Invariants*
//! - The verdict on a block is a function of its ancestry, but for its time: a block
//!   from the future is judged later, never refused for it.

use std::sync::Arc;
use std::time::Duration;

use commonware_actor::Feedback;
use commonware_consensus::marshal::Update;
use commonware_consensus::marshal::ancestry::Ancestry;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::Context;
use commonware_consensus::{Application, Epochable as _, Reporter};
use commonware_cryptography::{Digested, Digestible as _, ed25519};
use commonware_runtime::Clock;
use commonware_utils::acknowledgement::Exact;
use futures::StreamExt as _;
use tokio::sync::mpsc;

use crate::block::{Block, BlockDigest};
use crate::chain::{Built, Offer, Tip, build, follow};
use crate::core::Core;
use crate::leg::Leg;
use crate::limits::{CHECKED_MAX, CLOCK_SKEW_MAX, PARENT_FINAL_WITHIN};

/// How often a leader looks again while its parent is not final.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The ledger as the engine sees it.
#[derive(Clone)]
pub(crate) struct App {
    core: Arc<Core>,
}

impl App {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// The state after `block`, worked out from its ancestors where it is not known.
    async fn tip_after(
        &self,
        block: &Digested<Block>,
        ancestry: &mut impl Ancestry<Block>,
    ) -> Option<Arc<Tip>> {
        let mut unknown = Vec::new();
        let mut at = block.clone();
        let mut tip = loop {
            {
                let chain = self.core.chain();
                if let Some(tip) = chain.tip(&at.digest()) {
                    break tip;
                }
                if at.inner().header.height <= chain.last().header.height {
                    return None;
                }
            }
            unknown.push(at);
            at = ancestry.next().await?;
        };
        while let Some(block) = unknown.pop() {
            let next = follow(&tip, block.inner(), block.digest()).ok()?;
            let mut chain = self.core.chain();
            chain.remember(next, &block.inner().leaves);
            tip = chain.tip(&block.digest())?;
        }
        Some(tip)
    }

    /// The records that a block on `parent` can hold.
    fn offers(&self, parent: &Tip) -> Vec<Offer> {
        let (pending, offers) = {
            let pending = self.core.chain().pending(&parent.digest);
            let offers = self.core.pool().offers(|leaf| pending.holds(leaf));
            (pending, offers)
        };
        self.core.chain().fresh(&pending, offers)
    }

    /// Waits until there is something to propose on `parent`.
    async fn build(&self, parent: Arc<Tip>, leg: &Leg) -> Option<Built> {
        let began = self.core.now();
        let mut wake = self.core.wake.subscribe();
        let changing = parent.state.members() != leg.members;
        loop {
            wake.borrow_and_update();
            let parent_final = {
                let last = self.core.chain().last().header.height;
                last >= parent.header.height
            };
            let waited = self.core.now().duration_since(began).unwrap_or_default();
            let empty = changing || (!parent_final && waited >= PARENT_FINAL_WITHIN);
            let offers = self.offers(&parent);
            if empty || !offers.is_empty() {
                let time_ms = self.core.now_ms().max(parent.header.time_ms);
                let built = build(&parent, offers, leg.epoch, time_ms);
                if empty || !built.block.records.is_empty() {
                    return Some(built);
                }
            }
            if parent_final {
                wake.changed().await.ok()?;
            } else {
                tokio::select! {
                    biased;
                    changed = wake.changed() => changed.ok()?,
                    () = (self.core.env.sleep)(LOOK_AGAIN) => {}
                }
            }
        }
    }

    /// Whether `block` may follow `parent`.
    fn judge(&self, block: &Digested<Block>, parent: &Tip, leg: &Leg) -> bool {
        let inner = block.inner();
        if inner.header.epoch != leg.epoch || self.core.chain().repeats(inner) {
            return false;
        }
        if !self.check(inner) {
            return false;
        }
        match follow(parent, inner, block.digest()) {
            Ok(tip) => {
                self.core.chain().remember(tip, &inner.leaves);
                true
            }
            Err(detail) => {
                tracing::warn!(height = inner.header.height, detail, "a block is refused");
                false
            }
        }
    }

    /// The batch check of those records that this node has not checked before.
    fn check(&self, block: &Block) -> bool {
        let unchecked: Vec<usize> = {
            let pool = self.core.pool();
            let checked = self.core.checked();
            (0..block.leaves.len())
                .filter(|at| {
                    let leaf = &block.leaves[*at];
                    !pool.holds(leaf) && !checked.contains(leaf)
                })
                .collect()
        };
        if unchecked.is_empty() {
            return true;
        }
        let records: Vec<_> = unchecked
            .iter()
            .map(|at| block.records[*at].clone())
            .collect();
        let verdicts = self.core.rules.check(&records);
        let passed = verdicts.len() == records.len() && verdicts.iter().all(Result::is_ok);
        if passed {
            let mut checked = self.core.checked();
            if checked.len() > CHECKED_MAX {
                checked.clear();
            }
            checked.extend(unchecked.iter().map(|at| block.leaves[*at]));
        } else {
            tracing::warn!(
                height = block.header.height,
                "a block holds a record that fails its check"
            );
        }
        passed
    }

    /// Waits until the block's time is not too far ahead of this node's clock.
    async fn wait_for_time(&self, time_ms: u64) {
        let skew = u64::try_from(CLOCK_SKEW_MAX.as_millis()).unwrap_or(u64::MAX);
        loop {
            let latest = self.core.now_ms().saturating_add(skew);
            if time_ms <= latest {
                return;
            }
            (self.core.env.sleep)(Duration::from_millis((time_ms - latest).min(1_000))).await;
        }
    }
}

impl<E: Clock> Application<E> for App {
    type SigningScheme = Scheme;
    type Context = Context<BlockDigest, ed25519::PublicKey>;
    type Block = Block;
    type Input = ();

    async fn propose(
        &mut self,
        (_, context): (E, Self::Context),
        mut ancestry: impl Ancestry<Block>,
        (): (),
    ) -> Option<Digested<Block>> {
        let leg = self.core.legs.get(context.epoch().get())?;
        let parent = ancestry.next().await?;
        let parent = self.tip_after(&parent, &mut ancestry).await?;
        let built = self.build(parent, &leg).await?;
        self.core.pace.work(self.core.now());
        let digest = built.tip.digest;
        self.core.chain().remember(built.tip, &built.block.leaves);
        Some(Digested::precomputed(built.block, digest))
    }

    async fn verify(
        &mut self,
        (_, context): (E, Self::Context),
        mut ancestry: impl Ancestry<Block>,
    ) -> bool {
        self.core.pace.work(self.core.now());
        let Some(leg) = self.core.legs.get(context.epoch().get()) else {
            return futures::future::pending().await;
        };
        let Some(block) = ancestry.next().await else {
            return futures::future::pending().await;
        };
        let Some(parent) = ancestry.next().await else {
            return futures::future::pending().await;
        };
        self.wait_for_time(block.inner().header.time_ms).await;
        let Some(parent) = self.tip_after(&parent, &mut ancestry).await else {
            // The chain went past the parent: the view is decided without this verdict.
            return futures::future::pending().await;
        };
        self.judge(&block, &parent, &leg)
    }
}

/// A final block on its way to the ledger; acknowledged when the ledger has taken it.
pub(crate) type Delivery = (Digested<Block>, Exact);

/// Passes final blocks on.
#[derive(Clone)]
pub(crate) struct Sink(pub(crate) mpsc::UnboundedSender<Delivery>);

impl Reporter for Sink {
    type Activity = Update<Block>;

    fn report(&mut self, update: Update<Block>) -> Feedback {
        if let Update::Block(block, acknowledgement) = update {
            // The queue is as long as the engine lets deliveries go unacknowledged.
            let _ = self.0.send((block, acknowledgement));
        }
        Feedback::Ok
    }
}

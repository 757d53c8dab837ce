//! The handle that the node holds: submit, follow, prove, ask.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use commonware_cryptography::Digestible as _;
use primitives::{Digest, InstitutionId, NetworkId, PublicKey, SigningKey};
use proof::{Membership, Receipt, SignedCheckpoint, leaf_hash};
use serde::{Deserialize, Serialize};
use signal::watch;
use tokio::sync::{mpsc, oneshot};

use crate::app::Sink;
use crate::block::Block;
use crate::chain::{Chain, Offer};
use crate::core::{ClockSkew, Core, Env, Parts, Submission};
use crate::cosign::Cosigner;
use crate::engine::{Engine, Runtime};
use crate::error::{Error, Refusal, SubmitError, Trouble};
use crate::leg::{Legs, Voter, namespace};
use crate::limits::{
    FOLLOW_QUEUE_MAX, INTAKE_QUEUE_MAX, LEG_BLOCKS, PARENT_FINAL_WITHIN, RECORD_BYTES_MAX,
    STALL_AFTER,
};
use crate::members::{Member, Members};
use crate::peers::PeerStatus;
use crate::pool::Origin;
use crate::reserve::Reserve;
use crate::rules::{Refused, Rules, State};
use crate::witness::Evidence;
use crate::{apply, intake, keep, tend};

/// Messages to the peers queued for sending.
const OUTBOX_MAX: usize = 8_192;

const LISTEN_TRIES: usize = 20;
const LISTEN_AGAIN: Duration = Duration::from_millis(100);

/// How long the engine waits in a view. Time counts only while records wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the leader's proposal; above the 0.4 s that a leader with nothing to propose
    /// gives its parent to become final, or no leader would ever close it.
    pub leader: Duration,
    /// For the proposal's certification; above `leader`.
    pub certification: Duration,
    /// Before a vote against a leader is sent again.
    pub retry: Duration,
    /// After which a leader that was not heard is passed over at once; above `certification`.
    pub inactive: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            leader: Duration::from_millis(1_500),
            certification: Duration::from_millis(3_000),
            retry: Duration::from_millis(2_000),
            inactive: Duration::from_millis(6_000),
        }
    }
}

/// What a node's ledger is started with.
#[derive(Clone)]
pub struct Config {
    /// The network, which names the log.
    pub network: NetworkId,
    /// This node's institution.
    pub name: InstitutionId,
    /// Its validator key.
    pub key: SigningKey,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Nodes to reach while this one is no member yet; may be empty for a member of genesis.
    pub bootstrap: Vec<Member>,
    /// How long to wait for leaders.
    pub timeouts: Timeouts,
    /// Blocks of one leg, the same on every node of a network: [`LEG_BLOCKS`].
    pub leg_blocks: u64,
    /// Before the names of all storage partitions, where nodes share a storage.
    pub(crate) storage_prefix: String,
    /// How far this node's clock stands before the runtime's.
    pub(crate) clock_ahead: ClockSkew,
    /// What it allocates when it starts.
    pub(crate) reserve: Reserve,
}

impl Config {
    /// The usual settings.
    #[must_use]
    pub fn new(
        network: NetworkId,
        name: InstitutionId,
        key: SigningKey,
        listen: SocketAddr,
    ) -> Self {
        Self {
            network,
            name,
            key,
            listen,
            bootstrap: Vec::new(),
            timeouts: Timeouts::default(),
            leg_blocks: LEG_BLOCKS,
            storage_prefix: String::new(),
            clock_ahead: ClockSkew::default(),
            reserve: Reserve::default(),
        }
    }
}

/// A record that is final and durable here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Final {
    /// Its place in the log, from 0.
    pub index: u64,
    /// The height of its block.
    pub height: u64,
    /// Its block's time, in milliseconds since 1970.
    pub time_ms: u64,
    /// Its leaf hash, by which [`Ledger::find`] finds it.
    pub digest: Digest,
    /// Its bytes.
    pub record: Bytes,
}

/// How a node's ledger is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The last final height.
    pub height: u64,
    /// Records in the final log.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
    /// Records under the newest checkpoint with a quorum.
    pub signed: u64,
    /// The epoch of members.
    pub epoch: u64,
    /// The members in office.
    pub members: Vec<Member>,
    /// Whether this node is one of them.
    pub member: bool,
    /// Members heard of late, this one included.
    pub heard: usize,
    /// Members that agreement needs.
    pub needed: usize,
    /// Whether some peer is ahead of this node.
    pub syncing: bool,
    /// Records that wait for agreement here.
    pub waiting: usize,
    /// How long the last submission here took to become final, in milliseconds.
    pub finality_ms: Option<u64>,
    /// Why the ledger stopped, if it did.
    pub stopped: Option<String>,
}

/// A node's ledger. Clones are handles to the same one.
#[derive(Clone)]
pub struct Ledger {
    pub(crate) core: Arc<Core>,
}

/// A ledger that is starting.
pub type Starting = Pin<Box<dyn Future<Output = Result<Ledger, Error>> + Send>>;

impl Ledger {
    /// Opens the ledger in the runtime's storage folder, replays what is final, and joins
    /// the network. Returns once the replay is done.
    ///
    /// # Errors
    /// A setting out of range, or members that can't be validators.
    ///
    /// The future is boxed here so that agreement's generics are compiled in this crate,
    /// once, and not again in every crate that awaits it.
    pub fn start(
        context: commonware_runtime::tokio::Context,
        config: Config,
        rules: Arc<dyn Rules>,
    ) -> Starting {
        Box::pin(async move {
            listens(&context, config.listen).await?;
            start(context, config, rules).await
        })
    }

    /// [`Ledger::start`] under virtual time. Networks of several nodes share one runtime:
    /// `name` tells this one's files from theirs, which lie on its `disk`, and its clock
    /// stands `ahead` of the runtime's at each moment. All that it runs ends with the task
    /// that it is started in.
    ///
    /// # Errors
    /// As [`Ledger::start`].
    #[cfg(feature = "simulation")]
    pub fn simulate(
        context: commonware_runtime::deterministic::Context,
        mut config: Config,
        rules: Arc<dyn Rules>,
        (name, ahead, disk): (&str, ClockSkew, &crate::disk::Disk),
    ) -> Starting {
        config.storage_prefix = format!("{name}-");
        config.clock_ahead = ahead;
        Box::pin(start(disk.machine(context), config, rules))
    }

    /// Gives a record to the network. Resolves when it is final, durable here and under a
    /// checkpoint of a quorum. A record that is on the ledger already has its receipt at once.
    ///
    /// # Errors
    /// See [`SubmitError`]. Dropping the future withdraws the wait, not the record.
    pub async fn submit(&self, record: Bytes) -> Result<Receipt, SubmitError> {
        if record.is_empty() || record.len() > RECORD_BYTES_MAX {
            let detail = format!("1 to {RECORD_BYTES_MAX} bytes, not {}", record.len());
            return Err(SubmitError::Refused(Refused::new("record-size", detail)));
        }
        if self.core.stopped.borrow().is_some() {
            return Err(SubmitError::Stopped);
        }
        let began = self.core.now();
        let (waiter, mut answer) = oneshot::channel();
        let offer = Offer {
            leaf: leaf_hash(&record),
            record,
        };
        let submission = Submission {
            offer,
            origin: Origin::Own,
            waiter: Some(waiter),
        };
        self.core
            .intake
            .try_send(submission)
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => SubmitError::Full,
                mpsc::error::TrySendError::Closed(_) => SubmitError::Stopped,
            })?;
        let index = loop {
            tokio::select! {
                biased;
                answer = &mut answer => break answer.unwrap_or(Err(SubmitError::Stopped))?,
                () = (self.core.env.sleep)(STALL_AFTER) => self.stalled()?,
            }
        };
        let took = self.core.now().duration_since(began).unwrap_or_default();
        self.core.set_finality(took);
        self.receipt(index).ok_or(SubmitError::Stopped)
    }

    fn stalled(&self) -> Result<(), SubmitError> {
        let needed = self
            .core
            .legs
            .current()
            .map_or(0, |leg| leg.members.quorum());
        let heard = self.core.heard();
        if heard < needed {
            return Err(SubmitError::Stalled { heard, needed });
        }
        Ok(())
    }

    /// The final records from `from_index` on, in order: those that are there, then each as
    /// it becomes final. Ends when the receiver is dropped or the ledger stops.
    #[must_use]
    pub fn follow(&self, from_index: u64) -> mpsc::Receiver<Final> {
        let (sender, receiver) = mpsc::channel(FOLLOW_QUEUE_MAX);
        let core = Arc::clone(&self.core);
        (self.core.env.spawn)("follow", Box::pin(follow(core, from_index, sender)));
        receiver
    }

    /// The receipt of the record at `index`, under the newest checkpoint.
    #[must_use]
    pub fn receipt(&self, index: u64) -> Option<Receipt> {
        let signed = self.checkpoint()?;
        self.receipt_under(index, signed)
    }

    /// The receipt of the record at `index` under the last checkpoint that the members of
    /// `epoch` signed: what shows a change of members by the word of those who left.
    #[must_use]
    pub fn receipt_of_epoch(&self, index: u64, epoch: u64) -> Option<Receipt> {
        let signed = self.core.cosigner().of_epoch(epoch).cloned()?;
        self.receipt_under(index, SignedCheckpoint::clone(&signed))
    }

    fn receipt_under(&self, index: u64, signed: SignedCheckpoint) -> Option<Receipt> {
        let path = {
            let chain = self.core.chain();
            chain
                .log()
                .inclusion(index, signed.checkpoint().size())
                .ok()?
        };
        Receipt::new(index, path, signed).ok()
    }

    /// The index of the record with this leaf hash, if it is final here.
    #[must_use]
    pub fn find(&self, digest: &Digest) -> Option<u64> {
        self.core.chain().find(digest)
    }

    /// The record at `index`.
    pub async fn record(&self, index: u64) -> Option<Final> {
        let (height, first) = self.core.chain().locate(index)?;
        let block = self.core.block(height).await?;
        final_of(&block, first, index)
    }

    /// The newest checkpoint that a quorum cosigned; none before the first record.
    #[must_use]
    pub fn checkpoint(&self) -> Option<SignedCheckpoint> {
        let latest = self.core.cosigner().latest().cloned()?;
        Some(SignedCheckpoint::clone(&latest))
    }

    /// The path that proves the log of `old` records to be a prefix of that of `new`.
    ///
    /// # Errors
    /// Refused where the log can't give it.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Digest>, Error> {
        Ok(self.core.chain().log().consistency(old, new)?)
    }

    /// The members of an epoch, as far as this node has come.
    #[must_use]
    pub fn membership(&self, epoch: u64) -> Option<Membership> {
        let membership = self.core.legs.membership(epoch)?;
        Some(Membership::clone(&membership))
    }

    /// The state after the last final block.
    #[must_use]
    pub fn state(&self) -> Arc<dyn State> {
        Arc::clone(&self.core.chain().last().state)
    }

    /// The log's name on its checkpoints.
    #[must_use]
    pub fn origin(&self) -> String {
        self.core.cosigner().origin().to_owned()
    }

    /// How it is doing.
    #[must_use]
    pub fn status(&self) -> Status {
        let (height, size, root) = {
            let chain = self.core.chain();
            let header = chain.last().header;
            (header.height, header.log_size, header.log_root)
        };
        let leg = self.core.legs.current();
        let members = leg.as_ref().map(|leg| leg.members.clone());
        let signed = self
            .core
            .cosigner()
            .latest()
            .map_or(0, |l| l.checkpoint().size());
        Status {
            height,
            size,
            root,
            signed,
            epoch: leg.as_ref().map_or(0, |leg| leg.epoch),
            member: members
                .as_ref()
                .is_some_and(|m| m.by_key(&self.core.key).is_some()),
            heard: self.core.heard(),
            needed: members.as_ref().map_or(0, Members::quorum),
            members: members.map(Vec::from).unwrap_or_default(),
            syncing: self.core.peers().values().any(|peer| peer.height > height),
            waiting: self.core.pool().len(),
            finality_ms: self.core.finality(),
            stopped: self
                .core
                .stopped
                .borrow()
                .as_ref()
                .map(|t| Error::from(t.clone()).to_string()),
        }
    }

    /// Hears a notice as if a peer had sent it.
    #[cfg(test)]
    pub(crate) fn hear(&self, from: &PublicKey, notice: crate::notice::Notice) {
        let bytes = notice.encode().unwrap_or_default();
        tend::notice(&self.core, *from, &bytes);
    }

    /// Evidence against members that contradicted themselves, since this node started.
    #[must_use]
    pub fn evidence(&self) -> Vec<Evidence> {
        self.core.evidence()
    }

    /// Goes up with each new piece of evidence.
    #[must_use]
    pub fn witnessed(&self) -> watch::Receiver<u64> {
        self.core.witnessed.subscribe()
    }

    /// What was last heard of the members in office, this node left out.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerStatus> {
        crate::peers::peers(&self.core)
    }

    /// Waits until the ledger has stopped, and says why.
    pub async fn stopped(&self) -> Error {
        let mut stopped = self.core.stopped.subscribe();
        let trouble = match stopped.wait_for(Option::is_some).await {
            Ok(trouble) => trouble.clone(),
            Err(_) => None,
        };
        trouble.unwrap_or(Trouble::Stopped).into()
    }

    /// Answers everybody who waits; the runtime is gone.
    pub(crate) fn close(&self) {
        self.core.stop(Trouble::Stopped);
    }

    /// This node's validator key.
    #[must_use]
    pub fn key(&self) -> PublicKey {
        self.core.key
    }
}

/// Starts the ledger on any runtime.
pub(crate) async fn start<E: Runtime>(
    context: E,
    config: Config,
    rules: Arc<dyn Rules>,
) -> Result<Ledger, Error> {
    if config.leg_blocks < 2 {
        return Err(Refusal::Config("leg_blocks").into());
    }
    if config.timeouts.leader <= PARENT_FINAL_WITHIN {
        return Err(Refusal::Config("timeouts.leader").into());
    }
    let genesis = Block::genesis(&config.network.0, config.leg_blocks);
    let digest = genesis.digest();
    keep::identify(&context, &config.storage_prefix, &Digest(digest.0)).await?;
    let state = rules.genesis();
    let namespace = namespace(&config.network);
    let voter = Voter::new(namespace.clone(), &config.key)?;
    let legs = Legs::new(Voter::new(namespace, &config.key)?, state.members(), digest)?;
    let origin = proof::origin(&config.network);
    let (intake, submissions) = mpsc::channel(INTAKE_QUEUE_MAX);
    let (outbox, outgoing) = mpsc::channel(OUTBOX_MAX);
    let (keep, kept) = mpsc::unbounded_channel();
    let core = Core::new(Parts {
        leg_blocks: config.leg_blocks,
        storage_prefix: config.storage_prefix.clone(),
        rules,
        env: env(&context, config.clock_ahead.clone()),
        legs,
        chain: Chain::new(&genesis, digest, state),
        cosigner: Cosigner::new(origin, config.name.clone(), config.key.clone()),
        intake,
        outbox,
        keep,
    });
    let (deliver, deliveries) = mpsc::unbounded_channel();
    let (turn, turned) = mpsc::unbounded_channel();
    let opening = Engine::open(
        context.child("agreement"),
        Arc::clone(&core),
        &config,
        &voter,
        genesis,
        Sink(deliver),
    );
    let (engine, gossip) = opening.await?;
    replay(&core).await?;
    keep::restore(&context, &core, kept).await?;
    let first = core.legs.current().ok_or(Trouble::Stopped)?;
    gossip.start(&context, &core, outgoing);
    let shared = Arc::clone(&core);
    context
        .child("apply")
        .spawn(move |_| apply::run(shared, deliveries, turn));
    let shared = Arc::clone(&core);
    context
        .child("intake")
        .spawn(move |_| intake::run(shared, submissions));
    let shared = Arc::clone(&core);
    context.child("tend").spawn(move |_| tend::pool(shared));
    let shared = Arc::clone(&core);
    context
        .child("heartbeats")
        .spawn(move |_| tend::heartbeats(shared));
    context
        .child("legs")
        .spawn(move |_| engine.run(first, turned));
    Ok(Ledger { core })
}

/// Makes sure that the network can listen, which it would take for granted. A node that has
/// just stopped may hold its address for a moment.
async fn listens<E: Runtime>(context: &E, address: SocketAddr) -> Result<(), Error> {
    for _ in 0..LISTEN_TRIES {
        if context.bind(address).await.is_ok() {
            return Ok(());
        }
        context.sleep(LISTEN_AGAIN).await;
    }
    Err(Trouble::Listen(address).into())
}

/// Leads the state to where the last run acknowledged the chain.
async fn replay(core: &Core) -> Result<(), Error> {
    let marshal = core.marshal.get().ok_or(Trouble::Stopped)?;
    let Some(processed) = marshal.get_processed().await else {
        return Ok(());
    };
    for height in 1..=processed.height().get() {
        let at = commonware_consensus::types::Height::new(height);
        let missing = || Trouble::Storage(format!("the block at height {height} is missing"));
        let block = marshal.get_block(at).await.ok_or_else(missing)?;
        apply::finalise(core, &block)?;
    }
    Ok(())
}

fn env<E: Runtime>(context: &E, ahead: ClockSkew) -> Env {
    let clock = Arc::new(context.child("clock"));
    let sleeper = Arc::clone(&clock);
    let spawner = context.child("tasks");
    Env {
        now: Box::new(move || clock.current()),
        ahead,
        sleep: Box::new(move |duration| Box::pin(sleeper.sleep(duration))),
        spawn: Box::new(move |label, task| {
            spawner.child(label).spawn(move |_| task);
        }),
    }
}

fn final_of(block: &Block, first: u64, index: u64) -> Option<Final> {
    let place = usize::try_from(index.checked_sub(first)?).ok()?;
    Some(Final {
        index,
        height: block.header.height,
        time_ms: block.header.time_ms,
        digest: *block.leaves.get(place)?,
        record: block.records.get(place)?.clone(),
    })
}

async fn follow(core: Arc<Core>, from: u64, sender: mpsc::Sender<Final>) {
    let mut grown = core.grown.subscribe();
    let mut next = from;
    loop {
        grown.borrow_and_update();
        loop {
            let located = core.chain().locate(next);
            let Some((height, first)) = located else {
                break;
            };
            let Some(block) = core.block(height).await else {
                return;
            };
            while let Some(record) = final_of(&block, first, next) {
                if sender.send(record).await.is_err() {
                    return;
                }
                next += 1;
            }
        }
        tokio::select! {
            biased;
            changed = grown.changed() => if changed.is_err() { return },
            () = sender.closed() => return,
        }
    }
}

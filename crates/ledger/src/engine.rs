//! The agreement engine: commonware's simplex, marshal and authenticated channels, put
//! together once with concrete types.
//!
//! ```text
//!            records, notices               votes, certificates, blocks
//!   peers <------------------> tend, intake <------------------> simplex, marshal
//!                                  |  pool          propose, judge |   | final blocks
//!                                  v                               v   v
//!                                core  <------------------------ app, apply
//! ```
//!
//! *Invariants*
//! - One simplex engine runs at a time, for the current leg, and only while this node is
//!   one of its members.
//! - Only this module names the engine's types with the runtime's type in them.

use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use commonware_broadcast::buffered;
use commonware_consensus::Reporters;
use commonware_consensus::marshal::core::Actor;
use commonware_consensus::marshal::resolver::p2p as backfill;
use commonware_consensus::marshal::standard::{Inline, Standard};
use commonware_consensus::marshal::{self, Start};
use commonware_consensus::simplex::config::{ForwardPolicy, SkipBudget, SkipPolicy};
use commonware_consensus::simplex::elector::RoundRobin;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::{self, Floor};
use commonware_consensus::types::{Epoch, FixedEpocher, Height, ViewDelta};
use commonware_cryptography::certificate::Verifier as _;
use commonware_cryptography::{Digested, Digestible as _, Sha256, ed25519};
use commonware_p2p::authenticated::lookup::{self, Network, Oracle};
use commonware_p2p::utils::mux::{MuxHandle, Muxer, SubReceiver, SubSender};
use commonware_p2p::{Address, AddressableManager as _, Receiver as _, Recipients, Sender as _};
use commonware_parallel::Sequential;
use commonware_runtime::buffer::paged::CacheRef;
use commonware_runtime::{Clock, Handle, IoBuf, Metrics, Resolver, Spawner, Storage};
use commonware_storage::archive::immutable;
use commonware_utils::ordered::Map;
use commonware_utils::vec::NonEmptyVec;
use commonware_utils::{NZU16, NZU64, NZUsize, NonZeroDuration};
use primitives::PublicKey;
use rand_core::CryptoRng;
use tokio::sync::mpsc;

use crate::app::{App, Sink};
use crate::block::{Block, BlockDigest};
use crate::core::{Core, Marshal, Outgoing};
use crate::error::{Error, Trouble};
use crate::leg::{Leg, Voter, engine_key};
use crate::members::Member;
use crate::pace::Paced;
use crate::reserve::Reserve;
use crate::witness::Watch;
use crate::{Config, tend};

mod channel;

use channel::{network_config, quota};

/// What the engine asks of a runtime.
pub(crate) trait Runtime:
    Clock + CryptoRng + Spawner + Storage + Metrics + commonware_runtime::Network + Resolver
{
}

impl<E> Runtime for E where
    E: Clock + CryptoRng + Spawner + Storage + Metrics + commonware_runtime::Network + Resolver
{
}

const VOTES: u64 = 0;
const CERTIFICATES: u64 = 1;
const FETCHES: u64 = 2;
const BACKFILL: u64 = 3;
const BLOCKS: u64 = 4;
const RECORDS: u64 = 5;
const NOTICES: u64 = 6;

const WRITE_BUFFER: NonZeroUsize = NZUsize!(1024 * 1024);
const REPLAY_BUFFER: NonZeroUsize = NZUsize!(8 * 1024 * 1024);
/// Peer sets kept connected: the current and the one before.
const PEER_SETS: NonZeroUsize = NZUsize!(2);

type Sender<E> = lookup::Sender<ed25519::PublicKey, E>;
type Receiver = lookup::Receiver<ed25519::PublicKey>;
type Wrapped<E> = Inline<E, Scheme, App, Block, FixedEpocher>;
type Settings<E> = simplex::Config<
    Scheme,
    RoundRobin<Sha256>,
    Oracle<ed25519::PublicKey>,
    BlockDigest,
    Wrapped<E>,
    Wrapped<E>,
    Reporters<Wrapped<E>, Watch>,
    Sequential,
>;

/// A running network and store, before the first leg.
pub(crate) struct Engine<E: Runtime> {
    context: E,
    core: Arc<Core>,
    oracle: Oracle<ed25519::PublicKey>,
    marshal: Marshal,
    tracked: u64,
    timeouts: crate::Timeouts,
    bootstrap: Vec<Member>,
    reserve: Reserve,
    page_cache: CacheRef,
    muxes: Muxes<E>,
    /// The channels of the next leg, opened early so that no first vote is lost.
    ahead: Option<(u64, Channels<E>)>,
    running: Option<Handle<()>>,
}

struct Muxes<E: Runtime> {
    votes: MuxHandle<Sender<E>>,
    certificates: MuxHandle<Sender<E>>,
    fetches: MuxHandle<Sender<E>>,
}

type Sub<E> = (SubSender<Sender<E>>, SubReceiver<ed25519::PublicKey>);

struct Channels<E: Runtime> {
    votes: Sub<E>,
    certificates: Sub<E>,
    fetches: Sub<E>,
}

/// The gossip channels, handed to their tasks.
pub(crate) struct Gossip<E: Runtime> {
    records: (Sender<E>, Receiver),
    notices: (Sender<E>, Receiver),
}

impl<E: Runtime> Engine<E> {
    /// Opens the store and the network.
    pub(crate) async fn open(
        context: E,
        core: Arc<Core>,
        config: &Config,
        voter: &Voter,
        genesis: Block,
        sink: Sink,
    ) -> Result<(Self, Gossip<E>), Error> {
        let (mut network, oracle) =
            Network::new(context.child("network"), network_config(config, voter));
        // Each channel's mailbox holds a second's quota of every peer, allocated at once.
        let votes = network.register(VOTES, quota(256));
        let certificates = network.register(CERTIFICATES, quota(256));
        let fetches = network.register(FETCHES, quota(32));
        let backfill_channel = network.register(BACKFILL, quota(64));
        let blocks = network.register(BLOCKS, quota(64));
        let gossip = Gossip {
            records: network.register(RECORDS, quota(128)),
            notices: network.register(NOTICES, quota(128)),
        };
        let muxes = Muxes {
            votes: mux(&context, "mux_votes", votes),
            certificates: mux(&context, "mux_certificates", certificates),
            fetches: mux(&context, "mux_fetches", fetches),
        };
        let public = engine_public(voter);
        let resolver = backfill::init(
            context.child("backfill"),
            backfill::Config {
                public_key: public.clone(),
                peer_provider: oracle.clone(),
                blocker: oracle.clone(),
                mailbox_size: config.reserve.messages,
                fetch_timeout: nonzero(Duration::from_secs(2)),
                fetch_retry_delay: Duration::from_millis(200),
                priority_requests: false,
                priority_responses: false,
            },
            backfill_channel,
        );
        let (broadcast, buffer) = buffered::Engine::new(
            context.child("broadcast"),
            buffered::Config {
                public_key: public,
                mailbox_size: config.reserve.messages,
                deque_size: 16,
                priority: false,
                codec_config: (),
                peer_provider: oracle.clone(),
                strategy: Sequential,
            },
        );
        broadcast.start(blocks);
        let page_cache = CacheRef::new(NZU16!(4_084), NZUsize!(1_024));
        let reserve = (config.reserve, &page_cache);
        let (actor, marshal) = store(&context, &core, genesis, reserve).await?;
        actor.start(sink, buffer, resolver);
        let _ = core.marshal.set(marshal.clone());
        network.start();
        let engine = Self {
            context,
            core,
            oracle,
            marshal,
            tracked: 0,
            timeouts: config.timeouts,
            bootstrap: config.bootstrap.clone(),
            reserve: config.reserve,
            page_cache,
            muxes,
            ahead: None,
            running: None,
        };
        Ok((engine, gossip))
    }

    /// Runs the legs from `first` on, as `turned` names them, until the runtime stops.
    pub(crate) async fn run(
        mut self,
        first: Arc<Leg>,
        mut turned: mpsc::UnboundedReceiver<Arc<Leg>>,
    ) {
        let mut leg = first;
        loop {
            // Legs that are over already need no engine.
            while let Ok(next) = turned.try_recv() {
                leg = next;
            }
            self.track(&leg);
            self.begin(&leg).await;
            self.catch_up(&leg);
            let Some(next) = turned.recv().await else {
                return;
            };
            self.end(&leg).await;
            leg = next;
        }
    }

    /// Connects to the leg's members, and to those of the start while this node is none of them.
    fn track(&mut self, leg: &Leg) {
        let member = leg.members.by_key(&self.core.key).is_some();
        let extra = if member { &[][..] } else { &self.bootstrap[..] };
        let peers = leg
            .members
            .as_slice()
            .iter()
            .chain(extra)
            .filter_map(|m| Some((engine_key(&m.key).ok()?, Address::Symmetric(m.address))));
        let peers = Map::from_iter_dedup(peers);
        self.oracle.track(self.tracked, peers);
        self.tracked += 1;
    }

    async fn begin(&mut self, leg: &Arc<Leg>) {
        let channels = match self.ahead.take() {
            Some((number, channels)) if number == leg.number => Some(channels),
            _ => self.muxes.open(leg.number).await,
        };
        self.ahead = self
            .muxes
            .open(leg.number + 1)
            .await
            .map(|c| (leg.number + 1, c));
        let Some(channels) = channels else {
            tracing::error!(leg = leg.number, "the leg's channels are taken");
            return;
        };
        if leg.members.by_key(&self.core.key).is_none() {
            return;
        }
        let app = App::new(Arc::clone(&self.core));
        let wrapped: Wrapped<E> = Inline::new(
            self.context
                .child("inline")
                .with_attribute("leg", leg.number),
            app,
            self.marshal.clone(),
            FixedEpocher::new(leg_blocks(&self.core)),
        );
        let context = self
            .context
            .child("engine")
            .with_attribute("leg", leg.number);
        let context = Paced::new(context, Arc::clone(&self.core.pace));
        let engine = simplex::Engine::new(context, self.settings(leg, wrapped));
        self.core.pace.work(self.core.now());
        let handle = engine.start(channels.votes, channels.certificates, channels.fetches);
        self.running = Some(handle);
    }

    fn settings(&self, leg: &Arc<Leg>, wrapped: Wrapped<E>) -> Settings<E> {
        let watch = Watch {
            core: Arc::clone(&self.core),
            leg: Arc::clone(leg),
        };
        let reporter = Reporters::from((wrapped.clone(), watch));
        simplex::Config {
            scheme: leg.scheme(),
            elector: RoundRobin::<Sha256>::default(),
            blocker: self.oracle.clone(),
            automaton: wrapped.clone(),
            relay: wrapped.clone(),
            reporter,
            track_historical_votes: false,
            strategy: Sequential,
            partition: partition(&self.core, leg.number),
            mailbox_size: self.reserve.messages,
            epoch: Epoch::new(leg.number),
            floor: Floor::Genesis(leg.floor),
            replay_buffer: REPLAY_BUFFER,
            write_buffer: WRITE_BUFFER,
            page_cache: self.page_cache.clone(),
            leader_timeout: self.timeouts.leader,
            certification_timeout: self.timeouts.certification,
            timeout_retry: self.timeouts.retry,
            view_retention: ViewDelta::new(32),
            skip: SkipPolicy::Enabled {
                timeout: self.timeouts.inactive,
                budget: SkipBudget::Participants,
            },
            fetch_timeout: nonzero(Duration::from_secs(1)),
            fetch_retry_delay: Duration::from_millis(200),
            forward: ForwardPolicy::SilentVoters,
        }
    }

    async fn end(&mut self, leg: &Leg) {
        if let Some(running) = self.running.take() {
            running.abort();
            let _ = running.await;
            if let Err(error) = self
                .context
                .remove(&partition(&self.core, leg.number), None)
                .await
            {
                tracing::debug!(%error, leg = leg.number, "a leg's journal stays");
            }
        }
    }

    /// Asks the peers that are ahead for the end of this leg.
    fn catch_up(&self, leg: &Leg) {
        let ahead: Vec<_> = self
            .core
            .peers()
            .iter()
            .filter(|(_, peer)| peer.leg > leg.number)
            .filter_map(|(key, _)| engine_key(key).ok())
            .collect();
        fetch(&self.core, &self.marshal, u64::MAX, ahead);
    }
}

impl<E: Runtime> Muxes<E> {
    async fn open(&mut self, leg: u64) -> Option<Channels<E>> {
        Some(Channels {
            votes: self.votes.register(leg).await.ok()?,
            certificates: self.certificates.register(leg).await.ok()?,
            fetches: self.fetches.register(leg).await.ok()?,
        })
    }
}

impl<E: Runtime> Gossip<E> {
    /// Starts the tasks that send what the node has to say and take what the peers say.
    pub(crate) fn start(self, context: &E, core: &Arc<Core>, mut outbox: mpsc::Receiver<Outgoing>) {
        let (mut records_out, mut records_in) = self.records;
        let (mut notices_out, mut notices_in) = self.notices;
        context.child("outbox").spawn(move |_| async move {
            while let Some(outgoing) = outbox.recv().await {
                match outgoing {
                    Outgoing::Records(records) => {
                        for message in crate::notice::pack(&records) {
                            records_out.send(Recipients::All, IoBuf::from(message), false);
                        }
                    }
                    Outgoing::Notice(to, notice) => {
                        let to = match to {
                            Some(key) => engine_key(&key).map(Recipients::One).ok(),
                            None => Some(Recipients::All),
                        };
                        if let (Some(to), Some(bytes)) = (to, notice.encode()) {
                            notices_out.send(to, IoBuf::from(bytes), true);
                        }
                    }
                }
            }
        });
        let shared = Arc::clone(core);
        context.child("records").spawn(move |_| async move {
            while let Ok((from, message)) = records_in.recv().await {
                tend::records(&shared, ledger_key(&from), message.into());
            }
        });
        let shared = Arc::clone(core);
        context.child("notices").spawn(move |_| async move {
            while let Ok((from, message)) = notices_in.recv().await {
                let ahead = tend::notice(&shared, ledger_key(&from), message.as_ref());
                if let (Some(height), Some(marshal)) = (ahead, shared.marshal.get()) {
                    fetch(&shared, marshal, height, vec![from]);
                }
            }
        });
    }
}

/// Asks peers that are ahead for the finalization at `height`, or at the end of this leg
/// where that comes first: beyond it this node does not know the voters yet.
fn fetch(core: &Core, marshal: &Marshal, height: u64, from: Vec<ed25519::PublicKey>) {
    let Some(leg) = core.legs.current() else {
        return;
    };
    let last = (leg.number + 1).saturating_mul(core.leg_blocks) - 1;
    if let Ok(from) = NonEmptyVec::try_from(from) {
        marshal.hint_finalized(Height::new(height.min(last)), from);
    }
}

fn ledger_key(key: &ed25519::PublicKey) -> PublicKey {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(key.as_ref());
    PublicKey(bytes)
}

fn engine_public(voter: &Voter) -> ed25519::PublicKey {
    use commonware_cryptography::Signer as _;
    voter.key().public_key()
}

fn nonzero(duration: Duration) -> NonZeroDuration {
    NonZeroDuration::new_panic(duration)
}

fn partition(core: &Core, leg: u64) -> String {
    core.partition(&format!("leg-{leg}"))
}

fn leg_blocks(core: &Core) -> NonZeroU64 {
    NonZeroU64::new(core.leg_blocks).unwrap_or(NonZeroU64::MIN)
}

fn mux<E: Runtime>(
    context: &E,
    label: &'static str,
    (sender, receiver): (Sender<E>, Receiver),
) -> MuxHandle<Sender<E>> {
    let (muxer, handle) = Muxer::new(context.child(label), sender, receiver);
    muxer.start();
    handle
}

type Certificates<E> = immutable::Archive<
    E,
    BlockDigest,
    commonware_consensus::simplex::types::Finalization<Scheme, BlockDigest>,
>;
type Blocks<E> = immutable::Archive<E, BlockDigest, Arc<Block>>;
type Store<E> = Actor<
    E,
    Standard<Block>,
    crate::leg::Legs,
    Certificates<E>,
    Blocks<E>,
    FixedEpocher,
    Sequential,
>;

async fn store<E: Runtime>(
    context: &E,
    core: &Core,
    genesis: Block,
    (reserve, page_cache): (Reserve, &CacheRef),
) -> Result<(Store<E>, Marshal), Error> {
    let certificates = immutable::Archive::init(
        context.child("certificates"),
        archive(
            &core.partition("certificates"),
            (reserve, page_cache),
            Scheme::certificate_codec_config_unbounded(),
        ),
    );
    let blocks = immutable::Archive::init(
        context.child("blocks"),
        archive(&core.partition("blocks"), (reserve, page_cache), ()),
    );
    let trouble = |error: commonware_storage::archive::Error| Trouble::Storage(error.to_string());
    let certificates = certificates.await.map_err(trouble)?;
    let blocks = blocks.await.map_err(trouble)?;
    let digest = genesis.digest();
    let (actor, mailbox, _) = Actor::init(
        context.child("marshal"),
        certificates,
        blocks,
        marshal::Config {
            provider: core.legs.clone(),
            epocher: FixedEpocher::new(leg_blocks(core)),
            start: Start::Genesis(Digested::precomputed(genesis, digest)),
            partition_prefix: core.partition("marshal"),
            mailbox_size: reserve.messages,
            view_retention: ViewDelta::new(64),
            prunable_items_per_section: NZU64!(4_096),
            page_cache: page_cache.clone(),
            replay_buffer: REPLAY_BUFFER,
            key_write_buffer: WRITE_BUFFER,
            value_write_buffer: WRITE_BUFFER,
            block_codec_config: (),
            max_repair: NZUsize!(32),
            max_pending_acks: NZUsize!(16),
            strategy: Sequential,
        },
    )
    .await;
    Ok((actor, mailbox))
}

fn archive<C>(
    name: &str,
    (reserve, page_cache): (Reserve, &CacheRef),
    codec_config: C,
) -> immutable::Config<C> {
    immutable::Config {
        metadata_partition: format!("{name}-metadata"),
        freezer_table_partition: format!("{name}-table"),
        freezer_table_initial_size: reserve.table_entries,
        freezer_table_resize_frequency: 4,
        freezer_table_resize_chunk_size: 16_384,
        freezer_key_partition: format!("{name}-key"),
        freezer_key_page_cache: page_cache.clone(),
        freezer_value_partition: format!("{name}-value"),
        freezer_value_target_size: 256 * 1024 * 1024,
        freezer_value_compression: None,
        ordinal_partition: format!("{name}-ordinal"),
        items_per_section: NZU64!(65_536),
        freezer_key_write_buffer: WRITE_BUFFER,
        freezer_value_write_buffer: WRITE_BUFFER,
        ordinal_write_buffer: WRITE_BUFFER,
        replay_buffer: REPLAY_BUFFER,
        codec_config,
    }
}

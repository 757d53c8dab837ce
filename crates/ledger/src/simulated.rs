//! Whole networks on one thread under virtual time: the code that runs in production, on
//! the deterministic runtime.

use std::any::Any;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use commonware_consensus::Reporter as _;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::{
    Activity, Finalize, Notarize, Nullification, Nullify, Proposal,
};
use commonware_consensus::types::{Epoch, Round, View};
use commonware_parallel::Sequential;
use commonware_runtime::{
    Clock as _, Handle, Runner as _, Spawner as _, Supervisor as _, deterministic,
};
use commonware_utils::iter::NonEmpty;
use primitives::{Digest, InstitutionId, NetworkId, SigningKey};
use proof::{Membership, Receipt};
use tokio::sync::oneshot;

use crate::block::BlockDigest;
use crate::disk::Disk;
use crate::error::{Error, Refusal};
use crate::ledger::{Config, Ledger, start};
use crate::leg::{Legs, Voter, namespace};
use crate::limits::PARENT_FINAL_WITHIN;
use crate::members::{Member, Members};
use crate::notice::Notice;
use crate::reserve::Reserve;
use crate::rules::{BlockInfo, Refused, Rules, State};
use crate::testing::keys;
use crate::witness::{Contradiction, Evidence, Watch};

mod damage;
mod forks;
mod power;

/// What nodes allocate that start often and meet few.
const FEW: Reserve = Reserve {
    peers: NonZeroUsize::new(8).unwrap(),
    messages: NonZeroUsize::new(128).unwrap(),
    table_entries: 64,
};

#[derive(Clone)]
struct All(Members);

impl State for All {
    fn boxed_clone(&self) -> Box<dyn State> {
        Box::new(self.clone())
    }

    fn apply(&mut self, _record: &[u8], _at: BlockInfo) -> Result<(), Refused> {
        Ok(())
    }

    fn members(&self) -> Members {
        self.0.clone()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Rules for All {
    fn check(&self, records: &[Bytes]) -> Vec<Result<(), Refused>> {
        vec![Ok(()); records.len()]
    }

    fn genesis(&self) -> Box<dyn State> {
        self.boxed_clone()
    }
}

struct Node {
    ledger: Ledger,
}

struct Net {
    context: deterministic::Context,
    members: Members,
    keys: Vec<SigningKey>,
}

impl Net {
    fn new(context: deterministic::Context, count: u8) -> Self {
        let keys = keys(count);
        let member = |(n, key): (usize, &SigningKey)| Member {
            name: InstitutionId::new(format!("m{n}")).unwrap(),
            key: key.public(),
            address: SocketAddr::from(([127, 0, 0, 1], 4_000 + u16::try_from(n).unwrap())),
        };
        let members = Members::new(keys.iter().enumerate().map(member).collect()).unwrap();
        Self {
            context,
            members,
            keys,
        }
    }

    /// A node that runs until the runtime ends.
    async fn start(self: &Arc<Self>, n: usize) -> Node {
        self.start_on(&Disk::default(), n).await.0
    }

    /// A node on a disk that runs until the task is aborted.
    async fn start_on(self: &Arc<Self>, disk: &Disk, n: usize) -> (Node, Handle<()>) {
        let (sender, receiver) = oneshot::channel();
        let (net, disk) = (self.clone(), disk.clone());
        let context = self.context.child("node").with_attribute("n", n);
        // All that the node spawns ends with this task, as a process's threads end with it.
        let running = context.spawn(move |context| async move {
            let ledger = net.open_on(&disk, context, n).await.unwrap();
            let _ = sender.send(ledger);
            std::future::pending::<()>().await;
        });
        let ledger = receiver.await.unwrap();
        (Node { ledger }, running)
    }

    /// Opens a node's ledger; it ends with the task that `context` belongs to.
    async fn open(&self, context: deterministic::Context, n: usize) -> Result<Ledger, Error> {
        self.open_on(&Disk::default(), context, n).await
    }

    async fn open_on(
        &self,
        disk: &Disk,
        context: deterministic::Context,
        n: usize,
    ) -> Result<Ledger, Error> {
        let config = self.config(n);
        let rules = Arc::new(All(self.members.clone()));
        // As in simulations of whole nodes: one more runtime would be compiled anew.
        start(disk.machine(context), config, rules).await
    }

    fn config(&self, n: usize) -> Config {
        let member = self.members.as_slice()[n].clone();
        let network = NetworkId(Digest::plain(b"simulated"));
        let key = self.keys[n].clone();
        let mut config = Config::new(network, member.name, key, member.address);
        config.storage_prefix = format!("node{n}-");
        config.leg_blocks = 8;
        config.reserve = FEW;
        config
    }

    fn origin(&self) -> String {
        proof::origin(&NetworkId(Digest::plain(b"simulated")))
    }

    fn membership(&self) -> Membership {
        self.members.membership(0).unwrap()
    }

    async fn start_all(self: &Arc<Self>) -> Vec<Node> {
        let mut nodes = Vec::new();
        for n in 0..self.keys.len() {
            nodes.push(self.start(n).await);
        }
        nodes
    }
}

fn config(seed: u64) -> deterministic::Config {
    deterministic::Config::new()
        .with_seed(seed)
        .with_timeout(Some(Duration::from_secs(3_600)))
}

fn run<F, T>(seed: u64, body: impl FnOnce(deterministic::Context) -> F) -> (T, String)
where
    F: Future<Output = T>,
{
    deterministic::Runner::new(config(seed)).start(|context| async move {
        let audit = context.child("audit");
        let result = body(context).await;
        (result, audit.auditor().state())
    })
}

/// A number from the environment, as long runs are given theirs.
fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

async fn agree(context: deterministic::Context) -> Digest {
    let net = Arc::new(Net::new(context, 4));
    let nodes = net.start_all().await;
    for n in 0..20usize {
        let record = Bytes::from(format!("record {n}"));
        nodes[n % 4].ledger.submit(record).await.unwrap();
    }
    nodes[0].ledger.status().root
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let one = run(7, agree);
    assert_eq!(one, run(7, agree));
}

/// Where a leader is voted down before it would close its parent, a block that did not
/// become final by itself stays so for ever.
#[test]
fn leaders_without_time_to_close_their_parent_are_refused() {
    run(1, |context| async move {
        let net = Net::new(context, 4);
        let mut config = net.config(0);
        config.timeouts.leader = PARENT_FINAL_WITHIN;
        let disk = Disk::default().machine(net.context.child("node"));
        let rules = Arc::new(All(net.members.clone()));
        let refused = start(disk, config, rules).await.err().unwrap();
        assert_eq!(refused, Refusal::Config("timeouts.leader").into());
    });
}

#[test]
fn an_idle_network_casts_no_votes() {
    run(1, |context| async move {
        let clock = context.child("clock");
        let net = Arc::new(Net::new(context, 4));
        let nodes = net.start_all().await;
        nodes[0]
            .ledger
            .submit(Bytes::from_static(b"one"))
            .await
            .unwrap();
        clock.sleep(Duration::from_secs(10)).await;
        let before = (nodes[0].ledger.status().height, votes(&clock));
        clock.sleep(Duration::from_secs(300)).await;
        assert_eq!((nodes[0].ledger.status().height, votes(&clock)), before);
        nodes[2]
            .ledger
            .submit(Bytes::from_static(b"two"))
            .await
            .unwrap();
        assert!(votes(&clock) > before.1);
    });
}

/// Votes that any node has received so far.
fn votes(context: &deterministic::Context) -> u64 {
    use commonware_runtime::Metrics as _;
    let metrics = context.encode();
    let lines = metrics
        .lines()
        .filter(|line| line.contains("inbound_messages_total"));
    lines
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}

/// A member tells one node of another log than it tells the rest: within three blocks
/// some honest node holds the evidence, whoever was told what.
#[test]
fn who_signs_two_roots_is_found_out() {
    for told in 1..4usize {
        run(told as u64, |context| async move {
            let net = Arc::new(Net::new(context, 4));
            let nodes = net.start_all().await;
            let liar = net
                .members
                .by_key(&net.keys[0].public())
                .unwrap()
                .name
                .clone();
            for (n, node) in nodes.iter().take(3).enumerate() {
                let record = Bytes::from(format!("record {n}"));
                node.ledger.submit(record).await.unwrap();
            }
            let size = nodes[told].ledger.status().size;
            let checkpoint =
                proof::Checkpoint::new(net.origin(), size, Digest::plain(b"another")).unwrap();
            let word = proof::Cosignature::sign(&checkpoint, &liar, &net.keys[0], 9).unwrap();
            nodes[told].ledger.hear(
                &net.keys[0].public(),
                Notice::Cosigned {
                    size,
                    root: Digest::plain(b"another"),
                    cosignature: word,
                },
            );
            for (n, node) in nodes.iter().take(3).enumerate() {
                let record = Bytes::from(format!("later {n}"));
                node.ledger.submit(record).await.unwrap();
            }
            net.context.sleep(Duration::from_secs(4)).await;
            let found: Vec<_> = nodes[1..]
                .iter()
                .flat_map(|n| n.ledger.evidence())
                .collect();
            assert!(!found.is_empty(), "told {told}");
            let network = NetworkId(Digest::plain(b"simulated"));
            for evidence in found {
                assert_eq!(evidence.member, liar);
                let read = Evidence::verify(&evidence.bytes, &network, &net.members).unwrap();
                assert_eq!(read.kind, Contradiction::Checkpoint);
            }
        });
    }
}

/// Votes of the first member for a view of leg 0, and what a skipped view shows.
struct Twice {
    skip: Activity<Scheme, BlockDigest>,
    end: Activity<Scheme, BlockDigest>,
    one: Activity<Scheme, BlockDigest>,
    other: Activity<Scheme, BlockDigest>,
    skipped: Activity<Scheme, BlockDigest>,
}

fn twice(net: &Net, view: u64) -> Twice {
    let network = NetworkId(Digest::plain(b"simulated"));
    let schemes = net.keys.iter().map(|key| {
        let voter = Voter::new(namespace(&network), key).unwrap();
        let legs = Legs::new(voter, net.members.clone(), block_digest(0)).unwrap();
        legs.current().unwrap().scheme()
    });
    let schemes: Vec<Scheme> = schemes.collect();
    let round = Round::new(Epoch::new(0), View::new(view));
    let proposal = |byte| Proposal::new(round, View::new(view - 1), block_digest(byte));
    let skips = schemes.iter().map(|scheme| {
        let vote = Nullify::sign::<BlockDigest>(scheme, round);
        vote.unwrap()
    });
    let skips: Vec<Nullify<Scheme>> = skips.collect();
    // All but the first, who votes for blocks.
    let others = NonEmpty::try_new(skips[1..].iter()).unwrap();
    let skipped = Nullification::from_nullifies(&schemes[1], others, &Sequential);
    let notarize = |byte| Notarize::sign(&schemes[0], proposal(byte)).unwrap();
    Twice {
        skip: Activity::Nullify(skips[0].clone()),
        end: Activity::Finalize(Finalize::sign(&schemes[0], proposal(1)).unwrap()),
        one: Activity::Notarize(notarize(1)),
        other: Activity::Notarize(notarize(2)),
        skipped: Activity::Nullification(skipped.unwrap()),
    }
}

fn block_digest(byte: u8) -> BlockDigest {
    use commonware_cryptography::{Hasher as _, Sha256};
    Sha256::hash(&[&[byte]])
}

/// A member shows one view's two votes to two nodes, and the view is skipped: both hand
/// on what they have, and whoever hears of the other's holds the evidence, within 3 blocks.
#[test]
fn who_votes_twice_before_two_nodes_is_found_out() {
    for (kind, of_blocks) in [
        (Contradiction::Notarize, true),
        (Contradiction::NullifyFinalize, false),
    ] {
        run(5, |context| async move {
            let net = Arc::new(Net::new(context, 4));
            let nodes = net.start_all().await;
            let submit = async |n: usize, text: String| {
                nodes[n].ledger.submit(Bytes::from(text)).await.unwrap();
            };
            submit(1, "before".into()).await;
            let votes = twice(&net, 900);
            let (first, second) = if of_blocks {
                (votes.one, votes.other)
            } else {
                (votes.skip, votes.end)
            };
            let height = nodes[1].ledger.status().height;
            for (n, vote) in [(1, first), (2, second)] {
                let core = nodes[n].ledger.core.clone();
                let leg = core.legs.get(0).unwrap();
                let mut watch = Watch { core, leg };
                let _ = watch.report(vote);
                let _ = watch.report(votes.skipped.clone());
                assert!(nodes[n].ledger.evidence().is_empty(), "one vote is none");
            }
            for n in 0..3 {
                submit(n, format!("after {n}")).await;
            }
            assert!(nodes[1].ledger.status().height <= height + 3);
            let found: Vec<_> = nodes.iter().flat_map(|n| n.ledger.evidence()).collect();
            assert!(!found.is_empty(), "{kind}");
            let network = NetworkId(Digest::plain(b"simulated"));
            let liar = net.members.by_key(&net.keys[0].public()).unwrap();
            for evidence in found {
                let read = Evidence::verify(&evidence.bytes, &network, &net.members).unwrap();
                assert_eq!((&read.member, read.kind), (&liar.name, kind));
            }
        });
    }
}

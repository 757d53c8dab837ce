//! Whole networks on one thread under virtual time: the code that runs in production, on
//! the deterministic runtime.

use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use commonware_runtime::{Clock as _, Runner as _, Spawner as _, Supervisor as _, deterministic};
use primitives::{Digest, InstitutionId, NetworkId, SigningKey};
use proof::{Membership, Receipt};
use tokio::sync::oneshot;

use crate::ledger::{Config, Ledger, start};
use crate::members::{Member, Members};
use crate::notice::Notice;
use crate::rules::{BlockInfo, Refused, Rules, State};
use crate::testing::keys;
use crate::witness::{Contradiction, Evidence};

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

    async fn start(&self, n: usize) -> Node {
        let member = self.members.as_slice()[n].clone();
        let network = NetworkId(Digest::plain(b"simulated"));
        let key = self.keys[n].clone();
        let mut config = Config::new(network, member.name, key, member.address);
        config.storage_prefix = format!("node{n}-");
        config.leg_blocks = 8;
        let rules = Arc::new(All(self.members.clone()));
        let (sender, receiver) = oneshot::channel();
        let context = self.context.child("node").with_attribute("n", n);
        // All that the node spawns ends with this task, as a process's threads end with it.
        context.spawn(move |context| async move {
            let ledger = start(context, config, rules).await.unwrap();
            let _ = sender.send(ledger);
            std::future::pending::<()>().await;
        });
        Node {
            ledger: receiver.await.unwrap(),
        }
    }

    fn origin(&self) -> String {
        proof::origin(&NetworkId(Digest::plain(b"simulated")))
    }

    fn membership(&self) -> Membership {
        self.members.membership(0).unwrap()
    }

    async fn start_all(&self) -> Vec<Node> {
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

async fn agree(context: deterministic::Context) -> Digest {
    let net = Net::new(context, 4);
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

#[test]
fn an_idle_network_casts_no_votes() {
    run(1, |context| async move {
        let clock = context.child("clock");
        let net = Net::new(context, 4);
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
            let net = Net::new(context, 4);
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

/// All nodes lose power at once, again and again; what was not synced is lost.
#[test]
fn a_network_that_loses_power_keeps_what_was_acknowledged() {
    for seed in 0..3 {
        let mut acknowledged: Vec<(Receipt, Bytes)> = Vec::new();
        let mut runner = deterministic::Runner::new(config(seed));
        for round in 0..3 {
            let so_far = acknowledged.clone();
            let (more, checkpoint) = runner.start_and_recover(move |context| async move {
                let net = Net::new(context, 4);
                let nodes = net.start_all().await;
                for (receipt, record) in &so_far {
                    let known = nodes[round].ledger.record(receipt.index()).await.unwrap();
                    assert_eq!(known.record, record);
                    let (origin, members) = (net.origin(), net.membership());
                    receipt.verify(record, &origin, &members).unwrap();
                }
                let mut more = Vec::new();
                for n in 0..6 + 3 * round {
                    let record = Bytes::from(format!("{round}/{n}"));
                    let receipt = nodes[n % 4].ledger.submit(record.clone()).await.unwrap();
                    more.push((receipt, record));
                }
                // One more is on its way when the power goes.
                let ledger = nodes[0].ledger.clone();
                net.context.child("last").spawn(move |_| async move {
                    ledger.submit(Bytes::from(format!("{round}/last"))).await
                });
                net.context.sleep(Duration::from_millis(seed * 3)).await;
                more
            });
            acknowledged.extend(more);
            runner = deterministic::Runner::from(checkpoint);
        }
    }
}

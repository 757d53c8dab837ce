//! A network of ledgers on loopback, and rules that refuse some records.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::any::Any;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ledger::{BlockInfo, Config, Host, Ledger, Member, Members, Refused, Rules, State};
use primitives::{Digest, InstitutionId, NetworkId, SigningKey};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

/// Counts records; `bad…` fails the check, `once:X` is refused the second time, and
/// `members:a,b,c` asks for these members of the cast.
#[derive(Clone)]
pub(crate) struct Counter {
    pub(crate) count: u64,
    pub(crate) once: Vec<Vec<u8>>,
    pub(crate) members: Members,
    cast: Arc<Vec<Member>>,
}

impl State for Counter {
    fn boxed_clone(&self) -> Box<dyn State> {
        Box::new(self.clone())
    }

    fn apply(&mut self, record: &[u8], _at: BlockInfo) -> Result<(), Refused> {
        if record.starts_with(b"once:") {
            if self
                .once
                .iter()
                .any(|seen| seen == record.split(|b| *b == b'/').next().unwrap())
            {
                return Err(Refused::new("once", "said before"));
            }
            self.once
                .push(record.split(|b| *b == b'/').next().unwrap().to_vec());
        }
        if let Some(names) = record.strip_prefix(b"members:") {
            let names = String::from_utf8_lossy(names);
            let chosen = self
                .cast
                .iter()
                .filter(|m| names.split(',').any(|n| n == m.name.as_str()));
            self.members = Members::new(chosen.cloned().collect())
                .map_err(|error| Refused::new("members", error.to_string()))?;
        }
        self.count += 1;
        Ok(())
    }

    fn members(&self) -> Members {
        self.members.clone()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

pub(crate) struct CounterRules(Counter);

impl Rules for CounterRules {
    fn check(&self, records: &[Bytes]) -> Vec<Result<(), Refused>> {
        let check = |record: &Bytes| match record.starts_with(b"bad") {
            true => Err(Refused::new("check", "it says bad")),
            false => Ok(()),
        };
        records.iter().map(check).collect()
    }

    fn genesis(&self) -> Box<dyn State> {
        self.0.boxed_clone()
    }
}

/// The cast: everybody who may become a member, with folders and keys.
pub(crate) struct Net {
    pub(crate) cast: Vec<Member>,
    genesis: Members,
    keys: Vec<SigningKey>,
    folders: Vec<TempDir>,
    pub(crate) hosts: Vec<Option<Host>>,
    pub(crate) leg_blocks: u64,
}

#[derive(Serialize, Deserialize)]
struct Recipe {
    n: usize,
    cast: Vec<Member>,
    genesis: Members,
    seed: String,
    folder: PathBuf,
    leg_blocks: u64,
}

/// Starts the node that [`Net::recipe`] describes.
pub(crate) async fn start_from_recipe(recipe: &str) -> (Host, usize) {
    try_start(recipe).await.unwrap()
}

pub(crate) async fn try_start(recipe: &str) -> Result<(Host, usize), ledger::Error> {
    let recipe: Recipe = serde_json::from_str(recipe).unwrap();
    let mut seed = [0; 32];
    hex::decode_to_slice(&recipe.seed, &mut seed).unwrap();
    let network = NetworkId(Digest::of("test", &[b"net"]));
    let member = &recipe.cast[recipe.n];
    let key = SigningKey::from_seed(&seed);
    let mut config = Config::new(network, member.name.clone(), key, member.address);
    config.bootstrap = recipe.genesis.as_slice().to_vec();
    config.leg_blocks = recipe.leg_blocks;
    let rules = CounterRules(Counter {
        count: 0,
        once: Vec::new(),
        members: recipe.genesis,
        cast: Arc::new(recipe.cast),
    });
    let host = Host::start(&recipe.folder, config, Arc::new(rules)).await?;
    Ok((host, recipe.n))
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

impl Net {
    /// `founders` members of genesis and `others` who may join.
    pub(crate) fn new(founders: usize, others: usize) -> Self {
        let keys: Vec<_> = (0..founders + others)
            .map(|_| SigningKey::generate())
            .collect();
        let cast: Vec<_> = keys
            .iter()
            .enumerate()
            .map(|(n, key)| Member {
                name: InstitutionId::new(format!("inst{n}")).unwrap(),
                key: key.public(),
                address: free_address(),
            })
            .collect();
        Self {
            genesis: Members::new(cast[..founders].to_vec()).unwrap(),
            folders: keys.iter().map(|_| TempDir::new().unwrap()).collect(),
            hosts: keys.iter().map(|_| None).collect(),
            cast,
            keys,
            leg_blocks: ledger::limits::LEG_BLOCKS,
        }
    }

    pub(crate) async fn start(&mut self, n: usize) {
        self.hosts[n] = Some(start_from_recipe(&self.recipe(n)).await.0);
    }

    /// All that is needed to start node `n`, in this process or another.
    pub(crate) fn recipe(&self, n: usize) -> String {
        let recipe = Recipe {
            n,
            cast: self.cast.clone(),
            genesis: self.genesis.clone(),
            seed: hex::encode(self.keys[n].to_seed().as_ref()),
            folder: self.folders[n].path().to_owned(),
            leg_blocks: self.leg_blocks,
        };
        serde_json::to_string(&recipe).unwrap()
    }

    /// Where node `n` keeps its ledger.
    pub(crate) fn folder(&self, n: usize) -> &std::path::Path {
        self.folders[n].path()
    }

    pub(crate) async fn start_all(&mut self, founders: usize) {
        for n in 0..founders {
            self.start(n).await;
        }
    }

    pub(crate) fn stop(&mut self, n: usize) {
        if let Some(host) = self.hosts[n].take() {
            host.stop();
        }
    }

    pub(crate) fn ledger(&self, n: usize) -> Ledger {
        self.hosts[n].as_ref().unwrap().ledger().clone()
    }
}

/// Waits until `done` says so.
pub(crate) async fn until(what: &str, limit: Duration, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(
            began.elapsed() < limit,
            "{what} did not happen in {limit:?}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) fn record(text: impl Into<String>) -> Bytes {
    Bytes::from(text.into().into_bytes())
}

pub(crate) fn trace() {
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_test_writer()
        .try_init();
}

//! A member: its keys, its house and its machine.
//!
//! *Invariants*: all of it is drawn from the seed; its files lie in a scratch folder.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use commonware_runtime::Handle;
use docket::{Duty, Institution, OfficerId, Role, charter::Card, seal::SealSecret};
use ledger::{ClockSkew, Disk, Health, Stays};
use node::{
    Config,
    api::direct::Direct,
    config::{ConsoleConfig, Listen, Log, files},
    core::Core,
    keystore::NodeKeys,
    store::{Nonces, Store},
};
use primitives::{Digest, InstitutionId, SigningKey};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::{lock, public_port, real_port, sub};
use crate::papers::{Lost, Papers};

/// A member and its machine.
pub(crate) struct Member {
    pub(crate) id: InstitutionId,
    pub(crate) roles: Vec<Role>,
    /// Replaced where the members vote for new ones.
    keys: Mutex<NodeKeys>,
    /// The keys that it draws when these are to change.
    pub(super) next: NodeKeys,
    /// Replaced where its machine loses power, its node starts with new keys, or a backup
    /// is restored.
    store: Mutex<Option<Store>>,
    /// Where its private store lies.
    pub(crate) papers: Papers,
    /// Where its private store's nonces come from.
    nonces: Nonces,
    pub(crate) config: Config,
    /// How far its clock stands before the others'.
    pub(crate) ahead: ClockSkew,
    /// Where its ledger lies.
    pub(crate) disk: Disk,
    /// Who acts for it now, by duty.
    officers: Mutex<BTreeMap<Duty, (OfficerId, SigningKey)>>,
    pub(super) slot: Mutex<Slot>,
    /// Held by whoever starts or ends its node.
    pub(super) power: tokio::sync::Mutex<()>,
    /// Whether it has left for good.
    pub(super) gone: AtomicBool,
}

/// A machine, and how often it was started.
#[derive(Default)]
pub(super) struct Slot {
    pub(super) boot: u16,
    pub(super) running: Option<Running>,
}

/// What runs of a node.
pub(super) struct Running {
    pub(super) root: Handle<()>,
    pub(super) core: Weak<Core>,
    /// Its API, where somebody asks it.
    pub(super) api: Weak<Direct>,
}

impl Member {
    /// Its private store.
    pub(crate) fn store(&self) -> Store {
        lock(&self.store)
            .clone()
            .expect("it is open but for a moment")
    }

    /// Its node's keys.
    pub(crate) fn keys(&self) -> NodeKeys {
        lock(&self.keys).clone()
    }

    /// Who acts for it in a duty now.
    pub(super) fn officer(&self, duty: Duty) -> (OfficerId, SigningKey) {
        lock(&self.officers)[&duty].clone()
    }

    /// Duties that have an officer.
    pub(super) fn duties(&self) -> Vec<Duty> {
        lock(&self.officers).keys().copied().collect()
    }

    /// Gives a duty to another officer.
    pub(crate) fn appoint(&self, duty: Duty, officer: OfficerId, key: SigningKey) {
        lock(&self.officers).insert(duty, (officer, key));
    }

    /// Its card under the keys that come next, kept where its node looks for it.
    pub(crate) fn card_of_next(&self, n: usize) -> Card {
        let mut institution = card((n, self));
        institution.node_key = self.next.node.public();
        institution.seal_key = self.next.seal.public();
        let card = Card::sign(institution, &self.next.node).expect("a card can be encoded");
        let text = serde_json::to_vec(&card).expect("a card is JSON");
        std::fs::write(self.config.file(files::CARD_NEXT), text).expect("a scratch file");
        card
    }

    /// Its card under its first keys.
    pub(crate) fn card_of_now(&self, n: usize) -> Card {
        Card::sign(card((n, self)), &self.keys().node).expect("a card can be encoded")
    }

    /// Puts the keys that come next into office, as a node's program does when it starts
    /// again.
    pub(super) fn renew(&self) {
        let (next, now) = (files::CARD_NEXT, files::CARD);
        let moved = std::fs::rename(self.config.file(next), self.config.file(now));
        moved.expect("a scratch file");
        *lock(&self.keys) = self.next.clone();
        let mut store = lock(&self.store);
        drop(store.take());
        *store = Some(self.reopened().expect("it was closed"));
    }

    /// Opens the private store on what lies on its disk.
    fn reopened(&self) -> node::Result<Store> {
        // No node is started on a bad disk: what opening reads and writes goes well.
        let health = self.papers.set(Health::Well);
        let backend = self.papers.open()?;
        let store = Store::open_on(backend, &self.keys().store, self.nonces.clone());
        self.papers.set(health);
        store
    }

    /// Its machine has lost power: opens the private store on what stays of it; where it
    /// does not open, on nothing.
    pub(super) fn lose_papers(&self, stays: Stays, mut rng: StdRng) -> node::Result<Lost> {
        let mut store = lock(&self.store);
        self.papers.cut();
        drop(store.take());
        let lost = self.papers.lose_power(stays, &mut rng)?;
        let reopened = self.reopened();
        let found = reopened.or_else(|error| {
            std::fs::remove_file(self.config.file(files::STORE))?;
            *store = Some(self.reopened()?);
            Err(error)
        })?;
        *store = Some(found);
        Ok(lost)
    }

    fn backup(&self) -> std::path::PathBuf {
        self.config.file("store.backup")
    }

    /// Copies the private store as it stands, if there is no copy yet.
    pub(crate) fn back_up(&self) {
        if !self.backup().exists() {
            let copied = std::fs::copy(self.config.file(files::STORE), self.backup());
            copied.expect("a scratch file");
        }
    }

    /// Puts the copy in the store's place; false where there is none.
    pub(super) fn restore(&self) -> bool {
        if !self.backup().exists() {
            return false;
        }
        let mut store = lock(&self.store);
        drop(store.take());
        let path = self.config.file(files::STORE);
        std::fs::rename(self.backup(), &path).expect("a scratch file");
        *store = Some(self.reopened().expect("it was whole"));
        true
    }

    /// Sets its clock so far before the others'; behind them if negative.
    pub(crate) fn set_ahead(&self, ms: i64) {
        self.ahead.store(ms, Ordering::Relaxed);
    }
}

/// Makes a member and its house.
pub(super) fn member(
    seed: u64,
    n: usize,
    (name, roles): (&str, Vec<Role>),
    folder: &Path,
    ahead_ms: i64,
) -> Member {
    let home = folder.join(name);
    std::fs::create_dir_all(&home).expect("a scratch folder");
    let drawn = |node: &str, seal: &str| NodeKeys {
        node: SigningKey::from_seed(&sub(seed, node, n).0),
        seal: SealSecret::from_bytes(&sub(seed, seal, n).0),
        store: sub(seed, "store key", n).0.into(),
    };
    let keys = drawn("node key", "seal key");
    let papers = Papers::new(&home.join(files::STORE)).expect("a scratch file");
    let nonces = nonces(sub(seed, "nonces", n));
    let backend = papers.open().expect("a scratch file");
    let store = Store::open_on(backend, &keys.store, nonces.clone()).expect("a scratch file");
    let duties = roles.iter().flat_map(|role| match role {
        Role::Requester => vec![Duty::Investigator],
        Role::Authority => vec![Duty::Judge],
        Role::Overseer => vec![Duty::Auditor],
        Role::Custodian => vec![Duty::Approver],
    });
    let officers = duties
        .map(|duty| {
            let id = duty.name().parse().expect("a duty's name is a handle");
            (
                duty,
                (id, SigningKey::from_seed(&sub(seed, duty.name(), n).0)),
            )
        })
        .collect();
    let config = Config {
        institution: name.parse().expect("the cast's names are names"),
        listen: Listen {
            ledger: real_port(n, 0, false),
            exchange: real_port(n, 0, true),
            api: SocketAddr::from(([127, 0, 0, 1], 80)),
        },
        console: ConsoleConfig::default(),
        log: Log::default(),
        home,
    };
    Member {
        id: config.institution.clone(),
        roles,
        keys: Mutex::new(keys),
        next: drawn("next node key", "next seal key"),
        store: Mutex::new(Some(store)),
        papers,
        nonces,
        config,
        ahead: ClockSkew::new(ahead_ms.into()),
        disk: Disk::default(),
        officers: Mutex::new(officers),
        slot: Mutex::default(),
        power: tokio::sync::Mutex::default(),
        gone: AtomicBool::default(),
    }
}

/// Nonces that a seed decides, so that what is left of a torn file is the same each time.
fn nonces(seed: Digest) -> Nonces {
    let rng = Mutex::new(StdRng::from_seed(seed.0));
    Arc::new(move || {
        let mut nonce = [0; 24];
        lock(&rng).fill_bytes(&mut nonce);
        nonce
    })
}

/// A member as the charter names it.
pub(super) fn card((n, member): (usize, &Member)) -> Institution {
    Institution {
        id: member.id.clone(),
        name: member.id.to_string(),
        roles: member.roles.iter().copied().collect(),
        node_key: member.keys().node.public(),
        seal_key: member.keys().seal.public(),
        ledger_address: public_port(n, false).to_string(),
        exchange_address: public_port(n, true).to_string(),
    }
}

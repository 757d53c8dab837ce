//! A network of whole nodes on one runtime: founded, started, killed, started again.
//!
//! *Invariants*
//! - Everything that a node runs is below its root task and ends with it; what is
//!   left of a killed node is its snapshots' files, what its ledger and its private
//!   store had synced, and any bytes of what they had not.
//! - All that is drawn is drawn from the seed.
//!
//! *Not here*: who acts (`people`), what goes wrong (`weather`, `villains`), what
//! must hold (`checks`).

mod member;
mod power;
mod renewals;

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use commonware_runtime::{Clock as _, Spawner as _, Supervisor as _, deterministic::Context};
use docket::{Charter, Duty, OfficerId, Role, charter::CharterLimits};
use node::{
    Parts,
    api::direct::{Answered, Asked, Direct},
    config::files,
    core::Core,
    log::LogFilter,
    rules::LegalOrder,
};
use primitives::{Digest, NetworkId, SigningKey};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::sync::oneshot;

pub(crate) use self::member::Member;
use self::{
    member::{Running, card, member},
    renewals::Renewals,
};
use crate::{
    changes::{self, Change, Kind, NEWCOMER},
    machine::{Engine, Machine, engine, ms},
    panics,
    report::Report,
    tables::{CANARY, People},
    villains::{
        Villain,
        coordinator::Lawless,
        many,
        party::{Captured, Plot},
    },
    wires::Wires,
};

/// Longest that an officer waits for the node before trying again.
const OFFICER_PATIENCE: Duration = Duration::from_secs(40);

/// A network, its people and their data.
pub(crate) struct World {
    pub(crate) context: Context,
    pub(crate) seed: u64,
    pub(crate) charter: Charter,
    pub(crate) network: NetworkId,
    pub(crate) members: Vec<Member>,
    pub(crate) wires: Arc<Wires>,
    pub(crate) people: People,
    pub(crate) report: Report,
    pub(crate) villain: Villain,
    /// What one of the three of a joint question is about to do.
    pub(crate) plot: Option<Arc<Plot>>,
    /// Who comes, goes and changes keys meanwhile.
    pub(crate) changes: Vec<Change>,
    /// Whether some member has what it had before, and no longer what it needs.
    restored: AtomicBool,
    /// Nodes that have ended to start again with new keys, and which boot of theirs it was.
    renewals: Renewals,
    engine: Engine,
    folder: tempfile::TempDir,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A seed of the seed, for one purpose.
pub(crate) fn sub(seed: u64, purpose: &str, number: usize) -> Digest {
    let number = (number as u64).to_le_bytes();
    Digest::plain(&[&seed.to_le_bytes()[..], &number, purpose.as_bytes()].concat())
}

pub(crate) fn public_port(n: usize, exchange: bool) -> SocketAddr {
    let port = 5_000 + u16::try_from(n).unwrap_or(0) * 10 + u16::from(exchange);
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Where a boot of a node listens. The simulated network never gives a port back.
pub(crate) fn real_port(n: usize, boot: u16, exchange: bool) -> SocketAddr {
    let n = u16::try_from(n).unwrap_or(0);
    let port = 8_000 + n * 3_000 + boot * 2 + u16::from(exchange);
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// The members of a network of so many, in the order of their names.
fn cast(count: usize) -> Vec<(&'static str, Vec<Role>)> {
    let all = [
        ("police", vec![Role::Requester]),
        ("procuratorate", vec![Role::Authority, Role::Overseer]),
        ("telecom_a", vec![Role::Custodian]),
        ("bank_a", vec![Role::Custodian]),
        ("telecom_b", vec![Role::Custodian]),
        ("bank_b", vec![Role::Custodian]),
        ("bank_c", vec![Role::Custodian]),
    ];
    let mut cast: Vec<_> = all.into_iter().take(count).collect();
    cast.sort_by_key(|(name, _)| *name);
    cast
}

/// Where a member stands in a network of so many.
pub(crate) fn seat(name: &str, count: usize) -> usize {
    let found = cast(count).iter().position(|(known, _)| *known == name);
    found.expect("the cast has it")
}

/// How many members found a network.
fn size(rng: &mut StdRng) -> usize {
    if rng.random_range(0..4u8) == 0 { 7 } else { 4 }
}

/// What changes in a seed.
pub(crate) fn changes(seed: u64) -> Vec<Change> {
    let mut rng = StdRng::from_seed(sub(seed, "world", 0).0);
    changes::of(seed, Villain::of(seed), size(&mut rng))
}

impl World {
    /// Founds a network that a seed decides, and starts no node yet.
    pub(crate) async fn found(context: Context, seed: u64) -> Arc<Self> {
        let mut rng = StdRng::from_seed(sub(seed, "world", 0).0);
        let count = size(&mut rng);
        let folder = scratch();
        let skewed = rng.random_range(0..count);
        let ahead_ms = rng.random_range(0..20_000i64);
        let villain = Villain::of(seed);
        let changes = changes::of(seed, villain, count);
        let newcomer = changes.iter().any(|change| change.kind == Kind::Admit);
        let members: Vec<Member> = cast(count)
            .into_iter()
            .chain(newcomer.then(|| (NEWCOMER, vec![Role::Custodian])))
            .enumerate()
            .map(|(n, (name, roles))| {
                let ahead = if n == skewed { ahead_ms } else { 0 };
                member(seed, n, (name, roles), folder.path(), ahead)
            })
            .collect();
        let charter = Charter {
            name: "Simulated".into(),
            founded_ms: ms(context.current()),
            members: members.iter().enumerate().take(count).map(card).collect(),
            limits: CharterLimits::default(),
        };
        let text = serde_json::to_vec(&charter).expect("a charter is JSON");
        for member in &members {
            std::fs::write(member.config.file(files::CHARTER), &text).expect("a scratch file");
        }
        let kind = |prefix: &str| {
            let named = members.iter().filter(|m| m.id.as_str().starts_with(prefix));
            named.count()
        };
        let people = People::draw(&mut rng, kind("telecom"), kind("bank"));
        let of = |(n, m): (usize, &Member)| {
            [m.keys(), m.next.clone()].map(|keys| (keys.node.public(), n))
        };
        let keys = members.iter().enumerate().flat_map(of).collect();
        let wires = Wires::new(rng.random(), keys, CANARY);
        for n in 0..members.len() {
            for exchange in [false, true] {
                wires.relay(&context, public_port(n, exchange), n).await;
            }
        }
        Arc::new(Self {
            network: charter.network().expect("the charter is valid"),
            context,
            seed,
            charter,
            members,
            wires,
            people,
            report: Report::default(),
            plot: (villain == Villain::Party).then(|| Arc::new(Plot::of(seed, count))),
            villain,
            changes,
            restored: AtomicBool::new(false),
            renewals: Renewals::new(),
            engine: engine(),
            folder,
        })
    }

    /// Virtual time.
    pub(crate) fn now(&self) -> Duration {
        let began = Duration::from_millis(self.charter.founded_ms);
        Duration::from_millis(ms(self.context.current())).saturating_sub(began)
    }

    pub(crate) async fn sleep(&self, duration: Duration) {
        self.context.sleep(duration).await;
    }

    /// A member by its name.
    pub(crate) fn place(&self, name: &str) -> usize {
        let found = self.members.iter().position(|m| m.id.as_str() == name);
        found.expect("the cast has it")
    }

    /// The custodians' places.
    pub(crate) fn custodians(&self) -> Vec<usize> {
        let custodian = |n: &usize| self.members[*n].roles.contains(&Role::Custodian);
        (0..self.founders()).filter(custodian).collect()
    }

    /// How many members founded the network; who comes later stands behind them.
    pub(crate) fn founders(&self) -> usize {
        self.charter.members.len()
    }

    /// Whether a member's node runs.
    pub(crate) fn runs(&self, n: usize) -> bool {
        lock(&self.members[n].slot).running.is_some()
    }

    /// Leads a member's exchange address to another program.
    pub(crate) fn lead_exchange(&self, n: usize, to: SocketAddr) {
        self.wires.lead(public_port(n, true), Some(to));
    }

    /// A running node's parts.
    pub(crate) fn core(&self, n: usize) -> Option<Arc<Core>> {
        lock(&self.members[n].slot).running.as_ref()?.core.upgrade()
    }

    /// Starts a member's node and waits until it serves; nothing where it has left.
    pub(crate) async fn start(self: &Arc<Self>, n: usize) {
        let member = &self.members[n];
        let _power = member.power.lock().await;
        if !self.has_left(n) && !self.runs(n) {
            self.switch_on(n).await;
        }
    }

    async fn switch_on(self: &Arc<Self>, n: usize) {
        let boot = {
            let mut slot = lock(&self.members[n].slot);
            assert!(slot.running.is_none(), "it runs");
            slot.boot += 1;
            slot.boot
        };
        let (sender, receiver) = oneshot::channel();
        let world = self.clone();
        let context = self.context.child("node");
        let context = context
            .with_attribute("member", n)
            .with_attribute("boot", boot);
        let root = context.spawn(move |context| async move {
            match world.boot(&context, n, boot).await {
                Ok(joined) => {
                    let ledger = joined.core.ledger.clone();
                    let has_api = world.villain == Villain::Thief;
                    let api = || Direct::new(joined.core.clone(), world.operator_token(n));
                    let api = has_api.then(|| Arc::new(api()));
                    let weak = api.as_ref().map(Arc::downgrade).unwrap_or_default();
                    let _ = sender.send((Arc::downgrade(&joined.core), weak));
                    let error = tokio::select! {
                        biased;
                        error = ledger.stopped() => error.to_string(),
                        error = joined.core.store.failed() => error.to_string(),
                        () = joined.core.renewed.notified() => {
                            drop(api);
                            joined.drain().await;
                            world.renewals.ask(n, boot);
                            std::future::pending().await
                        }
                    };
                    if !world.members[n].papers.has_power() {
                        // It dies: whoever took its power ends it.
                    } else if world.villain == Villain::Many {
                        many::stopped(&world, &error);
                    } else if panics::borne() {
                        let text = format!("{n} ends of its disk: {error}");
                        world.report.note(world.now().as_millis(), &text);
                    } else {
                        let detail = format!("{n}: {error}");
                        world.report.broken("ledger-stopped", detail);
                    }
                    std::future::pending::<()>().await;
                }
                Err(error) => world.report.broken("start", format!("{n}: {error}")),
            }
        });
        let (core, api) = receiver.await.unwrap_or_default();
        for exchange in [false, true] {
            let to = Some(real_port(n, boot, exchange));
            self.wires.lead(public_port(n, exchange), to);
        }
        lock(&self.members[n].slot).running = Some(Running { root, core, api });
    }

    async fn boot(
        self: &Arc<Self>,
        context: &Context,
        n: usize,
        boot: u16,
    ) -> Result<node::Joined, node::Error> {
        let member = &self.members[n];
        let mut config = member.config.clone();
        config.listen.ledger = real_port(n, boot, false);
        config.listen.exchange = real_port(n, boot, true);
        let settings = node::ledger_settings(&config, &self.charter, &member.keys())?;
        let law = LegalOrder::new(self.charter.clone())?;
        let lawless = self.villain == Villain::Coordinator && n == self.place("police");
        let rules: Arc<dyn ledger::Rules> = if lawless {
            Arc::new(Lawless(law))
        } else {
            Arc::new(law)
        };
        let place = (member.id.as_str(), member.ahead.clone(), &member.disk);
        let ledger = context.child("ledger");
        let ledger = ledger::Ledger::simulate(ledger, settings, rules, place).await?;
        let seed = sub(self.seed, &format!("machine of {}", member.id), boot.into());
        let machine = context.child("host");
        let machine = Machine::host(machine, &seed, member.ahead.clone(), self.engine.clone());
        let parts = Parts {
            config,
            keys: member.keys(),
            store: member.store(),
            ledger,
            log: LogFilter::new("info", |_| Ok(())),
        };
        let before = |desk| Captured::before(self, n, desk);
        node::join_behind(context.child("net"), machine, parts, before).await
    }

    /// Starts nodes again, with new keys, that have ended for it.
    pub(crate) async fn renew(self: &Arc<Self>) {
        loop {
            let (n, boot) = self.renewals.next().await;
            let member = &self.members[n];
            let _power = member.power.lock().await;
            // Whoever was killed meanwhile begins with the old ones and comes back here.
            if self.boots(n) == boot && self.switch_off(n).await {
                member.renew();
                let text = format!("{n} has new keys");
                self.report.note(self.now().as_millis(), &text);
                self.switch_on(n).await;
            }
        }
    }

    /// Whether a member's store was set back: then a case may end without an answer.
    pub(crate) fn is_restored(&self) -> bool {
        self.restored.load(Ordering::Relaxed)
    }

    /// A case does not go on, which is broken but where a member lost what it needs.
    pub(crate) fn stuck(&self, detail: String) {
        if self.is_restored() {
            self.report
                .note(self.now().as_millis(), &format!("ended: {detail}"));
        } else {
            self.report.broken("stuck", detail);
        }
    }

    /// Who acts for a member in a duty now.
    pub(crate) fn officer(&self, n: usize, duty: Duty) -> (OfficerId, SigningKey) {
        self.members[n].officer(duty)
    }

    /// Duties that have an officer at a member.
    pub(crate) fn duties(&self, n: usize) -> Vec<Duty> {
        self.members[n].duties()
    }

    /// Has somebody do something at a node; nothing where the node is down, dies
    /// meanwhile, or takes too long.
    pub(crate) async fn at<T, F>(
        &self,
        n: usize,
        work: impl FnOnce(Arc<Core>) -> F + Send + 'static,
    ) -> Option<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let core = self.core(n)?;
        let (sender, receiver) = oneshot::channel();
        let host = core.host.clone();
        host.spawn(
            "person",
            Box::pin(async move {
                let _ = sender.send(work(core).await);
            }),
        );
        drop(host);
        tokio::select! {
            biased;
            done = receiver => done.ok(),
            () = self.context.sleep(OFFICER_PATIENCE) => None,
        }
    }

    /// The token of a member's operator.
    pub(crate) fn operator_token(&self, n: usize) -> Digest {
        sub(self.seed, "operator", n)
    }

    /// How often a member's node was started.
    pub(crate) fn boots(&self, n: usize) -> u16 {
        lock(&self.members[n].slot).boot
    }

    /// Sends a request to a node's API; nothing where the node is down, dies meanwhile,
    /// or takes too long.
    pub(crate) async fn request(&self, n: usize, asked: Asked) -> Option<Answered> {
        let api = lock(&self.members[n].slot)
            .running
            .as_ref()?
            .api
            .upgrade()?;
        let answered = self.at(n, move |_| async move { api.answer(asked).await });
        answered.await?
    }

    /// Takes a snapshot of a table as its data engine would.
    pub(crate) fn take(
        &self,
        spec: &data::DatasetSpec,
        folder: &Path,
        options: &data::TakeOptions,
    ) -> Option<()> {
        let (mut progress, cancel) = (|_| (), data::Cancel::default());
        let taking = data::Snapshot::take(spec, folder, options, &mut progress, &cancel);
        self.engine.block_on(taking).ok().map(drop)
    }

    /// The folder of a member's house.
    pub(crate) fn house(&self, n: usize) -> std::path::PathBuf {
        self.folder.path().join(self.members[n].id.as_str())
    }
}

/// A folder in memory where there is one: nothing here must outlive the process.
fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    made.expect("the machine has room for temporary files")
}

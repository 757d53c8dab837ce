//! Networks with as many villains as they withstand, in which two honest nodes must never
//! have different logs.
//!
//! Why it exists: whole nodes are dear to simulate. Here only ledgers run, so that many
//! more seeds can be tried. A seed decides the members (four, or seven in a tenth of
//! the seeds), the villains, the weather, who dies when, and every event of the runtime.
//!
//! | villain | what it does |
//! |---|---|
//! | twin | has its key in two programs; each honest node meets one of them, and now the other |
//! | withholder | hears all and is heard by some; what the others should hear may be lost |
//! | impersonator | listens where honest nodes dial each other |
//! | silent | is gone early and comes back when the others are far ahead |
//! | forgetful | comes back with an empty disk, and votes again where it has voted |
//!
//! All run the nodes' own code. Honest nodes die too, over writes that were not synced;
//! wires are slow, cut one way and both, and in halves that fit the twins' halves.
//!
//! *Invariants*, checked whenever an honest node's log grows, before it dies, when it
//! starts again, and at the end
//! - `fork`: two honest nodes never have different logs of one size.
//! - `believed`: an honest node's newest checkpoint is of the one log.
//! - `lost`: what an honest node said is final stands at its place: there whenever it
//!   starts, everywhere at the end.
//! - `accused`: evidence verifies and names villains only.
//! - `progress`: when the weather is over all honest nodes come to one log that goes on.
//! - `start`, `stopped`, `receipt`: an honest node starts on what its disk kept, its ledger
//!   does not stop, its receipts verify.
//!
//! *Not here*: villains whose messages no honest code would send, members that change,
//! clocks that are wrong. Whole nodes meet some of these in crate `sim`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use commonware_runtime::deterministic::{Context, Runner};
use commonware_runtime::{Clock as _, Handle, Runner as _, Spawner as _, Supervisor as _};
use primitives::{Digest, InstitutionId, NetworkId, SigningKey};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::{All, Bytes, Config, FEW, Ledger, Member, Members, config, keys, number, start};
use crate::disk::{Disk, Stays};
use crate::ledger::Timeouts;
use check::{Broken, Facts};
use wires::{Program, Wires, front};

mod cast;
mod check;
mod wires;

use cast::{Cast, Event, Villain};

/// Networks run with every change; a long run takes more (`CORDON_FORK_NETWORKS`, and
/// `CORDON_FORK_FIRST` for the first of them).
const NETWORKS: u64 = 200;
/// Longest between two submissions to one program.
const SUBMIT_MS_MAX: u64 = 4_000;
/// Longest until all have one log once nothing goes wrong any more but the villains.
const CALM: Duration = Duration::from_secs(60);
/// How often it is looked whether they have.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Looks between two changes of the villains' minds then.
const LOOKS: usize = 30;
/// Longest that a death waits for something to agree on.
const WORK_WITHIN: Duration = Duration::from_millis(300);
/// About how long it takes to vote for a block.
const VOTES_MS_MAX: u64 = 60;
/// Until all tasks of a killed program are gone.
const LAST_BREATH: Duration = Duration::from_millis(3);

/// What a program is at the moment.
#[derive(Default)]
struct Running {
    boots: u8,
    root: Option<Handle<()>>,
    ledger: Option<Ledger>,
}

/// One network.
struct Network {
    context: Context,
    cast: Cast,
    keys: Vec<SigningKey>,
    leg_blocks: u64,
    timeouts: Timeouts,
    wires: Arc<Wires>,
    facts: Facts,
    disks: Vec<Disk>,
    running: Vec<Mutex<Running>>,
    /// Whether nobody is given records any more.
    quiet: AtomicBool,
}

/// What came of some networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tally {
    networks: usize,
    of_seven: usize,
    villains: BTreeMap<Villain, usize>,
    deaths: usize,
    /// Records that were told to be final, and all that became so.
    told: usize,
    records: u64,
    /// Villains that honest nodes hold evidence against.
    convicted: usize,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.networks += other.networks;
        self.of_seven += other.of_seven;
        for (villain, count) in other.villains {
            *self.villains.entry(villain).or_default() += count;
        }
        self.deaths += other.deaths;
        self.told += other.told;
        self.records += other.records;
        self.convicted += other.convicted;
    }
}

fn network_id() -> NetworkId {
    NetworkId(Digest::plain(b"simulated"))
}

fn name(member: usize) -> InstitutionId {
    InstitutionId::new(format!("m{member}")).unwrap()
}

/// The members as one program reaches them.
fn members(keys: &[SigningKey], program: Program) -> Members {
    let member = |(n, key): (usize, &SigningKey)| Member {
        name: name(n),
        key: key.public(),
        address: front(program, n),
    };
    Members::new(keys.iter().enumerate().map(member).collect()).unwrap()
}

impl Network {
    fn new(context: Context, cast: Cast, rng: &mut StdRng) -> Arc<Self> {
        let keys = keys(u8::try_from(cast.members).unwrap());
        let leader = Duration::from_millis([500, 700, 1_500][rng.random_range(0..3usize)]);
        let villains: BTreeSet<_> = cast.villains.keys().map(|n| name(*n)).collect();
        let wires = Wires::new(cast.programs.clone(), StdRng::from_seed(rng.random()));
        Arc::new(Self {
            context,
            facts: Facts::new(network_id(), members(&keys, 0), villains),
            keys,
            leg_blocks: [4, 8, 32][rng.random_range(0..3usize)],
            timeouts: Timeouts {
                leader,
                certification: leader * 2,
                retry: leader * 3 / 2,
                inactive: leader * 4,
            },
            wires,
            disks: cast.programs.iter().map(|_| Disk::default()).collect(),
            running: cast.programs.iter().map(|_| Mutex::default()).collect(),
            quiet: AtomicBool::new(false),
            cast,
        })
    }

    fn running<T>(&self, program: Program, with: impl FnOnce(&mut Running) -> T) -> T {
        let running = self.running[program].lock();
        with(&mut running.unwrap_or_else(PoisonError::into_inner))
    }

    /// Starts a program.
    fn start(self: &Arc<Self>, program: Program, rng: StdRng) {
        let boot = self.running(program, |running| {
            running.boots += 1;
            running.boots
        });
        let place = u8::try_from(program).unwrap();
        // A simulated port is never free again.
        let listen = SocketAddr::from(([10, 2, place, boot], 4_000));
        let network = self.clone();
        let context = self.context.child("program");
        let context = context.with_attribute("number", program);
        // All that it spawns ends with this task, as a process's threads end with it.
        let root = context.spawn(move |context| async move {
            network.live((program, boot), listen, context, rng).await;
        });
        self.running(program, |running| running.root = Some(root));
        let listens = |sky: &mut wires::Sky| sky.listens.insert(program, listen);
        self.wires.change(listens);
    }

    async fn open(
        &self,
        (program, boot): (Program, u8),
        listen: SocketAddr,
        context: Context,
    ) -> Result<Ledger, crate::Error> {
        let member = self.cast.programs[program];
        let key = self.keys[member].clone();
        let mut config = Config::new(network_id(), name(member), key, listen);
        config.storage_prefix = match self.cast.villains.get(&member) {
            Some(Villain::Forgetful) => format!("program{program}-{boot}-"),
            _ => format!("program{program}-"),
        };
        config.leg_blocks = self.leg_blocks;
        config.timeouts = self.timeouts;
        config.reserve = FEW;
        let rules = Arc::new(All(members(&self.keys, program)));
        start(self.disks[program].machine(context), config, rules).await
    }

    /// A program's life: it opens its ledger, and is given records now and then.
    async fn live(
        self: Arc<Self>,
        (program, boot): (Program, u8),
        listen: SocketAddr,
        context: Context,
        mut rng: StdRng,
    ) {
        let tasks = context.child("tasks");
        let honest = self.cast.is_honest(program);
        let ledger = match self.open((program, boot), listen, context).await {
            Ok(ledger) => ledger,
            Err(error) if honest => {
                let detail = format!("{program} can't start: {error}");
                return self.facts.broke("start", detail);
            }
            Err(_) => return,
        };
        if honest {
            self.facts.started(program, &ledger);
        }
        self.running(program, |running| running.ledger = Some(ledger.clone()));
        let mut grown = ledger.core.grown.subscribe();
        for place in 0.. {
            let pause = Duration::from_millis(rng.random_range(0..SUBMIT_MS_MAX));
            let mut pause = std::pin::pin!(tasks.sleep(pause));
            loop {
                tokio::select! {
                    biased;
                    () = &mut pause => break,
                    changed = grown.changed() => if changed.is_err() { return },
                }
                if honest {
                    self.facts.look(program, &ledger);
                }
            }
            if self.quiet.load(Ordering::Relaxed) {
                continue;
            }
            let text = format!("{program}/{boot}/{place}/");
            let record = Bytes::from(text.repeat(rng.random_range(1..20)));
            let (network, ledger) = (self.clone(), ledger.clone());
            tasks.child("submit").spawn(move |_| async move {
                if let Ok(receipt) = ledger.submit(record.clone()).await
                    && honest
                {
                    network.facts.told(program, &receipt, &record);
                }
            });
        }
    }

    /// Waits until a program has something to agree on, and is likely to vote.
    async fn wait_for_work(&self, program: Program, rng: &mut StdRng) {
        let ledger = self.running(program, |running| running.ledger.clone());
        if let Some(ledger) = ledger {
            let mut wake = ledger.core.wake.subscribe();
            tokio::select! {
                biased;
                _ = wake.changed() => {}
                () = self.context.sleep(WORK_WITHIN) => {}
            }
            let votes = Duration::from_millis(rng.random_range(0..VOTES_MS_MAX));
            self.context.sleep(votes).await;
        }
    }

    /// Kills a program; of what it had not synced nothing stays, a beginning, or anything.
    async fn kill(&self, program: Program, rng: &mut StdRng) {
        if rng.random() {
            self.wait_for_work(program, rng).await;
        }
        let (root, ledger) = self.running(program, |running| {
            (running.root.take(), running.ledger.take())
        });
        if let Some(ledger) = ledger
            && self.cast.is_honest(program)
        {
            self.facts.look(program, &ledger);
        }
        self.wires.change(|sky| sky.listens.remove(&program));
        if let Some(root) = root {
            root.abort();
        }
        self.context.sleep(LAST_BREATH).await;
        let stays = Stays {
            of_1000: [0, 500, 900, 990, 999, 1_000][rng.random_range(0..6usize)],
            beginning: rng.random(),
        };
        let lost = self.disks[program].lose_power(&self.context, stays, rng);
        lost.await.unwrap();
    }

    /// Runs until the weather is over; gives how many programs died.
    async fn in_weather(self: &Arc<Self>, rng: &mut StdRng) -> Result<usize, Broken> {
        let (events, end_ms) = self.cast.events(rng);
        let began = self.context.current();
        let until = async |ms| {
            let at = began + Duration::from_millis(ms);
            self.context.sleep_until(at).await;
        };
        let mut deaths = 0;
        for (at_ms, event) in events {
            until(at_ms).await;
            match event {
                Event::Spell => self.wires.change(|sky| self.cast.spell(sky, true, rng)),
                Event::Dies(program) => {
                    self.kill(program, rng).await;
                    deaths += 1;
                }
                Event::Starts(program) => self.start(program, StdRng::from_seed(rng.random())),
            }
            if let Some(broken) = self.facts.broken() {
                return Err(broken);
            }
        }
        until(end_ms).await;
        Ok(deaths)
    }

    /// The ledgers of the honest; none while one of them is starting.
    fn honest(&self) -> Option<Vec<(Program, Ledger)>> {
        let ledger = |program| self.running(program, |running| running.ledger.clone());
        let honest = self.cast.honest().into_iter();
        honest
            .map(|program| Some((program, ledger(program)?)))
            .collect()
    }

    /// Whether all honest nodes have one log with all that anybody was told is final.
    fn is_one(&self) -> bool {
        let Some(honest) = self.honest() else {
            return false;
        };
        for (program, ledger) in &honest {
            self.facts.look(*program, ledger);
        }
        let sizes: BTreeSet<_> = honest.iter().map(|(_, l)| l.status().size).collect();
        let mut all = honest.iter();
        sizes.len() == 1 && all.all(|(program, ledger)| self.facts.has_all(*program, ledger))
    }

    /// Runs until all honest nodes have one log that goes on, whatever the villains do.
    async fn in_calm(self: &Arc<Self>, rng: &mut StdRng) -> Result<(), Broken> {
        self.quiet.store(true, Ordering::Relaxed);
        self.wires.change(|sky| self.cast.spell(sky, false, rng));
        let honest = self.cast.honest();
        let by = honest[rng.random_range(0..honest.len())];
        let network = self.clone();
        let last = self.context.child("last").spawn(move |context| async move {
            let record = Bytes::from_static(b"after everything");
            loop {
                let ledger = network.running(by, |running| running.ledger.clone());
                if let Some(ledger) = ledger
                    && let Ok(receipt) = ledger.submit(record.clone()).await
                {
                    return network.facts.told(by, &receipt, &record);
                }
                context.sleep(LOOK_EVERY).await;
            }
        });
        let mut last = std::pin::pin!(last);
        let began = self.context.current();
        let mut is_told = false;
        for look in 1.. {
            tokio::select! {
                biased;
                _ = &mut last, if !is_told => is_told = true,
                () = self.context.sleep(LOOK_EVERY) => {}
            }
            let is_one = self.is_one();
            if let Some(broken) = self.facts.broken() {
                return Err(broken);
            }
            if is_told && is_one {
                return Ok(());
            }
            let waited = self.context.current().duration_since(began);
            if waited.unwrap() > CALM {
                let states = self.honest().unwrap_or_default();
                let sizes: Vec<_> = states.iter().map(|(n, l)| (*n, l.status().size)).collect();
                let rule = "progress";
                let detail = format!("told: {is_told}; logs after a minute: {sizes:?}");
                return Err(Broken { rule, detail });
            }
            if self.cast.restless && look % LOOKS == 0 {
                self.wires.change(|sky| self.cast.spell(sky, false, rng));
            }
        }
        Ok(())
    }

    fn tally(&self, deaths: usize) -> Tally {
        let mut villains = BTreeMap::new();
        for villain in self.cast.villains.values() {
            *villains.entry(*villain).or_default() += 1;
        }
        let (told, records, convicted) = self.facts.counts();
        Tally {
            networks: 1,
            of_seven: usize::from(self.cast.members == 7),
            villains,
            deaths,
            told,
            records,
            convicted,
        }
    }
}

/// One network's life, and the hash of all that happened in it.
fn live(seed: u64, draw: fn(&mut StdRng) -> Cast) -> (Result<Tally, Broken>, String) {
    Runner::new(config(seed)).start(|context| async move {
        let audit = context.child("audit");
        let mut rng = StdRng::seed_from_u64(seed);
        let cast = draw(&mut rng);
        let network = Network::new(context, cast, &mut rng);
        network.wires.relay(&network.context).await;
        let lived = async {
            let deaths = network.in_weather(&mut rng).await?;
            network.in_calm(&mut rng).await?;
            Ok(network.tally(deaths))
        };
        (lived.await, audit.auditor().state())
    })
}

#[test]
fn no_two_honest_nodes_have_different_logs() {
    let first = number("CORDON_FORK_FIRST", 0);
    let mut all = Tally::default();
    for seed in first..first + number("CORDON_FORK_NETWORKS", NETWORKS) {
        let lived = std::panic::catch_unwind(|| live(seed, Cast::draw).0);
        match lived {
            Ok(Ok(lived)) => all.add(lived),
            Ok(Err(Broken { rule, detail })) => {
                panic!(
                    "the network {seed} broke `{rule}`: {detail}; {}",
                    again(seed)
                )
            }
            Err(panic) => {
                eprintln!("the network {seed} panicked; {}", again(seed));
                std::panic::resume_unwind(panic)
            }
        }
        if seed % 1_000 == 999 {
            println!("to {seed}: {all:?}");
        }
    }
    println!("{all:?}");
    assert!(all.told > 0 && all.records > 0);
    if all.networks >= 100 {
        assert!(all.of_seven > 0 && all.deaths > 0 && all.convicted > 0);
        assert_eq!(all.villains.len(), Villain::ALL.len(), "each is played");
    }
}

/// How one network is run by itself.
fn again(seed: u64) -> String {
    format!(
        "alone: CORDON_FORK_FIRST={seed} CORDON_FORK_NETWORKS=1 cargo test --package ledger --lib simulated::forks::no_two -- --nocapture"
    )
}

#[test]
fn the_same_seed_gives_the_same_network() {
    for seed in [1, 2] {
        let once = live(seed, Cast::draw);
        assert!(once.0.is_ok());
        assert_eq!(once, live(seed, Cast::draw));
    }
}

/// What is looked for is found where it is: more twins than a network withstands give
/// each half of the honest a quorum, if the weather keeps the halves apart long enough.
#[test]
fn forks_of_more_villains_than_a_network_withstands_are_found() {
    let mut forks = 0;
    // Two in five fork; of these, when they were chosen, all: three of four members, three of seven.
    for seed in [2, 5, 10, 19, 24, 27] {
        let lived = live(seed, Cast::too_many).0;
        forks += usize::from(matches!(lived, Err(Broken { rule: "fork", .. })));
        println!("{seed}: {lived:?}");
    }
    assert!(forks > 2, "{forks} forks");
}

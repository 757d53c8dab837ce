//! A whole network on one thread: every node's own code under virtual time from one
//! seed, in bad weather and among villains.
//!
//! Why it exists: what a network of institutions promises must hold in the runs that
//! nobody thought of. A seed decides the network, its tables, the weather, the
//! villains and every random byte; the same seed gives the same run, event by event.
//!
//! ```text
//! people (officers, through the API's own code)      weather, villains
//!        │                                               │
//!        ▼                                               ▼
//!   whole nodes: journey, acts, custodian, requester ◀─ wires ─▶ …
//!        │ ledger (agreement)   │ net (channels)   │ private store, data engine
//!        └─ commonware's deterministic runtime ────┘ real, in a scratch folder
//! ```
//!
//! *Invariants*
//! - Nodes run what they run in production from [`node::join_behind`] down; only host,
//!   runtime and addresses differ.
//! - Nothing of a run depends on the machine, but how long it takes.
//!
//! *Not here*: sockets of the API and the console; torn writes in snapshots' files; the
//! real clock of the channels' handshakes, which all nodes share (`docs/reliability.md`).

mod calls;
mod changes;
mod checks;
mod joint;
mod log;
mod machine;
mod money;
mod panics;
mod papers;
mod people;
mod report;
mod standing;
mod tables;
mod totals;
mod villains;
mod weather;
mod wires;
mod world;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, UNIX_EPOCH},
};

use commonware_runtime::{Runner as _, Supervisor as _, deterministic};
use docket::state::QuestionPhase;

pub use crate::report::{Outcome, Violation};
use crate::{
    money::Money,
    people::{Docket, Office},
    totals::Tables,
    villains::{Villain, thief::Thief},
    weather::{Drift, Weather},
    world::{World, sub},
};

/// Every run begins on this day: 2026-03-10.
const BEGAN: Duration = Duration::from_secs(1_773_100_800);
/// Longest that a run may take, in virtual time.
const LIMIT: Duration = Duration::from_secs(6 * 3_600);
/// The step after the last.
const OVER: &str = "over";
/// How long a usual warrant lasts.
const LIFE: Duration = Duration::from_secs(24 * 3_600);

/// Who means harm in a seed.
#[must_use]
pub fn villain(seed: u64) -> &'static str {
    Villain::of(seed).name()
}

/// Whether members, keys or officers change in a seed.
#[must_use]
pub fn changes(seed: u64) -> bool {
    !world::changes(seed).is_empty()
}

/// Whether who computes a joint question is struck in a seed.
#[must_use]
pub fn strikes(seed: u64) -> bool {
    let asked = joint::is_drawn(seed) || totals::is_drawn(seed);
    asked && weather::strikes::are_drawn(seed)
}

/// Runs a seed to its end. A panic is a violation like any other.
#[must_use]
pub fn run(seed: u64) -> Outcome {
    let settings = deterministic::Config::new()
        .with_seed(seed)
        .with_start_time(UNIX_EPOCH + BEGAN)
        .with_timeout(Some(LIMIT))
        .with_catch_panics(true);
    panics::watch();
    let (log, subscriber) = log::Log::open();
    let ran = catch_unwind(AssertUnwindSafe(|| {
        tracing::subscriber::with_default(subscriber, || {
            deterministic::Runner::new(settings).start(|context| live(context, seed))
        })
    }));
    let mut outcome = ran.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or(panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let report = report::Report::default();
        report.broken("panic", text.unwrap_or_default());
        report.close((seed, 0), "")
    });
    for detail in panics::seen() {
        let rule = "panic";
        // The run's own panic is there already.
        if !outcome.violations.iter().any(|known| known.rule == rule) {
            outcome.violations.push(Violation { rule, detail });
        }
    }
    if log.has_canary() {
        outcome.violations.push(Violation {
            rule: "canary",
            detail: "a log".into(),
        });
    }
    outcome
}

async fn live(context: deterministic::Context, seed: u64) -> Outcome {
    let audit = context.child("audit");
    let world = World::found(context, seed).await;
    let villains = world.villain.members(&world);
    // Before anybody has met a member's first program.
    if world.villain == Villain::Many {
        villains::many::start(&world, &villains).await;
    }
    let twin = match world.villain {
        Villain::Twin => villains::twin::start(&world, villains[0]).await,
        _ => None,
    };
    for n in 0..world.founders() {
        world.start(n).await;
    }
    let office = Office::new(world.clone());
    let noisy = sub(seed, "noisy", 0).0[0] < 64;
    let records = tokio::select! {
        biased;
        () = checks::watch(&world, &villains) => 0,
        () = world.renew() => 0,
        () = villains::noise::make(world.clone()), if noisy => 0,
        () = villains::twin::watch(world.clone(), villains.first().copied().unwrap_or(0)),
            if world.villain == Villain::Twin => 0,
        records = case(&office, &villains) => records,
    };
    drop(twin);
    let state = audit.auditor().state();
    let mut outcome = world.report.close((seed, world.founders()), &state);
    outcome.villain = world.villain.name();
    outcome.records = records;
    outcome.virtual_ms = u64::try_from(world.now().as_millis()).unwrap_or(u64::MAX);
    outcome
}

/// One case in the seed's weather, and what must hold after it.
async fn case(office: &Office, villains: &[usize]) -> u64 {
    let world = &office.world;
    if world.villain == Villain::Many {
        return villains::many::case(office, villains).await;
    }
    let spared = match world.villain {
        Villain::Requester | Villain::Custodian => {
            vec![world.place("police"), world.place("telecom_a")]
        }
        _ => Vec::new(),
    };
    let drift = Drift::of(world.seed, world.founders(), &spared);
    let weather = Weather::new(world.clone(), spared).blow();
    let (_, (), ()) = futures::join!(journey(office), changes::make(office), async {
        futures::join!(
            weather,
            async {
                if let Some(drift) = drift {
                    drift.begin(world).await;
                }
            },
            async {
                if world.villain == Villain::Forger {
                    villains::forger::now_and_then(world, villains[0]).await;
                }
            }
        );
        // One member in so many may stand still: a villain's, or the one with that clock.
        let mut idle = villains.to_vec();
        if let Some(drift) = drift {
            if villains.is_empty() {
                idle.push(drift.member);
            } else {
                drift.mend(world);
            }
        }
        progress(office, &idle).await;
        if world.villain == Villain::Forger {
            villains::forger::in_calm(office, villains[0]).await;
        }
        if let Some(drift) = drift.filter(|_| villains.is_empty()) {
            drift.mend(world);
        }
    });
    let records = checks::at_the_end(office, villains).await;
    if world.villain == Villain::Twin {
        villains::twin::at_the_end(world, villains[0]).await;
    }
    records
}

/// Within a minute of calm, a record that an honest node states becomes final.
async fn progress(office: &Office, villains: &[usize]) {
    let world = &office.world;
    let mut honest = (0..world.members.len()).filter(|n| !villains.contains(n));
    let Some(n) = honest.find(|n| world.runs(*n) && !office.leaves(*n)) else {
        return;
    };
    let began = world.now();
    while !office.probe(n).await {
        if world.now() - began > checks::PROGRESS_WITHIN {
            let step = world.report.now();
            let detail = format!("no record in a minute of calm, at the step {step}");
            world.report.broken("progress", detail);
            return;
        }
        world.sleep(Duration::from_millis(500)).await;
    }
    let took = world.now() - began;
    let text = format!("a record in calm weather after {} ms", took.as_millis());
    world.report.note(world.now().as_millis(), &text);
}

async fn journey(office: &Office) -> Option<()> {
    let done = steps(office).await;
    if done.is_none() {
        let step = office.world.report.now();
        let detail = format!("the case went no further than {step}");
        office.world.stuck(detail);
    }
    office.world.report.step(OVER);
    done
}

async fn steps(office: &Office) -> Option<()> {
    let world = &office.world;
    let villain = world.villain;
    office.enrol().await?;
    office.publish().await?;
    if villain == Villain::Party {
        return villains::party::case(office).await;
    }
    if let Some(rule) = &office.standing {
        rule.set(office).await?;
    }
    // In half of them they come first, so that the weather falls into them.
    let early = sub(world.seed, "early", 0).0[0] < 128;
    if villain == Villain::Nobody && early {
        honest_cases(office).await?;
    }
    let (mut other, mut played) = (None, Vec::new());
    if villain == Villain::Custodian {
        played = villains::custodian::another_case(office).await?;
    }
    if villain == Villain::Latecomer {
        villains::latecomer::expired(office).await?;
    }
    if villain == Villain::Requester {
        let subjects = vec![world.people.bystander()];
        other = Some(office.another_case(subjects).await?);
    }
    let mut thief = match villain {
        Villain::Thief => Some(Thief::lurk(office).await?),
        _ => None,
    };
    let subjects = world.people.selectors();
    let warrant = office.warrant("the case", subjects, LIFE).await?;
    let docket = office.ask(warrant).await?;
    if let Some(thief) = &mut thief {
        office.delivered(docket, world.place("bank_a")).await?;
        thief.before_approval(docket).await;
    }
    let mut unlawful = Vec::new();
    if villain == Villain::Coordinator {
        unlawful = villains::coordinator::propose(office, docket).await;
    }
    if matches!(villain, Villain::Requester | Villain::Custodian) {
        held_up(office, docket, (other, played)).await?;
    }
    approve(office, docket).await?;
    let phase = office.ended(docket).await?;
    let silent = villains::custodian::is_silent(world.seed);
    if villain == Villain::Custodian && !silent {
        return Some(());
    }
    if phase != QuestionPhase::Completed {
        world.stuck("the run was aborted".into());
        return None;
    }
    if let Some(thief) = &thief {
        thief.before_opening(docket).await;
    }
    office.open(docket).await?;
    let bundle = office.bundle(docket).await?;
    checks::bundle(office, &bundle, villain == Villain::Custodian);
    if villain == Villain::Nobody && !early {
        honest_cases(office).await?;
    }
    if villain == Villain::Latecomer {
        villains::latecomer::revoked(office).await?;
    }
    if villain == Villain::Requester {
        villains::replay::another_answer(office, docket).await?;
    }
    if let Some(thief) = &thief {
        thief.after_opening(docket).await;
        thief.afterwards().await;
        thief.enrols().await?;
    }
    villains::coordinator::check(office, &unlawful);
    Some(())
}

/// Has the custodians approve, by hand or by a standing rule.
async fn approve(office: &Office, docket: Docket) -> Option<()> {
    let Some(rule) = &office.standing else {
        return office.approve(docket, &[]).await;
    };
    rule.watch(office, docket).await?;
    let (approved, withdrawn) = futures::join!(office.approve(docket, &[]), rule.race(office));
    withdrawn?;
    rule.note(office, docket);
    approved
}

/// What else an honest network is asked in some seeds.
async fn honest_cases(office: &Office) -> Option<()> {
    let world = &office.world;
    let (hops, joint) = (calls::are_asked(world), joint::is_asked(world));
    let (money, shares) = (money::is_asked(world), totals::is_asked(world));
    let (mut calls, mut telecoms) = (Vec::new(), Vec::new());
    if hops || joint || shares {
        (calls, telecoms) = calls::publish(office).await?;
    }
    if hops {
        calls::case(office, &calls, &telecoms).await?;
    }
    if !joint && !money && !shares {
        return Some(());
    }
    let drawn = Money::draw(world);
    let banks = drawn.publish(office).await?;
    if joint {
        let (telecom, bank) = (*telecoms.first()?, *banks.first()?);
        joint::case(office, (&calls, telecom), (&drawn.transfers, bank)).await?;
    }
    if shares {
        let tables = Tables {
            calls: &calls,
            telecoms: &telecoms,
            transfers: &drawn.transfers,
            banks: &banks,
        };
        totals::case(office, &tables).await?;
    }
    if money {
        drawn.case(office, &banks).await?;
    }
    Some(())
}

/// The run waits for the police's node, which is down, while a villain has its way.
async fn held_up(
    office: &Office,
    docket: Docket,
    (other, played): (Option<Docket>, Vec<Vec<u8>>),
) -> Option<()> {
    let world = &office.world;
    let (police, last) = (world.place("police"), world.place("bank_a"));
    office.approve(docket, &[last]).await?;
    office.delivered(docket, last).await?;
    if world.villain == Villain::Requester {
        villains::requester::early(office, docket, last).await;
    }
    world.kill(police).await;
    office.approve(docket, &[]).await?;
    office.bound(docket, world.place("telecom_a")).await?;
    if world.villain == Villain::Custodian {
        return villains::custodian::answer(office, docket, played).await;
    }
    villains::requester::running(office, docket, other).await;
    world.start(police).await;
    Some(())
}

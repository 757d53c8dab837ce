//! One key in two programs: a validator that votes twice, each time for what its own
//! side of the network shows it; one honest node meets now the one, now the other.
//!
//! Both are honest code; together they equivocate. One sees some of the honest nodes,
//! the other the rest, who all see each other. Up to f such members there must be no
//! fork; where their contradictions meet at an honest node they become evidence
//! against that member, and against nobody else.

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use commonware_runtime::{
    Clock as _, Handle, Spawner as _, Supervisor as _, deterministic::Context,
};
use docket::Statement;
use ledger::{BlockInfo, Ledger, Member, Members, Refused, Starting};
use node::{core::Core, rules::LegalOrder};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::people::statement;
use crate::world::{World, public_port, real_port, sub};

/// The boot whose ports are the twin's.
pub(super) const BOOT: u16 = 1_400;

/// The address by which the twin, and nobody else, reaches a member.
pub(super) fn back_door(n: usize) -> SocketAddr {
    let n = u16::try_from(n).unwrap_or(0);
    SocketAddr::from(([127, 0, 0, 1], 6_000 + n))
}

/// The legal order of a network whose members stand behind the twin's back doors.
struct BackDoors(LegalOrder, Members);

impl ledger::Rules for BackDoors {
    fn check(&self, records: &[Bytes]) -> Vec<Result<(), Refused>> {
        ledger::Rules::check(&self.0, records)
    }

    fn genesis(&self) -> Box<dyn ledger::State> {
        Box::new(Behind(ledger::Rules::genesis(&self.0), self.1.clone()))
    }
}

struct Behind(Box<dyn ledger::State>, Members);

impl ledger::State for Behind {
    fn boxed_clone(&self) -> Box<dyn ledger::State> {
        Box::new(Self(self.0.boxed_clone(), self.1.clone()))
    }

    fn apply(&mut self, record: &[u8], at: BlockInfo) -> Result<(), Refused> {
        self.0.apply(record, at)
    }

    fn members(&self) -> Members {
        self.1.clone()
    }

    fn as_any(&self) -> &dyn Any {
        self.0.as_any()
    }
}

/// Starts the second program of a member; the honest are split between the two.
pub(crate) async fn start(world: &Arc<World>, villain: usize) -> Option<Handle<()>> {
    let honest: Vec<usize> = (0..world.members.len()).filter(|n| *n != villain).collect();
    let (theirs, ours) = honest.split_at(honest.len() / 2 + 1);
    let listen = real_port(villain, BOOT, false);
    // The twin's side reaches the twin alone, and is reached by it alone.
    let front = public_port(villain, false);
    world.wires.lead_twin(front, listen, ours.to_vec());
    for n in ours {
        let front = public_port(*n, false);
        world.wires.bar(front, villain);
        world.wires.alias(back_door(*n), front);
        world.wires.relay(&world.context, back_door(*n), *n).await;
    }
    // One of the first program's side meets now the one, now the other.
    let both = *theirs.last()?;
    wires_to_both(world, villain, both).await;
    let world = world.clone();
    let context = world.context.child("twin");
    Some(context.spawn(move |context| async move {
        let Some(starting) = second(&world, context, villain) else {
            return;
        };
        let Ok(ledger) = starting.await else { return };
        let mut finals = ledger.follow(0);
        while let Some(known) = finals.recv().await {
            let text = format!("the twin has record {}", known.index);
            world.report.note(world.now().as_millis(), &text);
            world
                .report
                .attempt("twin", "follows the log", "record by record");
        }
    }))
}

/// The second program of a member: it reaches the others by their back doors.
pub(super) fn second(world: &World, context: Context, villain: usize) -> Option<Starting> {
    let cards = world.charter.members.iter().enumerate();
    let members = cards.map(|(n, card)| Member {
        name: card.id.clone(),
        key: card.node_key,
        address: back_door(n),
    });
    let members = Members::new(members.collect()).ok()?;
    let law = LegalOrder::new(world.charter.clone()).ok()?;
    let rules = Arc::new(BackDoors(law, members));
    let member = &world.members[villain];
    let mut config = member.config.clone();
    config.listen.ledger = real_port(villain, BOOT, false);
    let mut settings = node::ledger_settings(&config, &world.charter, &member.keys()).ok()?;
    settings.bootstrap = Vec::new();
    let name = format!("twin-{}", member.id);
    let disk = ledger::Disk::default();
    let place = (name.as_str(), ledger::ClockSkew::default(), &disk);
    Some(Ledger::simulate(context, settings, rules, place))
}

/// Lets a member reach, and be reached by, now the one program, now the other.
async fn wires_to_both(world: &Arc<World>, villain: usize, both: usize) {
    let front = public_port(both, false);
    world.wires.alias(back_door(both), front);
    let wires = world.wires.clone();
    wires.relay(&world.context, back_door(both), both).await;
    let mut rng = StdRng::from_seed(sub(world.seed, "twin", 0).0);
    let context = world.context.child("between");
    context.spawn(move |context| async move {
        loop {
            let pause = Duration::from_millis(rng.random_range(300..4_000));
            context.sleep(pause).await;
            wires.toggle((public_port(villain, false), villain), both);
        }
    });
}

/// How often the honest nodes' votes and evidence are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// In calm weather, how long two votes that honest nodes hold may stay unnoticed.
const NOTICED_WITHIN: Duration = Duration::from_secs(20);
/// Blocks within which two votes should be evidence.
const BLOCKS: u64 = 3;

fn honest(world: &World, villain: usize) -> Vec<Arc<Core>> {
    let honest = (0..world.members.len()).filter(|n| *n != villain);
    honest.filter_map(|n| world.core(n)).collect()
}

/// Whether the honest nodes, all together, hold two votes of a member that nobody honest
/// casts both of.
fn voted_twice(world: &World, villain: usize) -> bool {
    let key = world.members[villain].keys().node.public();
    let cores = honest(world, villain);
    let votes = cores.iter().flat_map(|core| core.ledger.votes());
    let theirs: BTreeSet<_> = votes.filter(|vote| vote.voter == key).collect();
    let mut blocks: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    let mut skipped = BTreeSet::new();
    let mut ended = BTreeSet::new();
    for vote in theirs {
        match vote.kind {
            "nullify" => {
                skipped.insert(vote.view);
            }
            kind => {
                let place = (vote.view, kind);
                blocks.entry(place).or_default().insert(vote.block);
                if kind == "finalize" {
                    ended.insert(vote.view);
                }
            }
        }
    }
    blocks.values().any(|named| named.len() > 1) || !skipped.is_disjoint(&ended)
}

fn convicted(world: &World, villain: usize) -> bool {
    let member = &world.members[villain].id;
    honest(world, villain).iter().any(|core| {
        let held = core.ledger.evidence();
        // What a node holds in memory goes with it; what it stated does not.
        let index = core.read_index();
        let mut stated = index.all().iter().map(statement);
        held.iter().any(|evidence| evidence.member == *member)
            || stated.any(|said| {
                matches!(said, Statement::EquivocationWitnessed { member: of, .. } if of == member)
            })
    })
}

/// Sees when votes on both sides meet, and counts the blocks until they are evidence.
pub(crate) async fn watch(world: Arc<World>, villain: usize) {
    let height = |world: &World| {
        let cores = honest(world, villain);
        let heights = cores.iter().map(|core| core.ledger.status().height);
        heights.max().unwrap_or_default()
    };
    while !voted_twice(&world, villain) {
        world.sleep(LOOK_EVERY).await;
    }
    let (began, from) = (height(&world), world.now());
    while !convicted(&world, villain) {
        world.sleep(LOOK_EVERY).await;
    }
    let (blocks, took) = (height(&world) - began, world.now() - from);
    let became = if blocks <= BLOCKS {
        "evidence within 3 blocks"
    } else {
        "evidence after more than 3 blocks"
    };
    world.report.attempt("twin", "votes on both sides", became);
    let text = format!(
        "twin: evidence after {blocks} blocks, {} ms",
        took.as_millis()
    );
    world.report.note(world.now().as_millis(), &text);
    std::future::pending().await
}

/// Whatever honest nodes hold of a member's votes in calm weather becomes evidence if it
/// is any.
pub(crate) async fn at_the_end(world: &World, villain: usize) {
    if !voted_twice(world, villain) {
        if !convicted(world, villain) {
            let what = "votes on both sides";
            world.report.attempt("twin", what, "no contradiction met");
        }
        return;
    }
    let began = world.now();
    while !convicted(world, villain) {
        if world.now() - began > NOTICED_WITHIN {
            let detail = "two votes that honest nodes hold are no evidence".to_owned();
            world.report.broken("unnoticed", detail);
            return;
        }
        world.sleep(LOOK_EVERY).await;
    }
}

//! One key in two programs: a validator that votes twice, each time for what its own
//! side of the network shows it; one honest node meets now the one, now the other.
//!
//! Both are honest code; together they equivocate. One sees some of the honest nodes,
//! the other the rest, who all see each other. Up to f such members there must be no
//! fork; where their contradictions meet at an honest node they become evidence
//! against that member, and against nobody else.

use std::{any::Any, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use commonware_runtime::{
    Clock as _, Handle, Spawner as _, Supervisor as _, deterministic::Context,
};
use ledger::{BlockInfo, Ledger, Member, Members, Refused, Starting};
use node::rules::LegalOrder;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

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
    let mut settings = node::ledger_settings(&config, &world.charter, &member.keys).ok()?;
    settings.bootstrap = Vec::new();
    let name = format!("twin-{}", member.id);
    let place = (name.as_str(), ledger::ClockSkew::default());
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

/// Counts the honest nodes that hold evidence against the member in the end.
pub(crate) fn count(world: &World, villain: usize) {
    let honest = (0..world.members.len()).filter(|n| *n != villain);
    let cores = honest.filter_map(|n| world.core(n));
    let member = &world.members[villain].id;
    let holders = cores.filter(|core| {
        let evidence = core.ledger.evidence();
        evidence.iter().any(|found| found.member == *member)
    });
    let became = match holders.count() {
        0 => "no contradiction met",
        _ => "evidence at an honest node",
    };
    world.report.attempt("twin", "votes on both sides", became);
}

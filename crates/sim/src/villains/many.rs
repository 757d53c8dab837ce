//! More twins than a network withstands: f + 1 members, each in two programs, and the
//! honest nodes in two halves that cannot talk.
//!
//! Each half has a quorum with the villains and makes a log of its own. Nothing keeps
//! them from it; but once two honest nodes can talk again, every honest node must hold
//! evidence against a villain, and none against anybody else.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use commonware_runtime::{Spawner as _, Supervisor as _};
use ledger::{Evidence, Member, Members};
use node::{config::files, core::Core};
use primitives::Digest;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::twin;
use crate::{
    checks,
    people::Office,
    world::{World, public_port, real_port, sub},
};

const ME: &str = "more than f";
/// Longest that a fork may go unnoticed once the halves can talk.
const NOTICED_WITHIN: Duration = Duration::from_secs(60);
/// How long a node gets to write down what it found.
const WRITTEN_WITHIN: Duration = Duration::from_secs(5);
/// Attempts at a record of one half.
const TRIES_MAX: usize = 200;
const AGAIN: Duration = Duration::from_millis(500);

/// The honest, in halves.
fn halves(world: &World, villains: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let all = 0..world.members.len();
    let honest: Vec<usize> = all.filter(|n| !villains.contains(n)).collect();
    let (left, right) = honest.split_at(honest.len() / 2);
    (left.to_vec(), right.to_vec())
}

/// Starts the villains' second programs, before the first. The left half meets the first
/// of each, the right half the second, and the second programs each other.
pub(crate) async fn start(world: &Arc<World>, villains: &[usize]) {
    let (left, right) = halves(world, villains);
    for n in villains {
        let second = real_port(*n, twin::BOOT, false);
        let front = public_port(*n, false);
        world.wires.lead_twin(front, second, right.clone());
        world.wires.lead(twin::back_door(*n), Some(second));
        for honest in &right {
            world.wires.bar(public_port(*honest, false), *n);
        }
    }
    for honest in &right {
        let front = public_port(*honest, false);
        world.wires.alias(twin::back_door(*honest), front);
    }
    for n in right.iter().chain(villains) {
        let door = twin::back_door(*n);
        world.wires.relay(&world.context, door, *n).await;
    }
    let pairs = left
        .iter()
        .flat_map(|a| right.iter().map(move |b| (*a, *b)));
    let cut: Vec<_> = pairs.flat_map(|(a, b)| [(a, b), (b, a)]).collect();
    world.wires.change(|sky| sky.cut.extend(cut));
    for n in villains.iter().copied() {
        let (world, context) = (world.clone(), world.context.child("second"));
        context
            .with_attribute("member", n)
            .spawn(move |context| async move {
                let Some(starting) = twin::second(&world, context, n) else {
                    return;
                };
                match starting.await {
                    // It votes for as long as its task lives.
                    Ok(ledger) => drop(ledger.stopped().await),
                    Err(error) => world.report.broken("start", format!("twin {n}: {error}")),
                }
            });
    }
}

/// Records in both halves, then the halves meet; the number of records of one.
pub(crate) async fn case(office: &Office, villains: &[usize]) -> u64 {
    let world = &office.world;
    let (left, right) = halves(world, villains);
    let mut rng = StdRng::from_seed(sub(world.seed, ME, 0).0);
    let (here, there) = (rng.random_range(1..6), rng.random_range(1..6));
    world.report.step("apart");
    futures::join!(state(office, left[0], here), state(office, right[0], there));
    let forked = logs_differ(world, left[0], right[0]);
    world.report.step("together");
    world.wires.change(|sky| sky.cut.clear());
    let met = world.now();
    let mut goes_on = rng.random::<bool>();
    let honest: Vec<usize> = left.iter().chain(&right).copied().collect();
    let noticed = loop {
        if honest.iter().all(|n| holds_evidence(world, *n, villains)) {
            break true;
        }
        if world.now() - met > NOTICED_WITHIN {
            break false;
        }
        if std::mem::take(&mut goes_on) {
            futures::join!(state(office, left[0], 1), state(office, right[0], 1));
        }
        world.sleep(AGAIN).await;
    };
    world.sleep(WRITTEN_WITHIN).await;
    let became = match (forked, noticed) {
        (true, true) => "forked, and noticed by every honest node",
        (true, false) => "forked, not noticed",
        (false, _) => "did not fork",
    };
    world.report.attempt(ME, "two halves", became);
    let took = (world.now() - met - WRITTEN_WITHIN).as_millis();
    let text = format!("{became} after {took} ms");
    world.report.note(world.now().as_millis(), &text);
    if forked && !noticed {
        let without = honest
            .iter()
            .filter(|n| !holds_evidence(world, **n, villains));
        let names: Vec<_> = without.map(|n| world.members[*n].id.as_str()).collect();
        let detail = format!("two logs for a minute, and no evidence at {names:?}");
        world.report.broken("unnoticed", detail);
    }
    let cores: Vec<Arc<Core>> = honest.iter().filter_map(|n| world.core(*n)).collect();
    let kept = honest.iter().filter(|n| keeps_evidence(world, **n));
    let (kept, of) = (kept.count(), honest.len());
    world
        .report
        .note(world.now().as_millis(), &format!("kept by {kept} of {of}"));
    if forked && kept == 0 {
        let detail = "no honest node keeps evidence in its folder";
        world.report.broken("unnoticed", detail.into());
    }
    for core in &cores {
        checks::accused(world, &records(core), std::slice::from_ref(core), villains);
    }
    cores.first().map_or(0, |core| records(core).len() as u64)
}

/// Has a half make so many records final.
async fn state(office: &Office, n: usize, count: usize) {
    for _ in 0..count {
        for _ in 0..TRIES_MAX {
            if office.probe(n).await {
                break;
            }
            office.world.sleep(AGAIN).await;
        }
    }
}

fn records(core: &Core) -> Vec<(u64, Arc<docket::Record>)> {
    let index = core.read_index();
    let all = index.all().iter();
    all.map(|known| (known.time_ms, known.record.clone()))
        .collect()
}

/// Whether two nodes have different records at one place.
fn logs_differ(world: &World, one: usize, other: usize) -> bool {
    let digests = |n: usize| -> Vec<Digest> {
        let core = world.core(n);
        let records = core.map(|core| records(&core)).unwrap_or_default();
        records.iter().map(|(_, record)| record.digest).collect()
    };
    let (one, other) = (digests(one), digests(other));
    one.iter().zip(&other).any(|(a, b)| a != b)
}

/// What became of a ledger that met the other log.
pub(crate) fn stopped(world: &World, error: &str) {
    let outcome = if error.contains("last final block") {
        "the ledger stops"
    } else {
        world.report.broken("ledger-stopped", error.to_owned());
        "the ledger stops for another reason"
    };
    world.report.attempt(ME, "meets the other log", outcome);
}

/// Whether a node's folder has evidence that verifies by the charter alone.
fn keeps_evidence(world: &World, n: usize) -> bool {
    let folder = world.members[n].config.file(files::EVIDENCE);
    let members = world.charter.members.iter().map(|card| Member {
        name: card.id.clone(),
        key: card.node_key,
        address: public_port(0, false),
    });
    let Ok(members) = Members::new(members.collect()) else {
        return false;
    };
    let Ok(mut files) = std::fs::read_dir(folder) else {
        return false;
    };
    files.any(|file| {
        let bytes = file.and_then(|file| std::fs::read(file.path()));
        bytes.is_ok_and(|bytes| Evidence::verify(&bytes, &world.network, &members).is_ok())
    })
}

fn holds_evidence(world: &World, n: usize, villains: &[usize]) -> bool {
    let names: BTreeSet<_> = villains.iter().map(|n| &world.members[*n].id).collect();
    let Some(core) = world.core(n) else {
        return false;
    };
    let evidence = core.ledger.evidence();
    evidence.iter().any(|found| names.contains(&found.member))
}

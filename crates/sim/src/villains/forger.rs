//! A validator that shows the overseer another history than it signs with the others:
//! its own word over another root, a checkpoint under its own word alone, and one under
//! the words that the others gave for the true root.
//!
//! The overseer's node must believe none of it, and the word must become evidence.

use std::{sync::Arc, time::Duration};

use primitives::Digest;
use proof::{Checkpoint, Cosignature, SignedCheckpoint};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    people::Office,
    world::{World, sub},
};

const ME: &str = "forger";
/// Lies while the weather lasts.
const LIES: usize = 12;
/// Longest that a lie in calm weather may go unnoticed.
const NOTICED_WITHIN: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_millis(500);

/// Lies as soon as a record is final here, before the overseer can have the words of a
/// quorum; now and then at any other moment.
pub(crate) async fn now_and_then(world: &Arc<World>, villain: usize) {
    let mut rng = StdRng::from_seed(sub(world.seed, ME, 0).0);
    for _ in 0..LIES {
        let pause = Duration::from_millis(rng.random_range(500..15_000));
        let finals = world.core(villain).map(|core| {
            let size = core.ledger.status().size;
            core.ledger.follow(size)
        });
        let Some(mut finals) = finals else {
            world.sleep(pause).await;
            continue;
        };
        tokio::select! {
            biased;
            _ = finals.recv() => {}
            () = world.sleep(pause) => {}
        }
        lie(world, villain, Digest(rng.random()));
    }
}

/// Tells the overseer another root than it signed with the others; whether it could.
fn lie(world: &World, villain: usize, root: Digest) -> bool {
    let me = &world.members[villain];
    let overseer = &world.members[world.place("procuratorate")];
    let Some(core) = world.core(villain) else {
        return false;
    };
    let status = core.ledger.status();
    if status.size == 0 {
        return false;
    }
    let origin = proof::origin(&world.network);
    let checkpoint = Checkpoint::new(origin, status.size, root);
    let Ok(checkpoint) = checkpoint.as_ref() else {
        return false;
    };
    let time_s = core.now_ms() / 1_000;
    let word = Cosignature::sign(checkpoint, &me.id, &me.keys().node, time_s);
    let Ok(word) = word.as_ref() else {
        return false;
    };
    let to = overseer.keys().node.public();
    core.ledger.lie(to, (status.size, root), word.clone());
    world
        .report
        .attempt(ME, "signs another root", "told the overseer");
    let others = core.ledger.checkpoint();
    let others = others.map(|signed| signed.cosignatures().to_vec());
    let others = others.into_iter().flatten();
    let others = others.filter(|other| other.cosigner() != &me.id);
    let pages = [
        ("a checkpoint under its word alone", vec![word.clone()]),
        (
            "a checkpoint under words for another root",
            others.chain([word.clone()]).collect(),
        ),
    ];
    for (what, words) in pages {
        if let Ok(signed) = SignedCheckpoint::new(status.epoch, checkpoint.clone(), words) {
            core.ledger.pretend(to, signed);
            world.report.attempt(ME, what, "told the overseer");
        }
    }
    true
}

/// Lies once more in calm weather: it must become evidence.
pub(crate) async fn in_calm(office: &Office, villain: usize) {
    let world = &office.world;
    let mut rng = StdRng::from_seed(sub(world.seed, ME, 1).0);
    while !office.probe(world.place("procuratorate")).await {
        world.sleep(AGAIN).await;
    }
    let began = world.now();
    let root = Digest(rng.random());
    while !is_found_out(world, villain) {
        if world.now() - began > NOTICED_WITHIN {
            let detail = "another root was signed, and no honest node holds evidence";
            world.report.broken("unnoticed", detail.into());
            return;
        }
        lie(world, villain, root);
        world.sleep(AGAIN).await;
    }
    let member = "evidence at an honest node";
    world.report.attempt(ME, "signs two roots", member);
}

fn is_found_out(world: &World, villain: usize) -> bool {
    let honest = (0..world.members.len()).filter(|n| *n != villain);
    let mut cores = honest.filter_map(|n| world.core(n));
    let member = &world.members[villain].id;
    cores.any(|core| {
        let evidence = core.ledger.evidence();
        evidence.iter().any(|found| found.member == *member)
    })
}

//! An investigator whose time is over: asks under an expired warrant, looks up under
//! it with the node's own key, and opens an answer after the revocation.

use std::{sync::Arc, time::Duration};

use docket::{Duty, state::QuestionPhase};
use node::{
    api::types::Act,
    exchange::{Call, Lookup},
};

use super::{Attempt, Hand, Mute, judge};
use crate::people::{Office, identify};

const ME: &str = "latecomer";
/// How long the short warrant lasts.
const SHORT: Duration = Duration::from_secs(300);

/// How far behind a custodian's clock stands.
const SLOW_MS: i64 = 5 * 3_600_000;

fn attempt<T>(done: Result<T, String>) -> Option<Attempt<T>> {
    match done {
        Ok(done) => Some(Attempt::Done(done)),
        Err(rule) if TROUBLE.contains(&rule.as_str()) => None,
        Err(rule) => Some(Attempt::Refused(rule)),
    }
}

/// What is nobody's word, but the weather's.
const TROUBLE: [&str; 6] = [
    "no-answer",
    "ledger-stalled",
    "ledger-stopped",
    "ledger-full",
    "body-missing",
    "starting",
];

/// Has an act tried until some rule answers it.
pub(crate) async fn insist(office: &Office, n: usize, act: &Act) -> Option<Attempt<()>> {
    for _ in 0..super::TRIES_MAX {
        let done = office.act(n, Duty::Investigator, act.clone()).await;
        if let Some(answer) = attempt(done.map(|_| ())) {
            return Some(answer);
        }
        office.world.sleep(super::AGAIN).await;
    }
    None
}

/// A case of its own, under a warrant that lasts five minutes.
pub(crate) async fn expired(office: &Office) -> Option<()> {
    let world = &office.world;
    let police = world.place("police");
    let subjects = world.people.selectors();
    let warrant = office.warrant("a short case", subjects, SHORT).await?;
    let docket = office.ask(warrant).await;
    world.sleep(SHORT + Duration::from_secs(30)).await;
    let ask = identify(warrant);
    let tried = insist(office, police, &ask).await;
    judge(
        world,
        (ME, "asks under an expired warrant"),
        tried,
        &["expired"],
    );
    let docket = docket?;
    // Afterwards the ledger has a record that is later than the warrant's end.
    while !office.probe(police).await {
        world.sleep(super::AGAIN).await;
    }
    let hand = Hand::new(world, police, 10, Arc::new(Mute)).await;
    let call = Call::Lookup(Lookup {
        question: docket.question,
        step: 0,
        snapshot: docket.question,
        part: 0,
        request: vec![0],
    });
    let tried = hand.call(world.place("telecom_a"), &call).await;
    let what = "looks up under an expired warrant";
    judge(world, (ME, what), tried, &["expired"]);
    let telecom = world.place("telecom_a");
    caught_up(office, police, telecom).await;
    world.members[telecom].set_ahead(-SLOW_MS);
    let tried = hand.call(telecom, &call).await;
    let what = "looks up where the clock stands hours behind";
    judge(world, (ME, what), tried, &["expired"]);
    world.members[telecom].set_ahead(0);
    hand.net.stop(Duration::ZERO).await;
    Some(())
}

/// Waits until a node has the records that another has.
async fn caught_up(office: &Office, with: usize, n: usize) {
    let taken = |n: usize| {
        let core = office.world.core(n)?;
        let taken = core.read_index().all().len();
        Some(taken)
    };
    for _ in 0..super::TRIES_MAX {
        if taken(n).is_some() && taken(n) >= taken(with) {
            return;
        }
        office.world.sleep(super::AGAIN).await;
    }
}

/// A case whose run completes, and whose warrant is revoked before it is opened.
pub(crate) async fn revoked(office: &Office) -> Option<()> {
    let world = &office.world;
    let police = world.place("police");
    let life = Duration::from_secs(24 * 3_600);
    let subjects = world.people.selectors();
    let warrant = office.warrant("a case that ends", subjects, life).await?;
    let docket = office.ask(warrant).await?;
    office.approve(docket, &[]).await?;
    let phase = office.ended(docket).await?;
    office.revoke(warrant).await?;
    let seen = |state: &docket::State| {
        let phase = state.warrant(&warrant)?.phase;
        (phase == docket::state::WarrantPhase::Revoked).then_some(())
    };
    let wait = async || Ok(());
    office.persist(police, "revoke", seen, wait).await?;
    if phase == QuestionPhase::Completed {
        let open = Act::OpenAnswer {
            question: docket.question.to_string(),
        };
        let tried = insist(office, police, &open).await;
        judge(
            world,
            (ME, "opens after the revocation"),
            tried,
            &["revoked"],
        );
    }
    Some(())
}

//! A captured requester: it holds the police's key and private store, and asks the
//! custodians by a program of its own.
//!
//! It wants one subject more than the warrant names, the subjects of another case,
//! rows before everybody has approved, and bodies that are sealed to others. Every
//! custodian must refuse by name, and the honest case must still end as it should.

use std::sync::Arc;

use docket::Statement;
use node::exchange::Call;
use rand::{SeedableRng as _, rngs::StdRng};

use super::{Attempt, Hand, Mute, judge};
use crate::{
    people::{Docket, Office, question},
    world::sub,
};

const ME: &str = "captured requester";

/// Before the last custodian has approved: the coordinator says that all have.
pub(crate) async fn early(office: &Office, docket: Docket, last: usize) {
    let world = &office.world;
    let police = world.place("police");
    let hand = Hand::new(world, police, 0, Arc::new(Mute)).await;
    let first = world.place("telecom_a");
    if first == last {
        return;
    }
    let bound = hand.bound(docket, first, 0);
    if let (Some(bound), Some(targets)) = (bound, hand.subjects(docket)) {
        let tried = hand.lookup(first, (docket, 0), bound, targets).await;
        let allowed = ["approval-missing"];
        judge(world, (ME, "looks up before all approved"), tried, &allowed);
    }
    hand.net.stop(std::time::Duration::ZERO).await;
}

/// While the question runs and the police's own node is down.
pub(crate) async fn running(office: &Office, docket: Docket, other: Option<Docket>) {
    let world = &office.world;
    let police = world.place("police");
    let first = world.place("telecom_a");
    let hand = Hand::new(world, police, 1, Arc::new(Mute)).await;
    let mut rng = StdRng::from_seed(sub(world.seed, "captured requester", 0).0);
    let bystander = hand.typed_in(&world.people.bystander(), &mut rng);
    let bound = hand.bound(docket, first, 0);
    if let (Some(bound), Some(mut targets), Some(bystander)) =
        (bound, hand.subjects(docket), bystander)
    {
        targets.push(bystander);
        let tried = hand
            .lookup(first, (docket, 0), bound.clone(), targets)
            .await;
        let allowed = ["protocol-selectornotpermitted"];
        judge(world, (ME, "adds a subject"), tried, &allowed);
        if let Some(theirs) = other.and_then(|other| hand.subjects(other)) {
            let tried = hand.lookup(first, (docket, 0), bound.clone(), theirs).await;
            judge(
                world,
                (ME, "brings another case's subjects"),
                tried,
                &allowed,
            );
        }
        another_member(office, docket, bound).await;
    }
    hand.net.stop(std::time::Duration::ZERO).await;
}

/// Another member asks with what the requester gave it, and for what is not sealed to it.
async fn another_member(
    office: &Office,
    docket: Docket,
    bound: (mpc::lookup::Context, primitives::Digest),
) {
    let world = &office.world;
    let (first, bank) = (world.place("telecom_a"), world.place("bank_a"));
    let police = Hand::new(world, world.place("police"), 2, Arc::new(Mute)).await;
    let targets = police.subjects(docket).unwrap_or_default();
    police.net.stop(std::time::Duration::ZERO).await;
    let hand = Hand::new(world, bank, 3, Arc::new(Mute)).await;
    let tried = hand.lookup(first, (docket, 0), bound, targets).await;
    let what = "another member asks with the requester's blinds";
    judge(world, (ME, what), tried, &["separation-of-duties"]);
    let asked = office.state(first).and_then(|state| {
        question(&state, docket)?;
        let core = world.core(first)?;
        let record = core.record(&docket.question).ok()?.record;
        match &record.header.statement {
            Statement::QuestionAsked(asked) => Some(asked.warrant),
            _ => None,
        }
    });
    if let Some(warrant) = asked {
        let call = Call::Body {
            record: warrant,
            label: "subjects".into(),
        };
        let tried: Option<Attempt<_>> = hand.call(world.place("procuratorate"), &call).await;
        judge(
            world,
            (ME, "another member asks for the subjects"),
            tried,
            &["parts"],
        );
    }
    hand.net.stop(std::time::Duration::ZERO).await;
}

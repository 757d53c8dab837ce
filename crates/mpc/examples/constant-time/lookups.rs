//! One lookup, both roles: the custodian's keys and the authority's blinds are secret.
//!
//! *Not here*: the selectors' own bytes. Their bucket is asked for openly, and each
//! side keeps its own in maps and sorted lists (`lookup.rs` tells it).

use std::sync::Arc;

use mpc::{
    PlanKey, TableKey,
    lookup::{
        Context, Label, Permit, Prepared, Scope,
        custodian::{Pull, Run, Session as Answering},
        requester::{Session as Asking, Target},
    },
    oprf,
};
use primitives::{Digest, InstitutionId, NetworkId, SigningKey};

use crate::mark::{Secrets, sent};

fn input(number: u8) -> Vec<u8> {
    format!("phone:+43123{number:04}").into_bytes()
}

/// A scope that stands for any.
pub(crate) fn scope() -> Scope {
    let digest = Digest::plain(b"constant time");
    Scope {
        network: NetworkId(digest),
        warrant: digest,
        plan: digest,
        run: digest,
    }
}

pub(crate) fn lookup() {
    let mut rng = Secrets::new(5);
    let custodian = InstitutionId::new("telecom_a").unwrap();
    let (table_key, plan_key) = (TableKey::draw(&mut rng), PlanKey::draw(&mut rng));
    let prepared = Prepared::prepare(&table_key, [7; 32], 4, (0..12).map(input), None).unwrap();
    let signer = SigningKey::from_seed(&[9; 32]);
    let run = Run::open(
        scope(),
        custodian.clone(),
        &table_key,
        &plan_key,
        signer.clone(),
    );
    let context = Context {
        scope: scope(),
        step: 0,
        part: 0,
        requester: InstitutionId::new("police").unwrap(),
        custodian,
        snapshot: Digest::plain(b"snapshot"),
        table: prepared.params(),
        plan_key: plan_key.commitment(&table_key),
        rooted: true,
    };
    let targets: Vec<Target> = [3, 200]
        .map(|number| {
            let (blind, element) = oprf::blind(&input(number), &mut rng).unwrap();
            Target::seed(input(number), blind, &element).unwrap()
        })
        .into();
    let permit = Permit {
        seeds: targets.iter().map(Target::element).collect(),
        selectors_max: 10,
        buckets_max: 10,
        ..Permit::default()
    };
    let asking = Asking::new(context.clone(), signer.public());
    let (request, mut receiver) = asking.ask(targets).unwrap();
    let session = Answering::new(context, Arc::new(run), Arc::new(prepared)).unwrap();
    let mut answer = session.admit(&sent(request), &permit, &mut rng).unwrap();
    loop {
        match answer.pull().unwrap() {
            Pull::Labels(inputs) => {
                let labels: Vec<Label> = inputs.iter().map(label).collect();
                answer.supply(&labels).unwrap();
            }
            Pull::Frame(frame) => drop(receiver.on_frame(sent(frame)).unwrap()),
            Pull::Done(_) => break,
        }
    }
    let opened = receiver.finish().unwrap();
    let found = opened
        .outcomes
        .iter()
        .map(|outcome| outcome.found.is_some());
    assert!(found.eq([true, false]));
}

fn label(input: impl AsRef<[u8]>) -> Label {
    Label {
        rows: vec![input.as_ref().to_vec()],
        derived: Vec::new(),
    }
}

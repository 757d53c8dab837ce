//! A custodian that takes part by the book until it answers: under another key than
//! the one that it committed to, or with bytes that are no answer.
//!
//! The requester's node must end the run with the custodian's own bytes as evidence,
//! and blame nobody else.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use docket::state::QuestionPhase;
use mpc::{
    PlanKey, TableKey,
    lookup::{
        Context, Permit, Prepared,
        custodian::{Pull, Run, Session},
    },
};
use net::{Replies, ServeError, ServeFuture, Service};
use node::{
    config::files,
    exchange::{Call, Lookup},
    store::Shelf,
};
use primitives::{Digest, PublicKey};
use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};

use super::Hand;
use crate::{
    people::{Docket, Office, question},
    world::{World, lock, sub},
};

const ME: &str = "custodian";

/// How it answers.
#[derive(Clone, Copy, Debug)]
enum Answer {
    AnotherKey,
    Garbage,
}

struct Liar {
    world: Arc<World>,
    answer: Answer,
    rng: Mutex<StdRng>,
    /// What a lookup is bound to, as the custodian would have it.
    bound: (Context, Digest),
    order: docket::body::Order,
}

impl Service for Liar {
    fn serve(&self, _: PublicKey, request: Bytes, mut replies: Replies) -> ServeFuture<'_> {
        Box::pin(async move {
            let Ok(Call::Lookup(lookup)) = Call::decode(&request) else {
                return Err(ServeError::trouble("busy", Some(Duration::from_secs(1))));
            };
            let what = match self.answer {
                Answer::AnotherKey => "answers under another key",
                Answer::Garbage => "answers with garbage",
            };
            self.world.report.attempt(ME, what, "answered");
            for frame in self.frames(lookup).unwrap_or_default() {
                replies.send(frame).await?;
            }
            Ok(())
        })
    }
}

/// A custodian's place on disk for a snapshot, as its node keeps it.
#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    folder: String,
    keys: Vec<(String, Digest)>,
}

impl Liar {
    fn frames(&self, lookup: Lookup) -> Option<Vec<Vec<u8>>> {
        let mut rng = lock(&self.rng);
        if let Answer::Garbage = self.answer {
            let mut garbage = vec![0; rng.random_range(1..5_000)];
            rng.fill_bytes(&mut garbage);
            return Some(vec![garbage]);
        }
        let me = self.world.place("telecom_a");
        let member = &self.world.members[me];
        let (honest, snapshot) = &self.bound;
        let kept: Kept = member.store.get(Shelf::Snapshots, &snapshot.0).ok()??;
        let folder = member.config.file(files::SNAPSHOTS).join(kept.folder);
        // The template's first step is over phones.
        let (key, secret) = kept.keys.iter().find(|(key, _)| key == "phone")?;
        let table_key = TableKey::from_bytes(&secret.0).ok()?;
        let prepared = Prepared::open(&folder.join(format!("prepared_{key}.oprf"))).ok()?;
        let other = PlanKey::draw(&mut *rng);
        let context = Context {
            plan_key: other.commitment(&table_key),
            ..honest.clone()
        };
        let node_key = member.keys.node.clone();
        let run = Run::open(
            context.scope,
            member.id.clone(),
            &table_key,
            &other,
            node_key,
        );
        // The request says under which key it was made; it is made to say another.
        let mut request = lookup.request;
        request
            .get_mut(2..34)?
            .copy_from_slice(context.digest().as_bytes());
        let permit = Permit {
            seeds: self.order.blinded.iter().map(|b| b.point.0).collect(),
            selectors_max: 100,
            buckets_max: 100,
            ..Permit::default()
        };
        let session = Session::new(context, Arc::new(run), Arc::new(prepared)).ok()?;
        let mut answer = session.admit(&request, &permit, &mut *rng).ok()?;
        let mut frames = Vec::new();
        loop {
            match answer.pull().ok()? {
                Pull::Frame(frame) => frames.push(frame),
                Pull::Labels(inputs) => {
                    let none: Vec<_> = inputs.iter().map(|_| Default::default()).collect();
                    answer.supply(&none).ok()?;
                }
                Pull::Done(_) => return Some(frames),
            }
        }
    }
}

/// Takes the custodian's place once all inputs are bound, and gives it back when the
/// run has ended: with the custodian blamed.
pub(crate) async fn answer(office: &Office, docket: Docket) -> Option<()> {
    let world = &office.world;
    let (me, police) = (world.place("telecom_a"), world.place("police"));
    let mut rng = StdRng::from_seed(sub(world.seed, ME, 0).0);
    let answer = if rng.random() {
        Answer::AnotherKey
    } else {
        Answer::Garbage
    };
    let hand = Hand::new(world, me, 20, Arc::new(super::Mute)).await;
    let core = world.core(me)?;
    let record = core.record(&docket.question).ok()?.record;
    let docket::Statement::QuestionAsked(asked) = &record.header.statement else {
        return None;
    };
    let order = core.body_of(&asked.warrant).ok()?;
    drop(core);
    let bound = hand.bound(docket, me, 0)?;
    hand.net.stop(Duration::ZERO).await;
    world.kill(me).await;
    let liar = Liar {
        world: world.clone(),
        answer,
        rng: Mutex::new(rng),
        bound,
        order,
    };
    let hand = Hand::new(world, me, 21, Arc::new(liar)).await;
    world.lead_exchange(me, hand.address());
    world.start(police).await;
    let phase = office.ended(docket).await?;
    hand.net.stop(Duration::ZERO).await;
    world.start(me).await;
    let blamed = office.state(police).and_then(|state| {
        question(&state, docket)?;
        let core = world.core(police)?;
        let index = core.read_index();
        let blames = |known: &&node::core::Indexed| match &known.record.header.statement {
            docket::Statement::RunAborted { blamed, .. } => {
                blamed.as_ref() == Some(&world.members[me].id)
            }
            _ => false,
        };
        index.all().iter().find(blames).map(|_| ())
    });
    if phase != QuestionPhase::Aborted || blamed.is_none() {
        let detail = format!("{answer:?}: {phase:?}, and telecom_a is not blamed");
        world.report.broken("accused", detail);
    }
    Some(())
}

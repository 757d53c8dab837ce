//! A custodian that takes part by the book until it answers: under another key than
//! the one that it committed to, with the answer of another run, with what it answered in
//! another lawful case, from another snapshot, with half of its rows, or with bytes that
//! are no answer.
//!
//! The requester's node must end the run with the custodian's own bytes as evidence,
//! and blame nobody else. Rows left out it can't see; then the answer must be a part of
//! what the tables say, under the custodian's own signature.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use docket::{state::QuestionPhase, statement::KeyCommitment};
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
    AnotherRun,
    /// Byte by byte what it answered in another case.
    AnotherCase,
    Garbage,
    AnotherSnapshot,
    /// By its own node, from files that it wrote anew.
    HalfTheRows,
}

impl Answer {
    fn of(seed: u64) -> Self {
        // Drawn apart, so that other seeds keep theirs.
        let mut rng = StdRng::from_seed(sub(seed, ME, 3).0);
        if rng.random_range(0..5u8) == 0 {
            return Self::AnotherCase;
        }
        let mut rng = StdRng::from_seed(sub(seed, ME, 1).0);
        match rng.random_range(0..5u8) {
            0 => Self::AnotherKey,
            1 => Self::AnotherRun,
            2 => Self::Garbage,
            3 => Self::AnotherSnapshot,
            _ => Self::HalfTheRows,
        }
    }

    fn what(self) -> &'static str {
        match self {
            Self::AnotherKey => "answers under another key",
            Self::AnotherRun => "answers as in another run",
            Self::AnotherCase => "plays back its answer to another case",
            Self::Garbage => "answers with garbage",
            Self::AnotherSnapshot => "answers from another snapshot",
            Self::HalfTheRows => "answers with half of its rows",
        }
    }
}

/// Whether a seed's custodian leaves out rows, and so can't be found out.
pub(crate) fn is_silent(seed: u64) -> bool {
    matches!(Answer::of(seed), Answer::HalfTheRows)
}

struct Liar {
    world: Arc<World>,
    answer: Answer,
    rng: Mutex<StdRng>,
    /// What a lookup is bound to, as the custodian would have it.
    bound: (Context, Digest),
    order: docket::body::Order,
    /// What it answered in another case.
    played: Vec<Vec<u8>>,
}

impl Service for Liar {
    fn serve(&self, _: PublicKey, request: Bytes, mut replies: Replies) -> ServeFuture<'_> {
        Box::pin(async move {
            let Ok(Call::Lookup(lookup)) = Call::decode(&request) else {
                return Err(ServeError::trouble("busy", Some(Duration::from_secs(1))));
            };
            let what = self.answer.what();
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

/// The secrets of a question's keys, as a custodian's node keeps them.
#[derive(serde::Deserialize)]
struct PlanSecrets {
    factors: Vec<(KeyCommitment, Digest)>,
}

/// The key that the custodian committed to for a question's first step.
fn committed(world: &World, question: &Digest, snapshot: &Digest) -> Option<PlanKey> {
    let store = world.members[world.place("telecom_a")].store();
    let kept: PlanSecrets = store.get(Shelf::PlanKeys, &question.0).ok()??;
    let mut factors = kept.factors.iter();
    let (_, secret) = factors.find(|(key, _)| key.snapshot == *snapshot && key.step == 0)?;
    PlanKey::from_bytes(&secret.0).ok()
}

/// What the custodian's own tables say, by the protocol's own code.
struct Reading {
    context: Context,
    snapshot: Digest,
    table_key: TableKey,
    prepared: Prepared,
}

impl Reading {
    fn open(world: &World, (context, snapshot): (Context, Digest)) -> Option<Self> {
        let member = &world.members[world.place("telecom_a")];
        let kept: Kept = member.store().get(Shelf::Snapshots, &snapshot.0).ok()??;
        let folder = member.config.file(files::SNAPSHOTS).join(kept.folder);
        // The template's first step is over phones.
        let (key, secret) = kept.keys.iter().find(|(key, _)| key == "phone")?;
        Some(Self {
            context,
            snapshot,
            table_key: TableKey::from_bytes(&secret.0).ok()?,
            prepared: Prepared::open(&folder.join(format!("prepared_{key}.oprf"))).ok()?,
        })
    }

    /// The frames that answer a request under a plan's key.
    fn answer(
        self,
        world: &World,
        plan_key: &PlanKey,
        request: &[u8],
        order: &docket::body::Order,
        rng: &mut StdRng,
    ) -> Option<Vec<Vec<u8>>> {
        let member = &world.members[world.place("telecom_a")];
        let run = Run::open(
            self.context.scope,
            member.id.clone(),
            &self.table_key,
            plan_key,
            member.keys().node.clone(),
        );
        let permit = Permit {
            seeds: order.blinded.iter().map(|b| b.point.0).collect(),
            selectors_max: 100,
            buckets_max: 100,
            ..Permit::default()
        };
        let session = Session::new(self.context, Arc::new(run), Arc::new(self.prepared)).ok()?;
        let mut answer = session.admit(request, &permit, rng).ok()?;
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

impl Liar {
    fn frames(&self, lookup: Lookup) -> Option<Vec<Vec<u8>>> {
        let mut rng = lock(&self.rng);
        if let Answer::Garbage = self.answer {
            let mut garbage = vec![0; rng.random_range(1..5_000)];
            rng.fill_bytes(&mut garbage);
            return Some(vec![garbage]);
        }
        if let Answer::AnotherCase = self.answer {
            return Some(self.played.clone());
        }
        let mut reading = Reading::open(&self.world, self.bound.clone())?;
        let committed = committed(&self.world, &lookup.question, &reading.snapshot);
        let plan_key = match self.answer {
            Answer::AnotherRun => {
                reading.context.scope.run = Digest::plain(b"another run");
                committed?
            }
            Answer::AnotherSnapshot => committed?,
            _ => PlanKey::draw(&mut *rng),
        };
        reading.context.plan_key = plan_key.commitment(&reading.table_key);
        // The request says in which run and under which key it was made; it is made to say
        // another.
        let mut request = lookup.request;
        request
            .get_mut(2..34)?
            .copy_from_slice(reading.context.digest().as_bytes());
        reading.answer(&self.world, &plan_key, &request, &self.order, &mut rng)
    }
}

/// Writes the custodian's files anew: from half of the table's rows, and with another
/// secret for each lookup key if `keys` is set.
fn rewrite(world: &World, me: usize, snapshot: &Digest, keys: bool) -> Option<()> {
    let member = &world.members[me];
    let mut kept: Kept = member.store().get(Shelf::Snapshots, &snapshot.0).ok()??;
    let parent = member.config.file(files::SNAPSHOTS);
    let (folder, other) = (parent.join(&kept.folder), parent.join("other"));
    let taken = data::Snapshot::open(&folder).ok()?;
    let data::Source::Csv { path } = &taken.spec().source else {
        return None;
    };
    let text = std::fs::read_to_string(path).ok()?;
    let half = text.lines().enumerate().filter(|(n, _)| n % 2 == 0);
    let half: Vec<&str> = half.map(|(_, line)| line).collect();
    std::fs::write(path, half.join("\n") + "\n").ok()?;
    let options = data::TakeOptions::new(taken.report().salt.0, taken.report().extracted_at_ms);
    world.take(taken.spec(), &other, &options)?;
    let mut rng = StdRng::from_seed(sub(world.seed, ME, 2).0);
    for (name, secret) in &mut kept.keys {
        let file = format!("prepared_{name}.oprf");
        if !keys {
            std::fs::copy(folder.join(&file), other.join(&file)).ok()?;
            continue;
        }
        let key = TableKey::draw(&mut rng);
        let inputs = taken.inputs(name).ok()?;
        let inputs: Vec<Vec<u8>> = inputs.filter_map(|entry| Some(entry.ok()?.1)).collect();
        let salt = taken.report().salt.0;
        let anonymity = world.charter.limits.bucket_keys_min;
        let prepared = Prepared::prepare(&key, salt, anonymity, inputs, None).ok()?;
        prepared.save(&other.join(&file)).ok()?;
        *secret = Digest(*key.to_bytes());
    }
    std::fs::remove_dir_all(&folder).ok()?;
    std::fs::rename(&other, &folder).ok()?;
    member
        .store()
        .put(Shelf::Snapshots, &snapshot.0, &kept)
        .ok()
}

/// The order of a question's warrant, as the custodian was shown it.
fn order_of(world: &World, docket: Docket) -> Option<docket::body::Order> {
    let core = world.core(world.place("telecom_a"))?;
    core.body_of(&docket.warrant_record(&core)?).ok()
}

/// Another lawful case, in which the custodian answers by the book; gives the bytes of
/// that answer, where they are to be played back.
pub(crate) async fn another_case(office: &Office) -> Option<Vec<Vec<u8>>> {
    let world = &office.world;
    let Answer::AnotherCase = Answer::of(world.seed) else {
        return Some(Vec::new());
    };
    let (me, police) = (world.place("telecom_a"), world.place("police"));
    let last = world.place("bank_a");
    let subjects = world.people.selectors().into_iter().take(1).collect();
    let other = office.another_case(subjects).await?;
    office.approve(other, &[last]).await?;
    office.delivered(other, last).await?;
    world.kill(police).await;
    office.approve(other, &[]).await?;
    office.bound(other, me).await?;
    let played = recorded(office, other).await;
    world.start(police).await;
    office.ended(other).await?;
    if played.is_none() {
        world.stuck("the other case's answer was not recorded".into());
    }
    played
}

/// What the custodian's node answers in a case: the requester's own request, the key that
/// was committed to, the table as it is.
async fn recorded(office: &Office, other: Docket) -> Option<Vec<Vec<u8>>> {
    let world = &office.world;
    let (me, police) = (world.place("telecom_a"), world.place("police"));
    let custodian = Hand::new(world, me, 22, Arc::new(super::Mute)).await;
    let bound = custodian.bound(other, me, 0);
    custodian.net.stop(Duration::ZERO).await;
    let requester = Hand::new(world, police, 23, Arc::new(super::Mute)).await;
    let targets = requester.subjects(other);
    requester.net.stop(Duration::ZERO).await;
    let (bound, targets) = (bound?, targets?);
    let key = world.members[me].keys().node.public();
    let asking = mpc::lookup::requester::Session::new(bound.0.clone(), key);
    let (request, _) = asking.ask(targets).ok()?;
    let plan_key = committed(world, &other.question, &bound.1)?;
    let order = order_of(world, other)?;
    let mut rng = StdRng::from_seed(sub(world.seed, ME, 4).0);
    Reading::open(world, bound)?.answer(world, &plan_key, &request, &order, &mut rng)
}

/// Takes the custodian's place once all inputs are bound, and gives it back when the
/// run has ended: with the custodian blamed, unless it left out rows.
pub(crate) async fn answer(office: &Office, docket: Docket, played: Vec<Vec<u8>>) -> Option<()> {
    let world = &office.world;
    let (me, police) = (world.place("telecom_a"), world.place("police"));
    let answer = Answer::of(world.seed);
    let hand = Hand::new(world, me, 20, Arc::new(super::Mute)).await;
    let order = order_of(world, docket)?;
    let bound = hand.bound(docket, me, 0)?;
    hand.net.stop(Duration::ZERO).await;
    world.kill(me).await;
    let rewritten = match answer {
        Answer::AnotherSnapshot => rewrite(world, me, &bound.1, true),
        Answer::HalfTheRows => rewrite(world, me, &bound.1, false),
        _ => Some(()),
    };
    if rewritten.is_none() {
        let detail = "the custodian's files could not be written anew".to_owned();
        world.stuck(detail);
    }
    if let Answer::HalfTheRows = answer {
        world.start(me).await;
        world.start(police).await;
    } else {
        let liar = Liar {
            world: world.clone(),
            answer,
            rng: Mutex::new(StdRng::from_seed(sub(world.seed, ME, 0).0)),
            bound,
            order,
            played,
        };
        let hand = Hand::new(world, me, 21, Arc::new(liar)).await;
        world.lead_exchange(me, hand.address());
        world.start(police).await;
        office.ended(docket).await?;
        hand.net.stop(Duration::ZERO).await;
        world.start(me).await;
    }
    let phase = office.ended(docket).await?;
    if is_silent(world.seed) {
        return (phase == QuestionPhase::Completed).then_some(());
    }
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

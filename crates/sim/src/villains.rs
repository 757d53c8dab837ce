//! The cast: who means harm in a run, and what each wants.
//!
//! | villain | wants |
//! |---|---|
//! | [`requester`] | a captured requester: one subject more, another case's, before all approved |
//! | [`replay`] | the same with its investigator: another case's answer for this one's |
//! | [`latecomer`] | an investigator with an expired or a revoked warrant |
//! | [`coordinator`] | a requester's validator that proposes approvals and ends of runs nobody made |
//! | [`custodian`] | a custodian that answers under another key, or with garbage |
//! | [`twin`] | one key in two programs: votes and checkpoints on both sides |
//! | [`many`] | more twins than a network withstands: two logs |
//! | [`forger`] | a validator that shows the overseer another history |
//! | [`party`] | one of the three of a joint question: other frames, counts, parts, shares, lists |
//! | [`thief`] | whoever holds an officer's session or an operator's token, and no key |
//! | [`noise`] | somebody on the wire: garbage, silence, floods, half-open connections |
//!
//! *Invariants*: an attempt that an honest node answers as if it were lawful is a
//! violation; one that is refused is counted with the rule that refused it.

pub(crate) mod coordinator;
pub(crate) mod custodian;
pub(crate) mod forger;
pub(crate) mod latecomer;
pub(crate) mod many;
pub(crate) mod noise;
pub(crate) mod party;
pub(crate) mod replay;
pub(crate) mod requester;
pub(crate) mod thief;
pub(crate) mod twin;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use commonware_runtime::{Supervisor as _, deterministic::Context};
use docket::{
    Opened, Plan, Record, State, Statement,
    body::{Body, Subjects},
};
use mpc::{
    Blind,
    lookup::requester::{Opened as Found, Session, Target},
};
use net::{Directory, Net, Replies, ServeError, ServeFuture, Service};
use node::{
    core::Core,
    exchange::{Call, Lookup},
    store::Shelf,
};
use primitives::{Digest, PublicKey};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    people::Docket,
    world::{World, sub},
};

/// Longest that a villain waits for an answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// Attempts at one thing, in weather that lets nothing through.
const TRIES_MAX: usize = 200;
/// Pause between them.
const AGAIN: Duration = Duration::from_secs(2);

/// Who means harm in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Villain {
    /// Everybody is honest.
    Nobody,
    /// [`requester`].
    Requester,
    /// [`latecomer`].
    Latecomer,
    /// [`coordinator`].
    Coordinator,
    /// [`custodian`].
    Custodian,
    /// [`twin`].
    Twin,
    /// [`many`].
    Many,
    /// [`forger`].
    Forger,
    /// [`thief`].
    Thief,
    /// [`party`].
    Party,
}

impl Villain {
    /// The villain of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        // Each later villain is drawn apart, so that other seeds keep theirs.
        if sub(seed, "party", 5).0[0] < 28 {
            return Self::Party;
        }
        let mut rng = StdRng::from_seed(sub(seed, "burglar", 0).0);
        if rng.random_range(0..8u8) == 0 {
            return Self::Thief;
        }
        let mut rng = StdRng::from_seed(sub(seed, "villain", 1).0);
        match rng.random_range(0..8u8) {
            0 => return Self::Many,
            1 => return Self::Forger,
            _ => {}
        }
        let mut rng = StdRng::from_seed(sub(seed, "villain", 0).0);
        match rng.random_range(0..6u8) {
            0 => Self::Nobody,
            1 => Self::Requester,
            2 => Self::Latecomer,
            3 => Self::Coordinator,
            4 => Self::Custodian,
            _ => Self::Twin,
        }
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Requester => "captured requester",
            Self::Latecomer => "latecomer",
            Self::Coordinator => "coordinator",
            Self::Custodian => "custodian",
            Self::Twin => "twin",
            Self::Many => "more than f",
            Self::Forger => "forger",
            Self::Thief => "thief",
            Self::Party => "one of the three",
        }
    }

    /// The members that it has in its hands whatever the seed.
    pub(crate) fn captured(self) -> &'static [&'static str] {
        match self {
            Self::Coordinator => &["police"],
            Self::Custodian => &["telecom_a"],
            Self::Twin | Self::Forger => &["bank_a"],
            _ => &[],
        }
    }

    /// Members whose node or key is in a villain's hands, and who may be blamed.
    pub(crate) fn members(self, world: &World) -> Vec<usize> {
        match self {
            Self::Party => {
                let plot = world.plot.iter();
                plot.map(|plot| world.place(plot.member)).collect()
            }
            Self::Many => {
                let more = (world.members.len() == 7).then_some("bank_b");
                let names = ["bank_a", "telecom_a"].into_iter().chain(more);
                names.map(|name| world.place(name)).collect()
            }
            _ => {
                let names = self.captured().iter();
                names.map(|name| world.place(name)).collect()
            }
        }
    }
}

/// What became of an attempt.
pub(crate) enum Attempt<T> {
    /// An honest node did as it was asked.
    Done(T),
    /// A rule said no.
    Refused(String),
}

/// Counts an attempt that must be refused.
pub(crate) fn judge<T>(
    world: &World,
    (villain, what): (&'static str, &'static str),
    attempt: Option<Attempt<T>>,
    allowed: &[&str],
) {
    let outcome = match &attempt {
        Some(Attempt::Refused(rule)) => rule.as_str(),
        Some(Attempt::Done(_)) => "done",
        None => "no-answer",
    };
    world.report.attempt(villain, what, outcome);
    let at = world.now().as_millis();
    world
        .report
        .note(at, &format!("{villain}: {what}: {outcome}"));
    let as_it_must = match &attempt {
        Some(Attempt::Refused(rule)) => allowed.contains(&rule.as_str()),
        Some(Attempt::Done(_)) => false,
        None => true,
    };
    if !as_it_must {
        let detail = format!("{villain}: {what}: {outcome}, not one of {allowed:?}");
        world.report.broken("villainy", detail);
    }
}

/// A program of a villain's own under a member's key.
pub(crate) struct Hand {
    pub(crate) world: Arc<World>,
    pub(crate) net: Net<Context>,
    member: usize,
}

/// An address that nobody of this run listens on.
fn port(number: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 30_000 + number))
}

/// The members and their addresses, as any node has them.
struct Book(Arc<World>);

impl Directory for Book {
    fn address(&self, peer: &PublicKey) -> Option<SocketAddr> {
        let mut members = self.0.charter.members.iter();
        let member = members.find(|member| member.node_key == *peer)?;
        member.exchange_address.parse().ok()
    }

    fn is_member(&self, peer: &PublicKey) -> bool {
        let mut members = self.0.charter.members.iter();
        members.any(|member| member.node_key == *peer)
    }
}

/// Answers nobody.
pub(crate) struct Mute;

impl Service for Mute {
    fn serve(&self, _: PublicKey, _: Bytes, _: Replies) -> ServeFuture<'_> {
        Box::pin(async { Err(ServeError::refusal("mute: no answer")) })
    }
}

impl Hand {
    /// Opens channels under a member's key; `number` tells them from others of the run.
    pub(crate) async fn new(
        world: &Arc<World>,
        member: usize,
        number: u16,
        service: Arc<dyn Service>,
    ) -> Self {
        let settings = net::Config {
            key: world.members[member].keys().node.clone(),
            listen: port(number),
            network: world.network,
            limits: net::Limits {
                request_bytes_max: node::exchange::REQUEST_BYTES_MAX,
                ..net::Limits::default()
            },
        };
        let context = world.context.child("villain");
        let context = context.with_attribute("number", number);
        let book = Arc::new(Book(world.clone()));
        let net = Net::start(context, settings, book, service).await;
        Self {
            world: world.clone(),
            net: net.expect("the address is free"),
            member,
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.net.listening()
    }

    /// A node that runs, for what all ledgers say.
    pub(crate) fn any(&self) -> Option<Arc<Core>> {
        (0..self.world.members.len()).find_map(|n| self.world.core(n))
    }

    /// A body in the member's own store.
    pub(crate) fn body<B: Body>(&self, record: &Record) -> Option<B> {
        let part = record.header.part(B::LABEL)?;
        let store = &self.world.members[self.member].store();
        let opened: Option<Opened> = store.get(Shelf::Bodies, &part.commitment.0).ok()?;
        opened?.read(part).ok()
    }

    /// Calls a member until it answers or refuses; nothing if the weather never lets it.
    pub(crate) async fn call(&self, to: usize, call: &Call) -> Option<Attempt<Vec<Bytes>>> {
        let key = self.world.members[to].keys().node.public();
        for _ in 0..TRIES_MAX {
            match self.call_once(key, call).await {
                Ok(frames) => return Some(Attempt::Done(frames)),
                Err(error) => match &error.kind {
                    net::Kind::Refusal(net::Refusal::Remote { text }) => {
                        let rule = text.split_once(": ").map_or(&text[..], |(rule, _)| rule);
                        return Some(Attempt::Refused(rule.to_owned()));
                    }
                    _ => self.world.sleep(AGAIN).await,
                },
            }
        }
        None
    }

    async fn call_once(&self, key: PublicKey, call: &Call) -> Result<Vec<Bytes>, net::Error> {
        let request = call.encode().unwrap_or_default();
        let mut stream = self.net.call(key, request, CALL_TIMEOUT).await?;
        let mut frames = Vec::new();
        while let Some(frame) = stream.next().await? {
            frames.push(frame);
        }
        Ok(frames)
    }

    /// What a lookup must be bound to, and the snapshot asked.
    pub(crate) fn bound(
        &self,
        docket: Docket,
        custodian: usize,
        step: u8,
    ) -> Option<(mpc::lookup::Context, Digest)> {
        let core = self.any()?;
        let record = core.record(&docket.question).ok()?.record;
        let Statement::QuestionAsked(asked) = &record.header.statement else {
            return None;
        };
        let plan: Plan = self.body(&record)?;
        let kind = &plan.steps.get(usize::from(step))?.table;
        let name = &self.world.members[custodian].id;
        let tables = &plan.custodian(name)?.tables;
        let table = tables.iter().find(|table| table.table == *kind)?;
        let state: State = core.state();
        let place = (table, step, 0);
        let context = node::custodian::context(
            self.world.network,
            &state,
            asked,
            &docket.question,
            &plan,
            name,
            place,
        );
        Some((context.ok()?, table.snapshot))
    }

    /// The subjects of a question's warrant as targets.
    pub(crate) fn subjects(&self, docket: Docket) -> Option<Vec<Target>> {
        let core = self.any()?;
        let record = core.record(&docket.question).ok()?.record;
        let Statement::QuestionAsked(asked) = &record.header.statement else {
            return None;
        };
        let issued = core.record(&asked.warrant).ok()?.record;
        let subjects: Subjects = self.body(&issued)?;
        let target = |subject: &docket::body::Subject| {
            let input = subject.selector.to_input();
            let blind = Blind::from_bytes(&subject.blind.0).ok()?;
            let element = mpc::oprf::blind_with(&input, &blind).ok()?;
            Target::seed(input, blind, &element).ok()
        };
        subjects.subjects.iter().map(target).collect()
    }

    /// A target of the villain's own choice.
    pub(crate) fn typed_in(&self, selector: &str, rng: &mut StdRng) -> Option<Target> {
        let selector: primitives::semantic::Selector = selector.parse().ok()?;
        let input = selector.to_input();
        let (blind, element) = mpc::oprf::blind(&input, rng).ok()?;
        Target::seed(input, blind, &element).ok()
    }

    /// Looks targets up at a custodian, in the name of a question.
    pub(crate) async fn lookup(
        &self,
        custodian: usize,
        (docket, step): (Docket, u8),
        (context, snapshot): (mpc::lookup::Context, Digest),
        targets: Vec<Target>,
    ) -> Option<Attempt<Found>> {
        let key = self.world.members[custodian].keys().node.public();
        let (request, mut receiver) = Session::new(context, key).ask(targets).ok()?;
        let call = Call::Lookup(Lookup {
            question: docket.question,
            step,
            snapshot,
            part: 0,
            request,
        });
        match self.call(custodian, &call).await? {
            Attempt::Refused(rule) => Some(Attempt::Refused(rule)),
            Attempt::Done(frames) => {
                for frame in frames {
                    receiver.on_frame(frame.to_vec()).ok()?;
                }
                receiver.finish().ok().map(Attempt::Done)
            }
        }
    }
}

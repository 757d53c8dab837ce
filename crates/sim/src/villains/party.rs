//! One of the three that compute a joint question, captured: its own node takes part by
//! the book, and what it sends is altered at one place before it leaves the house.
//!
//! A frame to a neighbour, the count or the part of the answer to the requester, an
//! owner's shares, a holder's list (`lies.rs`). Everything that one of the three sends is
//! an answer to a call, so whoever stands before its service can send anything at all.
//!
//! What must hold: the question ends, with the answer that plain tables give or with none;
//! whoever is blamed is the villain, by bytes that it sent; the others go on.
//!
//! *Not here*: two of the three together, who know everything.

mod garbage;
mod lies;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use docket::{
    Statement,
    body::{Body as _, FaultEvidence},
    state::{QuestionPhase, State},
    statement::Count,
};
use futures::future::Either;
use net::{Replies, ServeError, ServeFuture, Service};
use node::exchange::Call;
use primitives::{Digest, PublicKey};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::sync::mpsc;

use self::lies::{Lie, Played, Told};
use crate::{
    calls, checks,
    joint::{self, InCommon},
    money::Money,
    people::{Docket, Office, question},
    totals::{Tables, Totals},
    world::{World, lock, sub},
};

const ME: &str = "party";
/// Who computes, in every network: two custodians of different kinds, and the authority.
const THREE: [&str; 3] = ["bank_a", "telecom_a", "procuratorate"];
/// An owner that does not compute, in a network of seven.
const BESIDE: &str = "bank_b";
/// Longest that a question may take to end: the nodes' own patience, one after another.
const ENDS_WITHIN: Duration = Duration::from_secs(2 * 3_600);
/// The same where a member may have lost what the question needs.
const ENDS_AFTER_LOSS: Duration = Duration::from_secs(900);
/// Pause between two looks at it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Most frames of an attempt before the lie, about: two to this power, over shares and
/// over sets.
const FRAMES_MAX_LOG2: [u32; 2] = [10, 4];

/// What a seed's villain is about to do.
#[derive(Debug)]
pub(crate) struct Plot {
    /// The villain's name.
    pub(crate) member: &'static str,
    /// Whether the question is of two sets; over shares otherwise.
    sets: bool,
    lie: Lie,
    /// Which of those who may be lied to, counted from the villain's own seat.
    side: usize,
    /// The frame of an attempt at which it lies.
    at: usize,
    /// Whether it lies in every attempt, and not once.
    ever: bool,
    state: Mutex<Told>,
}

impl Plot {
    /// The plot of a seed in a network of so many members.
    pub(crate) fn of(seed: u64, members: usize) -> Self {
        let mut rng = StdRng::from_seed(sub(seed, ME, 1).0);
        let mut member = THREE[rng.random_range(0..THREE.len())];
        let sets = rng.random_range(0..3u8) == 0;
        let lies = Lie::fitting(sets, member == "procuratorate");
        let at = 1usize << rng.random_range(0..=FRAMES_MAX_LOG2[usize::from(sets)]);
        let mut lie = lies[rng.random_range(0..lies.len())];
        // Drawn apart, so that other seeds keep their lie.
        let other_part = sub(seed, ME, 3).0[0] < 32 && lies.contains(&Lie::NoShares);
        if other_part && lie != Lie::NoShares {
            lie = Lie::OtherPart;
        }
        if lie == Lie::NoShares && members > THREE.len() + 1 {
            // An owner beside the three, who go on without it.
            member = BESIDE;
        }
        Self {
            member,
            sets,
            lie,
            side: rng.random_range(1..THREE.len()),
            at: at + rng.random_range(0..at) - 1,
            ever: rng.random(),
            state: Mutex::new(Told::new(sub(seed, ME, 2))),
        }
    }

    /// Whom it lies to among its neighbours.
    fn victim(&self) -> &'static str {
        let mine = THREE.iter().position(|name| *name == self.member);
        THREE[(mine.unwrap_or(0) + self.side) % THREE.len()]
    }
}

/// Stands before a captured member's service.
pub(crate) struct Captured {
    world: Arc<World>,
    plot: Arc<Plot>,
    desk: Arc<dyn Service>,
}

impl Captured {
    /// Before the service of a member, if it is the seed's villain.
    pub(crate) fn before(world: &Arc<World>, n: usize, desk: Arc<dyn Service>) -> Arc<dyn Service> {
        match &world.plot {
            Some(plot) if world.members[n].id.as_str() == plot.member => Arc::new(Self {
                world: world.clone(),
                plot: plot.clone(),
                desk,
            }),
            _ => desk,
        }
    }
}

impl Service for Captured {
    fn serve(&self, peer: PublicKey, request: Bytes, mut replies: Replies) -> ServeFuture<'_> {
        Box::pin(async move {
            let call = Call::decode(&request).ok();
            let Some(call) = call.filter(|call| self.is_lied_to(&peer, call)) else {
                return self.desk.serve(peer, request, replies).await;
            };
            if let (Call::Shares { .. }, Lie::NoShares) = (&call, self.plot.lie) {
                self.told(self.plot.lie.what());
                let shares = garbage::shares(&self.world, &self.plot, &peer);
                lock(&self.plot.state).sent(&shares);
                return replies.send(shares).await;
            }
            let (sender, mut said) = mpsc::channel(1);
            let mut serving = self.desk.serve(peer, request, Replies::to(sender));
            if !matches!(call, Call::Frames { .. }) {
                // What is sent at once is altered as a whole.
                let mut whole = Vec::new();
                let hearing = async {
                    while let Some(frame) = said.recv().await {
                        whole.push(frame);
                    }
                };
                let (served, ()) = futures::join!(&mut serving, hearing);
                served?;
                let (frames, ended) = self.alter(&call, whole);
                for frame in frames {
                    replies.send(frame).await?;
                }
                return ended;
            }
            let forwarding = async {
                let mut number = 0;
                while let Some(frame) = said.recv().await {
                    self.forward(number, frame, &mut replies).await?;
                    number += 1;
                }
                Ok(())
            };
            futures::pin_mut!(forwarding);
            match futures::future::select(serving, forwarding).await {
                Either::Left((served, forwarding)) => forwarding.await.and(served),
                Either::Right((forwarded, serving)) => {
                    forwarded?;
                    serving.await
                }
            }
        })
    }
}

impl Captured {
    /// Whether this is the call that the villain answers with a lie.
    fn is_lied_to(&self, peer: &PublicKey, call: &Call) -> bool {
        let plot = &self.plot;
        let world = &self.world;
        let is = |name: &str| world.members[world.place(name)].keys().node.public() == *peer;
        let due = match call {
            Call::Frames { .. } => plot.lie.is_of_frames() && is(plot.victim()),
            Call::Shares { .. } if plot.lie == Lie::NoShares => true,
            Call::Shares { .. } => plot.lie.is_of_shares() && is(plot.victim()),
            Call::Count { .. } => plot.lie.is_of_counts() && is("police"),
            Call::Part { .. } => plot.lie.is_of_parts() && is("police"),
            _ => false,
        };
        let again = plot.ever || matches!(plot.lie, Lie::TwoCounts | Lie::NoShares);
        due && (again || !lock(&plot.state).is_told())
    }

    /// Counts a lie that is told.
    fn told(&self, what: &'static str) {
        self.world.report.attempt(ME, what, "told");
        let at = self.world.now().as_millis();
        self.world.report.note(at, &format!("{ME}: {what}"));
        lock(&self.plot.state).tell();
    }

    /// Passes on a frame of an attempt, or what the villain sends in its place.
    async fn forward(
        &self,
        number: usize,
        frame: Bytes,
        replies: &mut Replies,
    ) -> Result<(), ServeError> {
        let plot = &self.plot;
        let what = plot.lie.what();
        {
            let mut state = lock(&plot.state);
            state.frames = state.frames.max(number + 1);
        }
        let sent = match plot.lie {
            Lie::Replayed => {
                let played = lock(&plot.state).played(number, &frame, (plot.at, plot.ever));
                match played {
                    Played::AsItIs => frame,
                    Played::Cut => {
                        return Err(ServeError::trouble("busy: begin anew", Some(LOOK_EVERY)));
                    }
                    Played::Of(before) => {
                        self.told(what);
                        before
                    }
                }
            }
            _ if number != plot.at => frame,
            Lie::Silent => {
                self.told(what);
                return std::future::pending().await;
            }
            lie => {
                self.told(what);
                lock(&plot.state).bent(lie, &frame)
            }
        };
        lock(&plot.state).sent(&sent);
        replies.send(sent).await
    }

    /// What the villain sends in place of what its node would have sent.
    fn alter(&self, call: &Call, whole: Vec<Bytes>) -> (Vec<Bytes>, Result<(), ServeError>) {
        let key = self.world.members[self.world.place(self.plot.member)].keys();
        let seat = THREE.iter().position(|name| *name == self.plot.member);
        let place = (seat.unwrap_or(0), self.plot.sets);
        let altered =
            lock(&self.plot.state).altered(self.plot.lie, call, &whole, (&key.node, place));
        let Some((frames, again)) = altered else {
            return (whole, Ok(()));
        };
        self.told(self.plot.lie.what());
        let mut state = lock(&self.plot.state);
        frames.iter().for_each(|frame| state.sent(frame));
        let ended = match again {
            true => Err(ServeError::trouble("busy: ask again", Some(LOOK_EVERY))),
            false => Ok(()),
        };
        (frames, ended)
    }
}

/// The seed's question.
enum Asked {
    Totals(Totals),
    InCommon(InCommon),
}

impl Asked {
    /// The question, and who is asked.
    fn draw(world: &World, plot: &Plot, tables: &Tables<'_>) -> Option<(Self, Vec<usize>)> {
        if plot.sets {
            let sets = InCommon::draw(world, tables.calls, tables.transfers);
            let of = vec![*tables.telecoms.first()?, *tables.banks.first()?];
            return Some((Self::InCommon(sets), of));
        }
        let mut totals = Totals::draw(world, tables);
        match plot.lie {
            // What it commits to is no list of parts.
            Lie::NoShares => totals.parts = 1,
            Lie::OtherPart => totals.parts = totals.parts.max(2),
            _ => {}
        }
        Some((
            Self::Totals(totals),
            [tables.telecoms, tables.banks].concat(),
        ))
    }

    async fn ask(&self, office: &Office, of: &[usize]) -> Option<Docket> {
        match self {
            Self::Totals(totals) => totals.ask(office, of).await,
            Self::InCommon(sets) => sets.ask(office, of).await,
        }
    }

    fn count(&self) -> Count {
        match self {
            Self::Totals(totals) => totals.count,
            Self::InCommon(sets) => sets.count(),
        }
    }

    fn due(&self) -> QuestionPhase {
        match self {
            Self::Totals(totals) => totals.due(),
            Self::InCommon(sets) => sets.due(),
        }
    }
}

/// A joint case with the villain among the three.
pub(crate) async fn case(office: &Office) -> Option<()> {
    let world = &office.world;
    let plot = world.plot.clone()?;
    let (calls, telecoms) = calls::publish(office).await?;
    let money = Money::draw(world);
    let banks = money.publish(office).await?;
    let tables = Tables {
        calls: &calls,
        telecoms: &telecoms,
        transfers: &money.transfers,
        banks: &banks,
    };
    let (asked, of) = Asked::draw(world, &plot, &tables)?;
    let docket = asked.ask(office, &of).await?;
    let others = office.custodians().into_iter();
    let others: Vec<usize> = others.filter(|n| !of.contains(n)).collect();
    if plot.lie == Lie::NoShares {
        garbage::commit(office, docket, &plot).await?;
    }
    office.approve(docket, &others).await?;
    let (phase, took) = ended(office, docket).await?;
    let (told, frames) = {
        let state = lock(&plot.state);
        (state.is_told(), state.frames)
    };
    let about = format!(
        "{} of {}, sets {}, at {}, ever {}",
        plot.lie.what(),
        plot.member,
        plot.sets,
        plot.at,
        plot.ever
    );
    joint::count_is(office, docket, asked.count());
    let cause = cause(office, docket);
    let became = match phase {
        QuestionPhase::Aborted => cause.as_deref().unwrap_or("aborted"),
        _ if phase == asked.due() => "answered as it is",
        _ => "another end",
    };
    if !told {
        world.report.attempt(ME, plot.lie.what(), "never told");
    }
    world.report.attempt(ME, plot.lie.what(), became);
    let ms = took.as_millis();
    let text = format!("{about}: {frames} frames, told {told}, {phase:?}, {became}, in {ms} ms");
    world.report.note(world.now().as_millis(), &text);
    match phase {
        QuestionPhase::Completed | QuestionPhase::Counted if phase == asked.due() => {}
        QuestionPhase::Completed | QuestionPhase::Counted => {
            let detail = format!("{about}: {phase:?}");
            world.report.broken("wrong-answer", detail);
        }
        // Nobody lied, or nothing came of it.
        _ if !told => world.stuck(format!("{about}: {phase:?} ({became})")),
        _ => {}
    }
    if phase == QuestionPhase::Completed {
        match &asked {
            Asked::Totals(totals) => totals.opened(office, docket).await?,
            Asked::InCommon(sets) => sets.opened(office, docket).await?,
        }
    }
    evidence(office, docket, &plot);
    goes_on(office, &plot).await;
    Some(())
}

/// Waits until the question has ended; how, and after how long.
async fn ended(office: &Office, docket: Docket) -> Option<(QuestionPhase, Duration)> {
    let world = &office.world;
    let police = world.place("police");
    let over = |state: &State| {
        let phase = question(state, docket)?.phase;
        let goes_on = matches!(phase, QuestionPhase::Open | QuestionPhase::Running);
        (!goes_on).then_some(phase)
    };
    world.report.step("run");
    let began = world.now();
    loop {
        let within = match world.is_restored() {
            true => ENDS_AFTER_LOSS,
            false => ENDS_WITHIN,
        };
        if world.now() - began > within {
            world.stuck(format!("the question goes on after {within:?}"));
            return None;
        }
        if let Some(phase) = office.state(police).as_ref().and_then(over) {
            return Some((phase, world.now() - began));
        }
        world.sleep(LOOK_EVERY).await;
    }
}

/// The records that end a question without an answer.
fn aborts(office: &Office, docket: Docket) -> Vec<Arc<docket::Record>> {
    let core = (0..office.world.members.len()).find_map(|n| office.world.core(n));
    let Some(core) = core else { return Vec::new() };
    let index = core.read_index();
    let of = |record: &Arc<docket::Record>| match &record.header.statement {
        Statement::RunAborted { question, .. } => *question == docket.question,
        _ => false,
    };
    let all = index.all().iter().map(|known| known.record.clone());
    all.filter(of).collect()
}

fn cause(office: &Office, docket: Docket) -> Option<String> {
    let aborts = aborts(office, docket);
    match &aborts.first()?.header.statement {
        Statement::RunAborted {
            cause,
            blamed,
            refused_by,
            ..
        } => Some(match (blamed, refused_by) {
            (Some(_), _) => format!("{cause}, blamed"),
            (_, Some(by)) => format!("{cause}, {by} refuses"),
            _ => cause.clone(),
        }),
        _ => None,
    }
}

/// What a record keeps against the villain is something that it sent, and is in the hands
/// of those who may judge it.
fn evidence(office: &Office, docket: Docket, plot: &Plot) {
    let world = &office.world;
    let villain = world.place(plot.member);
    for record in aborts(office, docket) {
        let Statement::RunAborted { blamed, .. } = &record.header.statement else {
            continue;
        };
        let by_villain = record.header.institution == world.members[villain].id;
        if blamed.is_none() || by_villain {
            continue;
        }
        let store = world.members[world.place(record.header.institution.as_str())].store();
        let part = record.header.part(FaultEvidence::LABEL);
        let read = part.and_then(|part| {
            let shelf = node::store::Shelf::Bodies;
            let opened: Option<docket::Opened> = store.get(shelf, &part.commitment.0).ok()?;
            opened?.read::<FaultEvidence>(part).ok()
        });
        let sent = |read: &FaultEvidence| lock(&plot.state).has_sent(&read.bytes);
        if !read.as_ref().is_some_and(sent) {
            let what = read.map(|read| (read.what, read.bytes.len()));
            let detail = format!("evidence that the villain never sent: {what:?}");
            world.report.broken("accused", detail);
        }
    }
}

/// Honest nodes go on: what one of them states becomes final.
async fn goes_on(office: &Office, plot: &Plot) {
    let world = &office.world;
    let honest = (0..world.members.len()).filter(|n| world.members[*n].id.as_str() != plot.member);
    let honest: Vec<usize> = honest.collect();
    let began = world.now();
    // As long as weather may last, and a minute of calm.
    let within = Duration::from_secs(150) + checks::PROGRESS_WITHIN;
    loop {
        for n in &honest {
            if world.runs(*n) && office.probe(*n).await {
                return;
            }
        }
        if world.now() - began > within {
            let detail = "no record after a joint question among villains".to_owned();
            world.report.broken("progress", detail);
            return;
        }
        world.sleep(LOOK_EVERY).await;
    }
}

/// A digest for what only has to differ.
fn other(digest: &Digest) -> Digest {
    Digest::plain(&digest.0)
}

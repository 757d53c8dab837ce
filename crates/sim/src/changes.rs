//! Members that come and go, nodes that get new keys, officers who are replaced, while
//! cases are under way.
//!
//! ```text
//! proposal ─ votes … all but the last ─ waits for its step of the case ─ the last vote
//!     rotate: the node ends by itself, starts again with its new keys, votes with them
//!     admit:  a machine more, which reads the whole log before its word counts
//!     remove: a custodian without a part in any case; its machine goes on for a while
//! officer: another is enrolled, then the first is retired, or the other way round
//! ```
//! *Invariants*
//! - What changes, and when, is drawn apart from everything else of the seed.
//! - A change that was proposed is carried, whatever the weather.
//!
//! *Not here*: villains who propose or vote.

use std::time::Duration;

use commonware_runtime::{Spawner as _, Supervisor as _};
use docket::{Change as Proposed, CredentialId, Duty, State, Statement, charter::quorum};
use node::{
    api::types::{Act, Membership},
    core::Core,
};
use primitives::{Digest, SigningKey};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};

use crate::{
    OVER,
    people::{Office, statement},
    villains::Villain,
    weather::Drift,
    world::{World, seat, sub},
};

/// The member that comes later.
pub(crate) const NEWCOMER: &str = "water";

/// Most changes of a seed.
const CHANGES_MAX: usize = 3;
/// How many of 256 seeds may have changes beside a villain.
const BESIDE_OF_256: u8 = 86;
/// Longest until one begins.
const AFTER_MS_MAX: u64 = 15_000;
/// Steps of a case into which a change may fall; most fall into the run.
const STEPS: [&str; 8] = ["run", "run", "run", "run", "run", "ask", "approve", "open"];
/// Longest that a change waits for its step.
const STEP_WITHIN: Duration = Duration::from_secs(90);
/// How long into the step wires are cut: a run takes half a second.
const CUT_AFTER_MS_MAX: u64 = 400;
/// How long after that it comes.
const INTO_MS_MAX: u64 = 1_500;
/// Longest that a custodian can't be reached while keys change in the run.
const CUT_MS_MAX: u64 = 15_000;
/// Longest that a member's machine goes on after it has left.
const LINGER_MS_MAX: u64 = 15_000;
/// How often the step is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A member's node gets new keys.
    Rotate(usize),
    /// A member's officer is replaced.
    Officer(usize),
    /// A member leaves.
    Remove(usize),
    /// Another member comes.
    Admit,
}

/// A change of a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) kind: Kind,
    /// When it begins.
    after: Duration,
    /// The step of the case in which it is decided.
    step: &'static str,
    /// How long into the step wires are cut.
    until_cut: Duration,
    /// How long after that it is decided.
    into: Duration,
    /// How long after that the requester and a custodian stay cut off from each other.
    cut: Option<Duration>,
    /// What is left to chance.
    coin: bool,
    /// Its number among the seed's.
    number: usize,
}

/// The changes of a seed: in half of those in which everybody is honest, and in a sixth of
/// those with one of five villains. Beside a villain nobody leaves, since it may wait for a
/// bank's word, and what it has in its hands keeps its keys.
pub(crate) fn of(seed: u64, villain: Villain, members: usize) -> Vec<Change> {
    let mut rng = StdRng::from_seed(sub(seed, "changes", 0).0);
    let count = rng
        .random_range(0..CHANGES_MAX * 2)
        .saturating_sub(CHANGES_MAX - 1);
    let alone = villain == Villain::Nobody;
    let beside = match villain {
        Villain::Requester
        | Villain::Latecomer
        | Villain::Thief
        | Villain::Coordinator
        | Villain::Custodian => sub(seed, "changes", 1).0[0] < BESIDE_OF_256,
        _ => false,
    };
    if !alone && !beside {
        return Vec::new();
    }
    let captured = villain.captured().iter();
    let captured: Vec<usize> = captured.map(|name| seat(name, members)).collect();
    // In the order of their names: the last bank of seven, or the only one of four.
    let leaver = if members == 7 { 2 } else { 0 };
    // Three members have no fault to spare.
    let may_leave = alone && (members == 7 || Drift::of(seed, members, &[]).is_none());
    let together = rng.random_range(0..3) == 0;
    let mut changes: Vec<Change> = Vec::new();
    for number in 0..count {
        let n = rng.random_range(0..members);
        let kind = match rng.random_range(0..8u8) {
            0..4 => Kind::Rotate(n),
            4 | 5 => Kind::Officer(n),
            6 if may_leave => Kind::Remove(leaver),
            _ => Kind::Admit,
        };
        let ms = |rng: &mut StdRng, max: u64| Duration::from_millis(rng.random_range(0..max));
        let mut change = Change {
            kind,
            after: ms(&mut rng, AFTER_MS_MAX),
            step: STEPS[rng.random_range(0..STEPS.len())],
            until_cut: ms(&mut rng, CUT_AFTER_MS_MAX),
            into: ms(&mut rng, INTO_MS_MAX),
            cut: rng.random::<bool>().then_some(ms(&mut rng, CUT_MS_MAX)),
            coin: rng.random(),
            number,
        };
        if let Some(first) = changes.first().filter(|_| together) {
            (change.after, change.step) = (first.after, first.step);
            (change.until_cut, change.into) = (first.until_cut, first.into);
        }
        let leaves = |kind: Kind| matches!(kind, Kind::Rotate(n) | Kind::Officer(n) | Kind::Remove(n) if n == leaver);
        let clash = |known: &Change| {
            known.kind == kind
                || [known.kind, kind].contains(&Kind::Remove(leaver))
                    && leaves(known.kind)
                    && leaves(kind)
        };
        let held = matches!(kind, Kind::Rotate(n) if captured.contains(&n));
        if !held && !changes.iter().any(clash) {
            changes.push(change);
        }
    }
    changes
}

/// Whether a bank takes part in the cases: the only one may leave.
pub(crate) fn leave_a_bank(world: &World) -> bool {
    let leaves = Kind::Remove(world.place("bank_a"));
    world.changes.iter().all(|change| change.kind != leaves)
}

/// How many of the founders' banks take part in the cases.
pub(crate) fn banks(world: &World) -> usize {
    let stays = |n: &usize| {
        let leaves = Kind::Remove(*n);
        world.members[*n].id.as_str().starts_with("bank")
            && world.changes.iter().all(|change| change.kind != leaves)
    };
    world.custodians().into_iter().filter(stays).count()
}

/// Makes a seed's changes, each at its time.
pub(crate) async fn make(office: &Office) {
    let changes = office.world.changes.iter();
    let all = changes.map(|change| async move { Making { office, change }.make().await });
    futures::future::join_all(all).await;
}

/// A change that is made.
struct Making<'a> {
    office: &'a Office,
    change: &'a Change,
}

impl Making<'_> {
    async fn make(&self) -> Option<()> {
        let world = &self.office.world;
        world.sleep(self.change.after).await;
        match self.change.kind {
            Kind::Rotate(n) => self.rotate(n).await,
            Kind::Officer(n) => self.officer(n).await,
            Kind::Remove(n) => self.remove(n).await,
            Kind::Admit => self.admit().await,
        }
    }

    fn note(&self, text: &str) {
        let world = &self.office.world;
        let text = format!("change {}: {text}", self.change.number);
        world.report.note(world.now().as_millis(), &text);
    }

    /// Waits for the step in which the change is decided.
    async fn step(&self) {
        let world = &self.office.world;
        let began = world.now();
        let come = || [self.change.step, OVER].contains(&world.report.now());
        while !come() && world.now() - began < STEP_WITHIN {
            world.sleep(LOOK_EVERY).await;
        }
        world.sleep(self.change.until_cut).await;
        self.cut();
        world.sleep(self.change.into).await;
    }

    /// Cuts the requester off from a custodian for a while, so that a run stands between
    /// two steps while keys change.
    fn cut(&self) {
        let world = self.office.world.clone();
        let Some(lasts) = self.change.cut else {
            return;
        };
        let police = world.place("police");
        let custodians = self.office.custodians();
        let other = match self.change.kind {
            Kind::Rotate(n) if self.change.coin && custodians.contains(&n) => n,
            _ => custodians[self.change.number % custodians.len()],
        };
        let pair = [(police, other), (other, police)];
        world.wires.change(|sky| sky.cut.extend(pair));
        self.note(&format!("cut {police}={other}"));
        let context = world.context.child("whole");
        let lasts = self.change.into + lasts;
        context.spawn(move |_| async move {
            world.sleep(lasts).await;
            world
                .wires
                .change(|sky| sky.cut.retain(|cut| !pair.contains(cut)));
        });
    }

    /// Has a change proposed and voted on until a member's ledger shows it.
    async fn carry(
        &self,
        (change, act): (Proposed, Membership),
        carried: &(dyn Fn(&State) -> bool + Sync),
    ) -> Option<()> {
        let (office, world) = (self.office, &self.office.world);
        let mut rng = StdRng::from_seed(sub(world.seed, "votes", self.change.number).0);
        let mut voters: Vec<usize> = (0..world.founders()).collect();
        voters.shuffle(&mut rng);
        // Who leaves votes before it has left.
        voters.sort_by_key(|n| !office.leaves(*n));
        let first = *voters.last()?;
        let proposed = |_: &State| proposal(world.core(first)?.as_ref(), &change);
        let attempt = async || self.vote(first, act.clone()).await;
        let proposal = office.insist(first, "propose", proposed, attempt).await?;
        self.note(&format!("proposed {change}", change = name(&change)));
        for (cast, n) in voters.iter().enumerate() {
            let members = office.state(*n).map(|state| state.members().count());
            if members.is_some_and(|members| cast + 1 == quorum(members)) {
                self.step().await;
            }
            let me = &world.members[*n].id;
            let voted = |state: &State| {
                let core = world.core(*n)?;
                let index = core.read_index();
                let mut all = index.all().iter();
                let cast = all.any(|known| {
                    known.record.header.institution == *me
                        && matches!(statement(known), Statement::ChangeVoted { proposal: of, .. } if *of == proposal)
                });
                (cast || carried(state)).then(|| carried(state))
            };
            let vote = Membership::Vote {
                proposal: proposal.to_string(),
                yes: true,
            };
            let attempt = async || self.vote(*n, vote.clone()).await;
            match office.insist(*n, "vote", voted, attempt).await {
                Some(true) => {
                    self.note(&format!("carried at {}", world.report.now()));
                    return Some(());
                }
                None if !world.has_left(*n) => return None,
                _ => {}
            }
        }
        let done = |state: &State| carried(state).then_some(());
        office.insist(first, "carried", done, async || Ok(())).await
    }

    async fn vote(&self, n: usize, act: Membership) -> Result<(), String> {
        let done = self.office.world.at(n, move |core| async move {
            node::membership::act(&core, &act).await
        });
        self.office.remember(done.await).map(|_| ())
    }

    async fn rotate(&self, n: usize) -> Option<()> {
        let (office, world) = (self.office, &self.office.world);
        let member = &world.members[n];
        let card = member.card_of_next(n);
        let key = card.institution.node_key;
        let has = |state: &State| state.member(&member.id).is_some_and(|m| m.node_key == key);
        let act = Membership::Replace {
            card: Box::new(card.clone()),
        };
        self.carry((Proposed::Replace(card), act), &has).await?;
        let in_office = |_: &State| {
            let status = world.core(n)?.ledger.status();
            let mut members = status.members.iter();
            (world.core(n)?.keys.node.public() == key && members.any(|member| member.key == key))
                .then_some(())
        };
        let waits = office.insist(n, "renew", in_office, async || Ok(()));
        waits.await?;
        self.note(&format!("{n} is in office with its new keys"));
        Some(())
    }

    async fn remove(&self, n: usize) -> Option<()> {
        let (office, world) = (self.office, &self.office.world);
        let id = &world.members[n].id;
        office
            .enrol_one(n, Duty::Approver, world.officer(n, Duty::Approver))
            .await?;
        let gone = |state: &State| state.member(id).is_none();
        let act = Membership::Remove {
            institution: id.to_string(),
        };
        self.carry((Proposed::Remove(id.clone()), act), &gone)
            .await?;
        let mut rng = StdRng::from_seed(sub(world.seed, "leaves", 0).0);
        let linger = Duration::from_millis(rng.random_range(0..LINGER_MS_MAX));
        world.sleep(linger).await;
        world.leave(n).await;
        self.note(&format!("{n} has left"));
        Some(())
    }

    async fn admit(&self) -> Option<()> {
        let (office, world) = (self.office, &self.office.world);
        let n = world.founders();
        let member = &world.members[n];
        if self.change.coin {
            world.start(n).await;
        }
        let card = member.card_of_now(n);
        let is_in = |state: &State| state.member(&member.id).is_some();
        let act = Membership::Admit {
            card: Box::new(card.clone()),
        };
        self.carry((Proposed::Admit(card), act), &is_in).await?;
        if !self.change.coin {
            world.start(n).await;
        }
        let officer = world.officer(n, Duty::Approver);
        office.enrol_one(n, Duty::Approver, officer).await?;
        self.note(&format!("{n} has come, and its word counts"));
        Some(())
    }

    async fn officer(&self, n: usize) -> Option<()> {
        let (office, world) = (self.office, &self.office.world);
        while ["", "enrol"].contains(&world.report.now()) {
            world.sleep(LOOK_EVERY).await;
        }
        let duty = *world.duties(n).first()?;
        let (_, old) = world.officer(n, duty);
        let name = format!("{duty}-2");
        let new = SigningKey::from_seed(&sub(world.seed, &name, n).0);
        let officer = (name.parse().ok()?, new);
        self.step().await;
        let credential = CredentialId::Key(old.public());
        let act = Act::RetireOfficer {
            key: old.public().to_string(),
        };
        let retired = |state: &State| state.officer(&credential).is_none().then_some(());
        let attempt = async || office.operate(n, act.clone()).await;
        if self.change.coin {
            office.insist(n, "retire", retired, &attempt).await?;
        }
        office.enrol_one(n, duty, officer.clone()).await?;
        let (id, key) = officer;
        world.members[n].appoint(duty, id, key);
        if !self.change.coin {
            office.insist(n, "retire", retired, &attempt).await?;
        }
        self.note(&format!("{n} has another {duty}"));
        Some(())
    }
}

fn name(change: &Proposed) -> String {
    match change {
        Proposed::Admit(card) => format!("to admit {}", card.institution.id),
        Proposed::Replace(card) => format!("new keys for {}", card.institution.id),
        Proposed::Remove(id) => format!("to remove {id}"),
    }
}

/// The first proposal of a change that a node's log has.
fn proposal(core: &Core, change: &Proposed) -> Option<Digest> {
    let index = core.read_index();
    let mut all = index.all().iter();
    all.find_map(|known| match statement(known) {
        Statement::ChangeProposed { change: of } if of == change => Some(known.record.digest),
        _ => None,
    })
}

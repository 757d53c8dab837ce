//! A case whose question is joint: who called from the scenes at a telecom and was paid
//! in their times at a bank.
//!
//! Two members compare their sets, the authority counts, and what opens must be what
//! the plain tables say; or, in some seeds, the count alone.
//!
//! *Not here*: questions over shares (`totals`).

use std::collections::BTreeSet;

use docket::{plan::Cell, state::QuestionPhase, statement::Count};
use node::api::types::SceneView;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    calls::Dated,
    changes,
    money::Transfer,
    people::{Docket, Office, question},
    tables::FROM_MS,
    villains::Villain,
    weather::strikes,
    world::{World, sub},
};

const DAY_MS: u64 = 24 * 3_600_000;
/// The cell of every call.
pub(crate) const CELL: i64 = 7;

/// Whether a seed has such a case: half of those in which everybody is honest and the only
/// bank does not leave.
pub(crate) fn is_asked(world: &World) -> bool {
    is_drawn(world.seed) && changes::leave_a_bank(world)
}

/// Whether a seed would have it, if its only bank stays.
pub(crate) fn is_drawn(seed: u64) -> bool {
    Villain::of(seed) == Villain::Nobody && sub(seed, "joint", 0).0[0] < 128
}

/// A scene on some days of March.
pub(crate) fn scene(
    cell: Option<i64>,
    days: std::ops::Range<u32>,
) -> (SceneView, std::ops::Range<u32>) {
    let at = |day: u32| FROM_MS + u64::from(day - 1) * DAY_MS;
    let view = SceneView {
        cell,
        from_ms: at(days.start),
        to_ms: at(days.end),
    };
    (view, days)
}

/// One day of the whole city, and two of the one cell; with days of March.
fn scenes(rng: &mut StdRng) -> Vec<(SceneView, std::ops::Range<u32>)> {
    let (one, two) = (rng.random_range(1..8), rng.random_range(1..7));
    vec![scene(None, one..one + 1), scene(Some(CELL), two..two + 2)]
}

/// The question, and what it must find.
pub(crate) struct InCommon {
    scenes: Vec<(SceneView, std::ops::Range<u32>)>,
    count_only: bool,
    persons: BTreeSet<String>,
}

impl InCommon {
    /// The seed's question, over what the first telecom and the first bank have.
    pub(crate) fn draw(world: &World, calls: &[Dated], transfers: &[Transfer]) -> Self {
        let mut rng = StdRng::from_seed(sub(world.seed, "joint", 1).0);
        let scenes = scenes(&mut rng);
        let within = |day: u32| scenes.iter().any(|(_, days)| days.contains(&day));
        let callers: BTreeSet<String> = calls
            .iter()
            .filter(|(_, day)| within(*day))
            .map(|((caller, ..), _)| caller.clone())
            .collect();
        let payees: BTreeSet<String> = transfers
            .iter()
            .filter(|transfer| within(transfer.day()))
            .map(|transfer| transfer.to.clone())
            .collect();
        let callers = world.people.holders((true, 0), &callers);
        let payees = world.people.holders((false, 0), &payees);
        Self {
            persons: callers.intersection(&payees).cloned().collect(),
            count_only: rng.random_range(0..4) == 0,
            scenes,
        }
    }

    /// Has the question asked under a warrant of its own.
    pub(crate) async fn ask(&self, office: &Office, asked: &[usize]) -> Option<Docket> {
        let scenes = self.scenes.iter().map(|(scene, _)| *scene).collect();
        let about = ("a joint case", "in-common", asked);
        office
            .ask_apart(
                about,
                |draft| draft.scenes = scenes,
                |ask| ask.count_only = self.count_only,
            )
            .await
    }

    /// What the count must be.
    pub(crate) fn count(&self) -> Count {
        Count {
            rows: self.persons.len() as u64,
            withheld: 0,
        }
    }

    /// How the run ends where all is well.
    pub(crate) fn due(&self) -> QuestionPhase {
        if self.count_only || self.persons.is_empty() {
            QuestionPhase::Counted
        } else {
            QuestionPhase::Completed
        }
    }

    /// The bundle has the names that the plain tables give.
    pub(crate) async fn opened(&self, office: &Office, docket: Docket) -> Option<()> {
        let world = &office.world;
        let names = |case: evidence::Case| -> BTreeSet<String> {
            let rows = case.answer.tables.iter().flat_map(|table| &table.rows);
            rows.flat_map(|row| &row.cells)
                .map(|cell| match cell {
                    Cell::Text(name) => name.clone(),
                    other => format!("{other:?}"),
                })
                .collect()
        };
        let found = office.verified(docket).await?.map(names);
        if !found.as_ref().is_ok_and(|found| *found == self.persons) {
            let expected = &self.persons;
            let detail = format!("in common: found {found:?}, the tables say {expected:?}");
            world.report.broken("wrong-answer", detail);
        }
        Some(())
    }
}

/// The case, from its question to its bundle, over calls and transfers that were published.
pub(crate) async fn case(
    office: &Office,
    (calls, telecom): (&[Dated], usize),
    (transfers, bank): (&[Transfer], usize),
) -> Option<()> {
    let world = &office.world;
    let question = InCommon::draw(world, calls, transfers);
    for number in 0..strikes::rounds(world) {
        let docket = question.ask(office, &[telecom, bank]).await?;
        let others = office.custodians().into_iter();
        let others: Vec<usize> = others.filter(|n| ![telecom, bank].contains(n)).collect();
        let run = async {
            office.approve(docket, &others).await?;
            office.ended(docket).await
        };
        let phase = strikes::through(office, (docket, number), run).await?;
        if phase != question.due() {
            world.stuck(format!("the joint run ended as {phase:?}"));
            return None;
        }
        count_is(office, docket, question.count());
        if phase == QuestionPhase::Completed {
            question.opened(office, docket).await?;
        }
        let persons = question.persons.len();
        let text = format!("a joint question: {persons} persons, {phase:?}");
        world.report.note(world.now().as_millis(), &text);
    }
    Some(())
}

/// The ledger has the count that the plain tables give.
pub(crate) fn count_is(office: &Office, docket: Docket, expected: Count) {
    let world = &office.world;
    let state = office.state(world.place("police"));
    let count = state
        .as_ref()
        .and_then(|state| question(state, docket)?.count);
    if count.is_some_and(|count| count != expected) {
        let detail = format!("a joint count of {count:?}, the tables say {expected:?}");
        world.report.broken("wrong-answer", detail);
    }
}

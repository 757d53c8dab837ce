//! A case whose question is computed over shares: how much was paid by persons who called
//! from the scenes, by bank, by day or by size.
//!
//! Telecoms share who called, banks who paid how much; two custodians and the authority
//! compute, in some thousand rounds. What opens must be what the plain tables say, with as
//! many groups withheld; or, in some seeds, the count alone.
//!
//! *Not here*: the other templates over shares, which run through the same code of the nodes.

use std::collections::{BTreeMap, BTreeSet};

use docket::{
    plan::{Answer, Cell},
    state::QuestionPhase,
    statement::Count,
};
use node::api::types::{Ask, SceneView};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    calls::Dated,
    changes, joint,
    money::Transfer,
    people::{Docket, Office},
    villains::Villain,
    weather::strikes,
    world::{World, sub},
};

/// Days of the data's window.
const DAYS: u32 = 7;

/// What is published and who has it.
pub(crate) struct Tables<'a> {
    pub(crate) calls: &'a [Dated],
    pub(crate) telecoms: &'a [usize],
    pub(crate) transfers: &'a [Transfer],
    pub(crate) banks: &'a [usize],
}

/// A group as it opens: its name or number, persons, transfers, fen.
type Group = (String, i64, i64, i64);

/// The question, and what it must find.
pub(crate) struct Totals {
    scene: (SceneView, std::ops::Range<u32>),
    by: i64,
    /// In how many parts the tables come.
    pub(crate) parts: i64,
    pub(crate) count_only: bool,
    groups: BTreeSet<Group>,
    /// What the count must be.
    pub(crate) count: Count,
}

/// Whether a seed has such a case: a fifth of those in which everybody is honest and the
/// only bank does not leave.
pub(crate) fn is_asked(world: &World) -> bool {
    is_drawn(world.seed) && changes::leave_a_bank(world)
}

/// Whether a seed would have it, if its only bank stays.
pub(crate) fn is_drawn(seed: u64) -> bool {
    Villain::of(seed) == Villain::Nobody && sub(seed, "totals", 3).0[0] < 52
}

impl Totals {
    /// The seed's question.
    pub(crate) fn draw(world: &World, tables: &Tables<'_>) -> Self {
        let mut rng = StdRng::from_seed(sub(world.seed, "totals", 1).0);
        let first = rng.random_range(1..=4);
        let days = first..rng.random_range(first + 2..=DAYS + 1);
        let cell = rng.random::<bool>().then_some(joint::CELL);
        // Drawn apart, so that other seeds keep their question.
        let mut apart = StdRng::from_seed(sub(world.seed, "totals", 4).0);
        let mut totals = Self {
            scene: joint::scene(cell, days),
            by: rng.random_range(0..3),
            parts: [1, 1, 2, 3][apart.random_range(0..4usize)],
            count_only: rng.random_range(0..6) == 0,
            groups: BTreeSet::new(),
            count: Count {
                rows: 0,
                withheld: 0,
            },
        };
        totals.expect(world, tables);
        totals
    }

    /// What the plain tables say.
    fn expect(&mut self, world: &World, tables: &Tables<'_>) {
        let (_, days) = &self.scene;
        let called = tables.calls.iter().filter(|(_, day)| days.contains(day));
        let callers: BTreeSet<String> = called.map(|((caller, ..), _)| caller.clone()).collect();
        let people = &world.people;
        let subjects: BTreeSet<String> = (0..tables.telecoms.len())
            .flat_map(|telecom| people.holders((true, telecom), &callers))
            .collect();
        // Of each group its persons, its transfers and their sum.
        let mut all: BTreeMap<String, (BTreeSet<String>, i64, i64)> = BTreeMap::new();
        for transfer in tables.transfers {
            let account = BTreeSet::from([transfer.from.clone()]);
            for (number, bank) in tables.banks.iter().enumerate() {
                let payer = people.holders((false, number), &account);
                let Some(payer) = payer.intersection(&subjects).next() else {
                    continue;
                };
                let group = match self.by {
                    0 => world.members[*bank].id.to_string(),
                    1 => (transfer.day() - 1).to_string(),
                    _ => transfer.amount.to_string().len().to_string(),
                };
                let group = all.entry(group).or_default();
                group.0.insert(payer.clone());
                group.1 += 1;
                group.2 += transfer.amount;
            }
        }
        let least = usize::try_from(world.charter.limits.group_min).unwrap_or(usize::MAX);
        let (enough, few): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|(_, (persons, ..))| persons.len() >= least);
        let whole = |persons: &BTreeSet<String>| i64::try_from(persons.len()).unwrap_or(0);
        self.groups = enough
            .into_iter()
            .map(|(group, (persons, transfers, fen))| (group, whole(&persons), transfers, fen))
            .collect();
        self.count = Count {
            rows: self.groups.len() as u64,
            withheld: few.len() as u64,
        };
    }

    /// Has the question asked under a warrant of its own.
    pub(crate) async fn ask(&self, office: &Office, asked: &[usize]) -> Option<Docket> {
        let about = ("a case over shares", "totals", asked);
        let ask = |ask: &mut Ask| {
            ask.count_only = self.count_only;
            ask.terms = BTreeMap::from([("by".into(), self.by), ("parts".into(), self.parts)]);
        };
        office
            .ask_apart(about, |draft| draft.scenes = vec![self.scene.0], ask)
            .await
    }

    /// How the run ends where all is well.
    pub(crate) fn due(&self) -> QuestionPhase {
        if self.count_only || self.count.rows == 0 {
            QuestionPhase::Counted
        } else {
            QuestionPhase::Completed
        }
    }

    /// The bundle has the groups that the plain tables give.
    pub(crate) async fn opened(&self, office: &Office, docket: Docket) -> Option<()> {
        let world = &office.world;
        let verified = office.verified(docket).await?;
        let found = verified.map(|case| self.found(&case.answer));
        if !matches!(&found, Ok(Some(found)) if *found == self.groups) {
            let detail = format!("totals: found {found:?}, the tables say {:?}", self.groups);
            world.report.broken("wrong-answer", detail);
        }
        Some(())
    }

    fn found(&self, answer: &Answer) -> Option<BTreeSet<Group>> {
        let rows = answer.tables.iter().flat_map(|table| &table.rows);
        let read = |cells: &Vec<Cell>| match &cells[..] {
            [
                group,
                Cell::Int(persons),
                Cell::Int(transfers),
                Cell::Int(fen),
            ] => {
                let group = match group {
                    // From so many yuan on: so many digits of fen.
                    Cell::Text(band) if self.by == 2 => digits(band)?,
                    Cell::Text(name) => name.clone(),
                    Cell::Int(number) => number.to_string(),
                    _ => return None,
                };
                Some((group, *persons, *transfers, *fen))
            }
            _ => None,
        };
        rows.map(|row| read(&row.cells)).collect()
    }
}

/// Digits of the fen of amounts in a band: "10 – 100" yuan are those of four.
fn digits(band: &str) -> Option<String> {
    let (_, below) = band.split_once(" – ")?;
    Some(match below {
        "0.1" => "1".to_owned(),
        yuan => (yuan.len() + 1).to_string(),
    })
}

/// The case, from its question to its bundle, over tables that were published.
pub(crate) async fn case(office: &Office, tables: &Tables<'_>) -> Option<()> {
    let world = &office.world;
    let totals = Totals::draw(world, tables);
    let asked = [tables.telecoms, tables.banks].concat();
    let docket = totals.ask(office, &asked).await?;
    let began = world.now();
    let run = async {
        office.approve(docket, &[]).await?;
        office.ended(docket).await
    };
    let phase = strikes::through(office, (docket, strikes::ROUNDS), run).await?;
    let took = world.now() - began;
    if phase != totals.due() {
        world.stuck(format!("the run over shares ended as {phase:?}"));
        return None;
    }
    joint::count_is(office, docket, totals.count);
    if phase == QuestionPhase::Completed {
        totals.opened(office, docket).await?;
    }
    let (by, parts, count, ms) = (totals.by, totals.parts, totals.count, took.as_millis());
    let text =
        format!("a question over shares by {by} in {parts}: {count:?}, {phase:?}, in {ms} ms");
    world.report.note(world.now().as_millis(), &text);
    Some(())
}

//! From a plan to the program that the three run: tables, terms, what is found.

use std::collections::BTreeMap;

use docket::{Plan, joint::NAME_WORDS, plan::JointPlan, statement::Count};
use mpc::{
    joint::{
        self, Gate, at_the_scenes, called_then_paid,
        risk_propagation::{self, Risks},
        sim_box,
        table::{Schema, Table},
        totals,
    },
    shares::{Party, Words},
};

use super::compute::Failed;
use crate::error::{Error, Result};

/// Percents as 256ths, rounded down.
const IN_256THS: i64 = 256;

/// What a program found, still shared.
pub(super) enum Found {
    Rows(Gate),
    Risks(Risks),
}

impl Found {
    /// The rows, still shared, if they are at most `cap`.
    pub(super) fn open(
        self,
        party: &mut Party<'_>,
        cap: usize,
    ) -> std::result::Result<Vec<Words>, mpc::Error> {
        match self {
            Self::Rows(gate) => gate.open(party, cap),
            Self::Risks(risks) => risks.open(party, cap),
        }
    }
}

fn number<T: TryFrom<i64>>(joint: &JointPlan, name: &str) -> Result<T> {
    let value = joint.terms.get(name).copied();
    value
        .and_then(|value| T::try_from(value).ok())
        .ok_or_else(|| Error::refused("plan-mismatch", format!("the plan has no {name}")))
}

/// The terms of `risk-propagation`.
pub(super) fn risk_terms(joint: &JointPlan) -> Result<risk_propagation::Terms> {
    let percent: i64 = number(joint, "delta_percent")?;
    let delta = u32::try_from(percent * IN_256THS / 100).unwrap_or(0);
    let iterations: usize = number(joint, "iterations")?;
    if iterations > mpc::limits::JOINT_ITERATIONS_MAX {
        return Err(Error::refused("plan-mismatch", "too many iterations"));
    }
    Ok(risk_propagation::Terms {
        score_bits: 7,
        weight_bits: query::WEIGHT_BITS,
        deltas: vec![delta; iterations],
        threshold: number(joint, "threshold")?,
        name_words: NAME_WORDS,
    })
}

/// The columns of a shared table.
///
/// # Errors
/// A refusal where no program of the plan's template has such a table.
pub(super) fn schema(plan: &Plan, joint: &JointPlan, table: &str) -> Result<Schema> {
    let time = query::time_bits(plan, joint);
    Ok(match table {
        "sightings" => at_the_scenes::sightings(joint.scenes.len(), NAME_WORDS),
        "sims" => sim_box::sims(query::CELL_BITS),
        "premises" => sim_box::premises(query::CELL_BITS, NAME_WORDS),
        "wet" => sim_box::wet(),
        "residents" => sim_box::residents(),
        "phones" => called_then_paid::phones(),
        "calls" => called_then_paid::calls(time),
        "transfers" => called_then_paid::transfers(time, NAME_WORDS),
        "subjects" => totals::subjects(),
        "facts" => totals::facts(query::GROUP_BITS, query::AMOUNT_BITS),
        "ledger" => risk_terms(joint)?.ledger(),
        _ => {
            return Err(Error::refused(
                "plan-mismatch",
                format!("no program has a table {table}"),
            ));
        }
    }?)
}

/// The tables of a plan, as they come: of the first part all, of the others those that
/// come in parts.
pub(super) trait Source {
    /// The tables of a part.
    ///
    /// # Errors
    /// What the node or the protocol fails with.
    fn tables(&mut self, party: &mut Party<'_>, part: usize) -> Done<BTreeMap<String, Table>>;
}

/// What a step of a program comes to.
pub(super) type Done<T> = std::result::Result<T, Failed>;

/// Takes a table of the plan.
fn take(tables: &mut BTreeMap<String, Table>, name: &str) -> Result<Table> {
    tables
        .remove(name)
        .ok_or_else(|| Error::refused("plan-mismatch", format!("the plan has no table {name}")))
}

/// The program of a plan.
struct Program<'a> {
    plan: &'a Plan,
    joint: &'a JointPlan,
    /// In how many parts its tables come, but for those that come whole.
    parts: usize,
}

impl Program<'_> {
    /// Runs `each` over every part, and puts together what they found.
    fn over_parts(
        &self,
        party: &mut Party<'_>,
        source: &mut dyn Source,
        mut each: impl FnMut(&mut Party<'_>, BTreeMap<String, Table>) -> Done<joint::Found>,
    ) -> Done<joint::Found> {
        let mut all: Option<joint::Found> = None;
        for part in 0..self.parts {
            let tables = source.tables(party, part)?;
            let found = each(party, tables)?;
            all = Some(match all {
                None => found,
                Some(all) => all.append(found)?,
            });
        }
        all.ok_or_else(|| Error::refused("plan-mismatch", "the plan has no parts").into())
    }

    fn at_the_scenes(&self, party: &mut Party<'_>, source: &mut dyn Source) -> Done<Gate> {
        let terms = at_the_scenes::Terms {
            scenes: self.joint.scenes.len(),
            least: number(self.joint, "least")?,
            name_words: NAME_WORDS,
        };
        let cap = usize::try_from(self.plan.answer_cap).unwrap_or(usize::MAX);
        let found = self.over_parts(party, source, |party, mut tables| {
            let table = take(&mut tables, "sightings")?;
            let found = at_the_scenes::found(party, &terms, &table)?;
            // More than the cap never open; how many they are is counted all the same.
            Ok(match self.parts {
                1 => found,
                _ => found.narrowed(party, cap)?,
            })
        })?;
        Ok(found.count(party)?)
    }

    fn sim_box(&self, party: &mut Party<'_>, source: &mut dyn Source) -> Done<Gate> {
        let terms = sim_box::Terms {
            cell_bits: query::CELL_BITS,
            least: number(self.joint, "sims")?,
            name_words: NAME_WORDS,
        };
        let mut tables = source.tables(party, 0)?;
        let (sims, premises) = (take(&mut tables, "sims")?, take(&mut tables, "premises")?);
        let mut left = sim_box::Suspects::under_busy_cells(party, &terms, (&sims, &premises))?;
        for part in 0..self.parts {
            if part > 0 {
                tables = source.tables(party, part)?;
            }
            left = left.that_are_dry(party, &take(&mut tables, "wet")?)?;
            left = left.of_no_resident(party, &take(&mut tables, "residents")?)?;
        }
        Ok(left.count(party)?)
    }

    fn called_then_paid(&self, party: &mut Party<'_>, source: &mut dyn Source) -> Done<Gate> {
        let terms = called_then_paid::Terms {
            time_bits: query::time_bits(self.plan, self.joint),
            least: number(self.joint, "least")?,
            name_words: NAME_WORDS,
        };
        let mut phones = None;
        let found = self.over_parts(party, source, |party, mut tables| {
            // The warrant's phones come whole, with the first part.
            let phones = match &mut phones {
                Some(phones) => phones,
                none => none.insert(take(&mut tables, "phones")?),
            };
            let (calls, paid) = (take(&mut tables, "calls")?, take(&mut tables, "transfers")?);
            let tables = (&*phones, &calls, &paid);
            Ok(match self.parts {
                1 => called_then_paid::payments(party, &terms, tables)?,
                _ => called_then_paid::part_of_payments(party, &terms, tables)?,
            })
        })?;
        Ok(called_then_paid::accounts(party, &terms, found)?)
    }

    fn totals(&self, party: &mut Party<'_>, source: &mut dyn Source) -> Done<totals::Totals> {
        let terms = totals::Terms {
            group_bits: query::GROUP_BITS,
            amount_bits: query::AMOUNT_BITS,
            least: number(self.joint, "group_min")?,
        };
        if self.parts == 1 {
            let mut tables = source.tables(party, 0)?;
            let (subjects, facts) = (take(&mut tables, "subjects")?, take(&mut tables, "facts")?);
            return Ok(totals::count(party, &terms, &subjects, &facts)?);
        }
        // All parts have as many rows.
        let mut in_all = 0;
        let found = self.over_parts(party, source, |party, mut tables| {
            let (subjects, facts) = (take(&mut tables, "subjects")?, take(&mut tables, "facts")?);
            in_all = facts.rows().saturating_mul(self.parts);
            Ok(totals::groups(party, &terms, (&subjects, &facts), in_all)?)
        })?;
        Ok(totals::of_parts(party, &terms, found, in_all)?)
    }
}

/// Runs the plan's program up to its count.
///
/// # Errors
/// A refusal for a plan that is none; what the protocol finds, or the source.
pub(super) fn count(
    party: &mut Party<'_>,
    plan: &Plan,
    joint: &JointPlan,
    source: &mut dyn Source,
) -> Done<(Count, Found)> {
    let parts = parts(joint);
    let program = Program { plan, joint, parts };
    let mut withheld = 0;
    let found = match plan.template.as_str() {
        "at-the-scenes" => Found::Rows(program.at_the_scenes(party, source)?),
        "sim-box" => Found::Rows(program.sim_box(party, source)?),
        "called-then-paid" => Found::Rows(program.called_then_paid(party, source)?),
        "totals" => {
            let totals = program.totals(party, source)?;
            withheld = totals.withheld as u64;
            Found::Rows(totals.groups)
        }
        "risk-propagation" => {
            let terms = risk_terms(joint)?;
            let table = take(&mut source.tables(party, 0)?, "ledger")?;
            Found::Risks(risk_propagation::count(party, &terms, &table)?)
        }
        other => {
            let detail = format!("no program is called {other}");
            return Err(Error::refused("template-unknown", detail).into());
        }
    };
    let rows = match &found {
        Found::Rows(gate) => gate.count(),
        Found::Risks(risks) => risks.count(),
    };
    let count = Count {
        rows: rows as u64,
        withheld,
    };
    Ok((count, found))
}

/// In how many parts the tables of a plan come that are cut.
pub(super) fn parts(joint: &JointPlan) -> usize {
    let tables = joint
        .inputs
        .iter()
        .map(|input| query::parts(joint, &input.table));
    tables.max().unwrap_or(1)
}

//! From a plan to the program that the three run: tables, terms, what is found.

use std::collections::BTreeMap;

use docket::{Plan, joint::NAME_WORDS, plan::JointPlan, statement::Count};
use mpc::{
    joint::{
        Gate, at_the_scenes, called_then_paid,
        risk_propagation::{self, Risks},
        sim_box,
        table::{Schema, Table},
        totals,
    },
    shares::{Party, Words},
};

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

/// Why a program ended without a count.
pub(super) enum Ended {
    /// The plan is none that can be run.
    Plan(Error),
    /// What the protocol found.
    Protocol(mpc::Error),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Plan(error)
    }
}

impl From<mpc::Error> for Ended {
    fn from(error: mpc::Error) -> Self {
        Self::Protocol(error)
    }
}

/// Runs the plan's program up to its count.
///
/// # Errors
/// A refusal for a plan that is none; what the protocol finds.
pub(super) fn count(
    party: &mut Party<'_>,
    plan: &Plan,
    joint: &JointPlan,
    mut tables: BTreeMap<String, Table>,
) -> std::result::Result<(Count, Found), Ended> {
    let mut take = |name: &str| {
        tables
            .remove(name)
            .ok_or_else(|| Error::refused("plan-mismatch", format!("the plan has no table {name}")))
    };
    let mut withheld = 0;
    let found = match plan.template.as_str() {
        "at-the-scenes" => {
            let terms = at_the_scenes::Terms {
                scenes: joint.scenes.len(),
                least: number(joint, "least")?,
                name_words: NAME_WORDS,
            };
            Found::Rows(at_the_scenes::count(party, &terms, &take("sightings")?)?)
        }
        "sim-box" => {
            let terms = sim_box::Terms {
                cell_bits: query::CELL_BITS,
                least: number(joint, "sims")?,
                name_words: NAME_WORDS,
            };
            let tables = sim_box::Tables {
                sims: take("sims")?,
                premises: take("premises")?,
                wet: take("wet")?,
                residents: take("residents")?,
            };
            Found::Rows(sim_box::count(party, &terms, &tables)?)
        }
        "called-then-paid" => {
            let terms = called_then_paid::Terms {
                time_bits: query::time_bits(plan, joint),
                least: number(joint, "least")?,
                name_words: NAME_WORDS,
            };
            let (phones, calls) = (take("phones")?, take("calls")?);
            let transfers = take("transfers")?;
            Found::Rows(called_then_paid::count(
                party, &terms, &phones, &calls, &transfers,
            )?)
        }
        "totals" => {
            let terms = totals::Terms {
                group_bits: query::GROUP_BITS,
                amount_bits: query::AMOUNT_BITS,
                least: number(joint, "group_min")?,
            };
            let (subjects, facts) = (take("subjects")?, take("facts")?);
            let totals = totals::count(party, &terms, &subjects, &facts)?;
            withheld = totals.withheld as u64;
            Found::Rows(totals.groups)
        }
        "risk-propagation" => {
            let terms = risk_terms(joint)?;
            Found::Risks(risk_propagation::count(party, &terms, &take("ledger")?)?)
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

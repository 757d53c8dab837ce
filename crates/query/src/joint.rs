//! Joint questions: what no institution can answer alone, and no subject seeds.
//!
//! Why it exists: a lookup begins at a subject; a joint question begins at scenes
//! or at the warrant's subjects, and is computed over shares by three members. Here
//! a question becomes a [`JointPlan`]: who shares which table selected from which
//! snapshots, who computes, with which numbers, and what opens. The programs
//! themselves are `mpc::joint`'s; `docs/formats/mpc-joint.md` has their tables.
//!
//! *Invariants*
//! - Every question begins at a scene or a subject of the order.
//! - The three that compute are two custodians, of different kinds where there are,
//!   and the authority: never the requester.
//! - A column that opens is open at its owner; one that is only computed with is
//!   not `never`.
//!
//! *Not here*: shares, keys, rows.

use std::collections::{BTreeMap, BTreeSet};

use docket::{
    Plan,
    joint::sets,
    plan::{
        Answer, AnswerRow, AnswerTable, Cell, JointInput, JointPlan, JointProof, Method, Parameters,
    },
    statement::{Asked, Joint},
};
use primitives::{Digest, InstitutionId};

use crate::{
    catalogue::Table,
    compile::Grant,
    error::{QueryRefusal, Rule, ensure},
};

mod program;
mod select;

pub use program::{AMOUNT_BITS, CELL_BITS, GROUP_BITS, Term, WEIGHT_BITS};
pub(crate) use program::{Input, Owner, Program, program, terms_of};
pub use select::{NOBODY, Selection, Word, cut_by, parts, selection, time_bits};

/// Fewest custodians of a joint question.
const CUSTODIANS_MIN: usize = 2;

/// The program of a joint question over these tables; custodians' come sorted.
pub(crate) fn compile(
    program: &Program,
    parameters: &Parameters,
    grant: &Grant<'_>,
    tables: &[&Table],
) -> Result<JointPlan, QueryRefusal> {
    let order = grant.order;
    ensure(
        u32::try_from(order.scenes.len()) == Ok(grant.terms.scenes)
            && order.scenes.windows(2).all(|pair| pair[0] < pair[1]),
        Rule::OrderMismatch,
        || "the order's scenes are not those that the warrant counts, sorted and distinct".into(),
    )?;
    for scene in &order.scenes {
        let inside = scene.from_ms < scene.to_ms
            && scene.from_ms >= order.window.from_ms
            && scene.to_ms <= order.window.to_ms;
        ensure(inside, Rule::OrderMismatch, || {
            "a scene lies outside the order's window".into()
        })?;
    }
    ensure(
        !program.scenes || !order.scenes.is_empty(),
        Rule::Seedless,
        || {
            format!(
                "{} begins from scenes, and the warrant names none",
                program.id
            )
        },
    )?;
    let terms = terms_of(program, parameters, grant)?;
    let inputs = match program.method {
        Method::Shares => inputs(program, grant, tables)?,
        Method::Sets => two_sets(program, grant, tables)?,
    };
    Ok(JointPlan {
        computing: computing(grant, &inputs)?,
        scenes: order.scenes.clone(),
        fields: (program.fields)(&terms, &custodians_of(grant, &inputs)),
        inputs,
        count_only: parameters.count_only,
        terms,
        method: program.method,
    })
}

/// Who takes part beside the custodians, as the question's record names them.
#[must_use]
pub fn joint_of(plan: &JointPlan, custodians: &[Asked]) -> Joint {
    let mut owners: BTreeMap<&InstitutionId, BTreeSet<Digest>> = BTreeMap::new();
    for input in &plan.inputs {
        if !custodians.iter().any(|one| one.institution == input.owner) {
            owners
                .entry(&input.owner)
                .or_default()
                .extend(&input.snapshots);
        }
    }
    Joint {
        computing: plan.computing.clone(),
        owners: owners
            .into_iter()
            .map(|(institution, snapshots)| Asked {
                institution: institution.clone(),
                snapshots: snapshots.into_iter().collect(),
            })
            .collect(),
        count_only: plan.count_only,
    }
}

/// The answer of a joint question from the words that the three gave, column by
/// column, and what they gave.
///
/// # Errors
/// [`Rule::RowShape`] where the words read as no rows of the plan.
pub fn assemble_joint(
    plan: &Plan,
    question: &Digest,
    session: &Digest,
    words: &[Vec<u64>],
    proof: JointProof,
) -> Result<Answer, QueryRefusal> {
    let joint = plan
        .joint
        .as_ref()
        .ok_or_else(|| QueryRefusal::new(Rule::PlanDiffers, "the plan is of lookups"))?;
    let rows = joint
        .rows(session, words)
        .map_err(|refusal| QueryRefusal::new(Rule::RowShape, refusal.detail))?;
    Ok(joint_answer(plan, joint, question, rows, proof))
}

/// The answer of a question over two sets from the names that both hold, ascending,
/// and what the three gave.
///
/// # Errors
/// [`Rule::PlanDiffers`] where the plan is of no sets.
pub fn assemble_sets(
    plan: &Plan,
    question: &Digest,
    names: Vec<String>,
    proof: JointProof,
) -> Result<Answer, QueryRefusal> {
    let joint = plan.joint.as_ref();
    let joint = joint
        .filter(|joint| joint.method == Method::Sets)
        .ok_or_else(|| QueryRefusal::new(Rule::PlanDiffers, "the plan is of no sets"))?;
    let rows = names.into_iter().map(|name| vec![Cell::Text(name)]);
    Ok(joint_answer(plan, joint, question, rows.collect(), proof))
}

fn joint_answer(
    plan: &Plan,
    joint: &JointPlan,
    question: &Digest,
    rows: Vec<Vec<Cell>>,
    proof: JointProof,
) -> Answer {
    let rows = rows.into_iter().map(|cells| AnswerRow {
        cells,
        origins: Vec::new(),
    });
    Answer {
        question: *question,
        template: plan.template.clone(),
        tables: vec![AnswerTable {
            step: 0,
            table: plan.template.to_string(),
            columns: joint.columns(),
            rows: rows.collect(),
        }],
        joint: Some(proof),
    }
}

/// The tables that are shared: of the program's in order, each owner's.
fn inputs(
    program: &Program,
    grant: &Grant<'_>,
    tables: &[&Table],
) -> Result<Vec<JointInput>, QueryRefusal> {
    let mut inputs = Vec::new();
    for input in program.inputs {
        let before = inputs.len();
        if input.owner == Owner::Authority {
            inputs.push(JointInput {
                table: input.table.into(),
                owner: grant.authority.clone(),
                snapshots: Vec::new(),
            });
            continue;
        }
        let holders: BTreeSet<&InstitutionId> = tables.iter().map(|t| &t.institution).collect();
        for owner in holders {
            if let Some(snapshots) = snapshots(input, owner, tables)? {
                inputs.push(JointInput {
                    table: input.table.into(),
                    owner: owner.clone(),
                    snapshots,
                });
            }
        }
        ensure(inputs.len() > before, Rule::TableMissing, || {
            let kinds: Vec<&str> = input.from.iter().map(|from| from.table).collect();
            format!(
                "nobody asked holds the tables that {} needs: {}",
                program.id,
                kinds.join(", ")
            )
        })?;
    }
    Ok(inputs)
}

/// The two custodians' sets, one each, by owner.
fn two_sets(
    program: &Program,
    grant: &Grant<'_>,
    tables: &[&Table],
) -> Result<Vec<JointInput>, QueryRefusal> {
    let holders: BTreeSet<&InstitutionId> = tables.iter().map(|t| &t.institution).collect();
    let asked = |owner: &&InstitutionId| grant.terms.custodians.contains(*owner);
    let mut inputs = Vec::new();
    for owner in holders.into_iter().filter(asked) {
        for input in program.inputs {
            if let Some(snapshots) = snapshots(input, owner, tables)? {
                inputs.push(JointInput {
                    table: input.table.into(),
                    owner: owner.clone(),
                    snapshots,
                });
            }
        }
    }
    let one_each = inputs.windows(2).all(|pair| pair[0].owner != pair[1].owner);
    ensure(
        inputs.len() == sets::HOLDERS && one_each,
        Rule::ParameterUnfit,
        || {
            let found: Vec<String> = inputs
                .iter()
                .map(|input| format!("{} ({})", input.owner, input.table))
                .collect();
            format!(
                "{} compares one set each of two custodians; name two of those that hold one: {}",
                program.id,
                found.join(", ")
            )
        },
    )?;
    Ok(inputs)
}

/// The snapshots that an owner selects an input from, if it holds every kind.
fn snapshots(
    input: &Input,
    owner: &InstitutionId,
    tables: &[&Table],
) -> Result<Option<Vec<Digest>>, QueryRefusal> {
    let mut all = Vec::new();
    for from in input.from {
        let before = all.len();
        let kind = |table: &&&Table| table.institution == *owner && table.table == from.table;
        for table in tables.iter().filter(kind) {
            // A company that meters something else holds tables of the same kind.
            if !from
                .columns
                .iter()
                .all(|(name, ..)| table.column(name).is_some())
            {
                continue;
            }
            for (name, semantic, opens) in from.columns {
                let place = || format!("{owner}.{}.{name}", table.dataset);
                let column = table.column(name);
                let means = column.is_some_and(|column| column.semantic == semantic.name());
                if !means {
                    let what = format!("the column is not {semantic}");
                    return Err(QueryRefusal::at(Rule::ColumnMeaning, place(), &what));
                }
                let disclosure = column.map_or("never", |column| &column.disclosure);
                if disclosure == "never" || (*opens && disclosure != "open") {
                    let what = format!("its disclosure is {disclosure}");
                    return Err(QueryRefusal::at(Rule::ColumnClosed, place(), &what));
                }
            }
            all.push(table.snapshot);
        }
        if all.len() == before {
            return Ok(None);
        }
    }
    Ok(Some(all))
}

fn custodians_of(grant: &Grant<'_>, inputs: &[JointInput]) -> Vec<InstitutionId> {
    let owners: BTreeSet<&InstitutionId> = inputs.iter().map(|input| &input.owner).collect();
    owners
        .into_iter()
        .filter(|owner| grant.terms.custodians.contains(*owner))
        .cloned()
        .collect()
}

/// Two custodians that share different tables, where there are, and the authority.
fn computing(grant: &Grant<'_>, inputs: &[JointInput]) -> Result<Vec<InstitutionId>, QueryRefusal> {
    let custodians = custodians_of(grant, inputs);
    ensure(
        custodians.len() >= CUSTODIANS_MIN,
        Rule::TableMissing,
        || {
            "a joint question needs tables of at least two custodians: one could answer alone"
                .into()
        },
    )?;
    let shares = |id: &InstitutionId| -> BTreeSet<&str> {
        let own = inputs.iter().filter(|input| input.owner == *id);
        own.map(|input| input.table.as_str()).collect()
    };
    let first = &custodians[0];
    let second = custodians[1..]
        .iter()
        .find(|other| shares(other) != shares(first))
        .unwrap_or(&custodians[1]);
    Ok(vec![first.clone(), second.clone(), grant.authority.clone()])
}

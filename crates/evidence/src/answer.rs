//! The answer, held against the plan that every custodian approved.
//!
//! *Invariants*: a row stands under a step of the plan, has that step's columns, and
//! names only snapshots that the plan reads.
//!
//! *Not here*: whether a row is true, or whether a step would have found more; the
//! rows themselves stay with the institutions.

use docket::plan::{Answer, AnswerTable, Plan, Step};
use primitives::Digest;

use crate::case::SourceTable;
use crate::finding::{Finding, Refused};

/// Checks the answer against plan, question and disclosed count; the rows of lookups
/// also against the plan's steps, those of a joint question elsewhere
/// ([`crate::joint`]).
///
/// # Errors
/// Refused, naming the answer's body.
pub(crate) fn check_answer(
    path: &str,
    answer: &Answer,
    plan: &Plan,
    sources: &[SourceTable],
    question: &Digest,
    rows: u32,
) -> Result<(), Refused> {
    let complain = |detail: &str| Refused::from(Finding::new(path, "answer-mismatch", detail));
    if answer.question != *question || answer.template != plan.template {
        return Err(complain("the answer to another question"));
    }
    if answer.rows() != rows as usize || rows > plan.answer_cap {
        return Err(complain(
            "not as many rows as were disclosed, or more than the cap",
        ));
    }
    if plan.joint.is_some() {
        return Ok(());
    }
    if answer.joint.is_some() {
        return Err(complain("parts of a joint answer where nothing was shared"));
    }
    if !answer.tables.is_sorted_by(|a, b| a.step < b.step) {
        return Err(complain("its tables are out of order"));
    }
    for table in &answer.tables {
        let step = plan
            .steps
            .get(usize::from(table.step))
            .filter(|step| step.table == table.table && step.columns == table.columns)
            .ok_or_else(|| complain("a table that the plan does not open"))?;
        if !table.rows.is_sorted_by(|a, b| a < b) {
            return Err(complain("rows out of order or repeated"));
        }
        check_rows(table, step, sources).map_err(complain)?;
    }
    Ok(())
}

fn check_rows(
    table: &AnswerTable,
    step: &Step,
    sources: &[SourceTable],
) -> Result<(), &'static str> {
    for row in &table.rows {
        if row.cells.len() != step.columns.len() {
            return Err("a row with more or fewer cells than columns");
        }
        if row.origins.is_empty() || !row.origins.is_sorted_by(|a, b| a < b) {
            return Err("a row without its origins in order");
        }
        let known = row.origins.iter().all(|origin| {
            sources.iter().any(|source| {
                source.record == origin.snapshot
                    && source.institution == origin.institution
                    && source.dataset.table == step.table
            })
        });
        if !known {
            return Err("a row from a table that the plan does not read");
        }
    }
    Ok(())
}

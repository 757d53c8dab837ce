//! The tables that a plan names, as the ledger has them: what a custodian
//! compiles a plan against, although newer snapshots may have been taken since.

use std::collections::BTreeSet;

use docket::{Plan, State};
use query::{Catalogue, Table};

use crate::error::{Error, Result};

/// The snapshots that a plan names, as the ledger has them.
///
/// # Errors
/// A refusal where the ledger has no such snapshot of that custodian.
pub(crate) fn of_plan(state: &State, plan: &Plan) -> Result<Catalogue> {
    let unknown = || Error::refused("snapshot-unknown", "the plan names an unknown snapshot");
    let mut tables = Vec::new();
    let mut seen = BTreeSet::new();
    let custodians = plan.custodians.iter().flat_map(|custodian| {
        let tables = custodian.tables.iter();
        tables.map(|table| (&custodian.institution, &table.snapshot))
    });
    // What the requester itself shares of a joint question.
    let inputs = plan.joint.iter().flat_map(|joint| &joint.inputs);
    let shared = inputs.flat_map(|input| input.snapshots.iter().map(|one| (&input.owner, one)));
    for (institution, wanted) in custodians.chain(shared) {
        let snapshot = state
            .snapshot(wanted)
            .filter(|known| known.institution == *institution)
            .ok_or_else(unknown)?;
        if !seen.insert(*wanted) {
            continue;
        }
        let statement = &snapshot.statement;
        let dataset = state.dataset(&statement.dataset).ok_or_else(unknown)?;
        tables.push(Table {
            institution: snapshot.institution.clone(),
            table: dataset.entry.table.clone(),
            dataset: dataset.entry.dataset.clone(),
            columns: dataset.entry.columns.clone(),
            keys: statement.keys.clone(),
            snapshot: *wanted,
            rows: statement.rows,
        });
    }
    Ok(Catalogue { tables })
}

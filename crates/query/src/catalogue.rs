//! The tables that can be asked: each custodian's latest committed snapshots.

use std::collections::BTreeMap;

use docket::{
    State,
    statement::{Column, LookupKey},
};
use primitives::{Digest, InstitutionId};

/// Every custodian's tables, the latest snapshot of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// The tables, in any order.
    pub tables: Vec<Table>,
}

/// A table with its latest snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its custodian.
    pub institution: InstitutionId,
    /// The table's kind.
    pub table: String,
    /// The table's name at its custodian.
    pub dataset: String,
    /// Its columns with meaning and disclosure.
    pub columns: Vec<Column>,
    /// The snapshot's lookup keys.
    pub keys: Vec<LookupKey>,
    /// The record of the snapshot.
    pub snapshot: Digest,
    /// Rows of the snapshot.
    pub rows: u64,
}

impl Catalogue {
    /// The catalogue that the ledger's state shows. Where a table was published
    /// more than once, the entry whose snapshot was extracted last counts.
    #[must_use]
    pub fn of(state: &State) -> Self {
        let mut latest = BTreeMap::new();
        for (_, dataset) in state.datasets() {
            let Some((record, snapshot)) = dataset
                .latest
                .and_then(|record| Some((record, state.snapshot(&record)?)))
            else {
                continue;
            };
            let statement = &snapshot.statement;
            let table = Table {
                institution: dataset.institution.clone(),
                table: dataset.entry.table.clone(),
                dataset: dataset.entry.dataset.clone(),
                columns: dataset.entry.columns.clone(),
                keys: statement.keys.clone(),
                snapshot: record,
                rows: statement.rows,
            };
            let age = (statement.extracted_ms, record);
            let place = (table.institution.clone(), table.dataset.clone());
            match latest.get(&place) {
                Some((known, _)) if *known >= age => {}
                _ => {
                    latest.insert(place, (age, table));
                }
            }
        }
        Self {
            tables: latest.into_values().map(|(_, table)| table).collect(),
        }
    }
}

impl Table {
    /// The column with this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The key with this name.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&LookupKey> {
        self.keys.iter().find(|key| key.name == name)
    }
}

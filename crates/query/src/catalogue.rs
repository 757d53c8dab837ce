//! The tables that can be asked: each custodian's latest committed snapshots.

use std::collections::BTreeMap;

use docket::{State, statement::Column};
use primitives::{Digest, InstitutionId};

/// Every custodian's tables, the latest snapshot of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// The tables, sorted by institution, kind and name.
    pub tables: Vec<CatalogueTable>,
}

/// A table with its latest snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueTable {
    /// Its custodian.
    pub institution: InstitutionId,
    /// The table's kind.
    pub table: String,
    /// The table's name at its custodian.
    pub dataset: String,
    /// Its columns with meaning and disclosure.
    pub columns: Vec<Column>,
    /// Its lookup keys.
    pub keys: Vec<CatalogueKey>,
    /// The record of the snapshot.
    pub snapshot: Digest,
    /// Rows of the snapshot.
    pub rows: u64,
}

/// A lookup key of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueKey {
    /// The key's name.
    pub name: String,
    /// Distinct values.
    pub distinct: u64,
    /// Bits of a bucket's number; 0: the whole table is one bucket.
    pub bucket_bits: u8,
}

impl Catalogue {
    /// The catalogue of tables given in any order.
    #[must_use]
    pub fn new(mut tables: Vec<CatalogueTable>) -> Self {
        tables.sort_by(|a, b| {
            (&a.institution, &a.table, &a.dataset).cmp(&(&b.institution, &b.table, &b.dataset))
        });
        Self { tables }
    }

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
            let table = CatalogueTable {
                institution: dataset.institution.clone(),
                table: dataset.entry.table.clone(),
                dataset: dataset.entry.dataset.clone(),
                columns: dataset.entry.columns.clone(),
                keys: statement
                    .keys
                    .iter()
                    .map(|key| CatalogueKey {
                        name: key.name.clone(),
                        distinct: key.distinct,
                        bucket_bits: key.bucket_bits,
                    })
                    .collect(),
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
        Self::new(latest.into_values().map(|(_, table)| table).collect())
    }
}

impl CatalogueTable {
    /// The column with this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The key with this name.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&CatalogueKey> {
        self.keys.iter().find(|key| key.name == name)
    }
}

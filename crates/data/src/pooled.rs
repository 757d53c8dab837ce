//! The oracle of the questions' tests: plain SQL over the tables of every institution
//! of a city folder, pooled as no real system may pool them.
//!
//! Views `subscribers`, `calls`, `accounts`, `transfers` and `residents` hold the canonical rows of
//! all institutions' snapshots and a column `institution`. Amounts are fen, instants
//! milliseconds, as in a snapshot.
//!
//! *Not here*: anything that a node uses; the feature `pooled` is for tests.

use std::collections::BTreeMap;
use std::path::Path;

use datafusion::prelude::{DataFrame, SessionContext, lit};

use crate::engine;
use crate::error::DataError;
use crate::limits::MEMORY_BYTES_DEFAULT;
use crate::selection::extend;
use crate::snapshot::{Cancel, Snapshot, TakeOptions};
use crate::spec::city;
use crate::value::Row;

/// Kinds whose tables have the same columns everywhere; the others' views are named
/// after their institution too (`power_premises`).
const KINDS: [&str; 5] = ["subscribers", "calls", "accounts", "transfers", "residents"];

/// A pooled city.
pub struct Pool {
    session: SessionContext,
    _folder: tempfile::TempDir,
}

impl Pool {
    /// Takes a snapshot of every telecom's and bank's tables, into a folder that goes
    /// away with the pool.
    ///
    /// # Errors
    /// As [`Snapshot::take`].
    pub async fn open(city: &Path) -> Result<Self, DataError> {
        let folder = tempfile::tempdir().map_err(|e| DataError::io("create", city, &e))?;
        let session = engine::session(MEMORY_BYTES_DEFAULT, Some(folder.path()))?;
        let mut views: BTreeMap<String, DataFrame> = BTreeMap::new();
        for institution in institutions(city)? {
            for spec in city::datasets(city, &institution) {
                let name = if KINDS.contains(&spec.kind.as_str()) {
                    spec.kind.clone()
                } else {
                    format!("{institution}_{}", spec.kind)
                };
                let options = TakeOptions::new([0; 32], 0);
                let target = folder.path().join(&spec.name);
                let mut silent = |_| {};
                let taken =
                    Snapshot::take(&spec, &target, &options, &mut silent, &Cancel::default())
                        .await?;
                let failed = |e| DataError::engine("pool the tables", &e);
                let table = engine::table(&session, &taken.rows_file()).await?;
                let table = table
                    .with_column("institution", lit(institution.clone()))
                    .map_err(failed)?;
                let pooled = match views.remove(&name) {
                    None => table,
                    Some(others) => others.union(table).map_err(failed)?,
                };
                views.insert(name, pooled);
            }
        }
        for (name, view) in views {
            session
                .register_table(name, view.into_view())
                .map_err(|e| DataError::engine("pool the tables", &e))?;
        }
        Ok(Self {
            session,
            _folder: folder,
        })
    }

    /// Runs a query; floats come as text, booleans as 0 and 1.
    ///
    /// # Errors
    /// Trouble if the query does not fit the tables or fails.
    pub async fn sql(&self, sql: &str) -> Result<Vec<Row>, DataError> {
        let failed = |e| DataError::engine("run the query", &e);
        let batches = self
            .session
            .sql(sql)
            .await
            .map_err(failed)?
            .collect()
            .await
            .map_err(failed)?;
        let mut rows = Vec::new();
        for batch in batches {
            extend(&mut rows, batch.columns(), batch.num_rows())?;
        }
        Ok(rows)
    }
}

fn institutions(city: &Path) -> Result<Vec<String>, DataError> {
    let failed = |e: std::io::Error| DataError::io("read", city, &e);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(city).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_dir() {
            names.extend(entry.file_name().into_string());
        }
    }
    names.sort();
    Ok(names)
}

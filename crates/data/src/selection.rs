//! What a joint question selects from this institution's own snapshots, before it
//! is split into shares.
//!
//! Why it exists: a shared table is rarely a table as it stands, but rows of
//! several, filtered, joined and counted. The plan says which, as one query over
//! views named as the tables' kinds; the rows stay in this process.
//!
//! *Invariants*: the query reads the given snapshots and nothing else (the session
//! knows no other table and no file); one batch of rows is held at a time.
//!
//! *Not here*: which query, and whether it may be asked (`query`).

use std::collections::BTreeMap;
use std::path::Path;

use datafusion::arrow::array::{Array, ArrayRef, AsArray as _};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::{DataFrame, SQLOptions, SessionContext};
use futures::StreamExt as _;

use crate::engine;
use crate::error::{DataError, Rule};
use crate::guard::caught_async;
use crate::limits::MEMORY_BYTES_DEFAULT;
use crate::snapshot::{Cancel, Snapshot};
use crate::value::{Row, Value};

/// The rows of a query, some thousands at a time.
pub struct Selection {
    stream: SendableRecordBatchStream,
    cancel: Cancel,
    rows_max: usize,
    rows: usize,
}

impl Selection {
    /// Begins a query over snapshots, tables of one kind as one view; it gives at most
    /// `rows_max` rows. What does not fit into memory is sorted in `spill`.
    ///
    /// # Errors
    /// A refusal where the query would do more than read; trouble if it does not fit the
    /// tables.
    pub async fn begin(
        snapshots: &[&Snapshot],
        sql: &str,
        rows_max: usize,
        spill: &Path,
        cancel: &Cancel,
    ) -> Result<Self, DataError> {
        let session = engine::session(MEMORY_BYTES_DEFAULT, Some(spill))?;
        let failed = |e| DataError::engine("open the snapshots", &e);
        let mut views: BTreeMap<&str, DataFrame> = BTreeMap::new();
        for snapshot in snapshots {
            let table = engine::table(&session, &snapshot.rows_file()).await?;
            let kind = snapshot.spec().kind.as_str();
            let view = match views.remove(kind) {
                None => table,
                Some(others) => others.union_by_name(table).map_err(failed)?,
            };
            views.insert(kind, view);
        }
        for (kind, view) in views {
            session
                .register_table(kind, view.into_view())
                .map_err(failed)?;
        }
        Ok(Self {
            stream: read(&session, sql).await?,
            cancel: cancel.clone(),
            rows_max,
            rows: 0,
        })
    }

    /// The next rows, in the engine's order; none at the end.
    ///
    /// # Errors
    /// A refusal where there are more rows than may be; trouble if the query fails;
    /// [`crate::ErrorKind::Cancelled`].
    pub async fn next(&mut self) -> Result<Option<Vec<Row>>, DataError> {
        let doing = || "run the query".to_owned();
        let Some(batch) = caught_async(doing, self.stream.next()).await? else {
            return Ok(None);
        };
        self.cancel.check()?;
        let batch = batch.map_err(|e| DataError::engine("run the query", &e))?;
        self.rows += batch.num_rows();
        if self.rows > self.rows_max {
            let detail = format!("the selection has more than {} rows", self.rows_max);
            return Err(DataError::refusal(Rule::Limit, detail));
        }
        let mut rows = Vec::with_capacity(batch.num_rows());
        extend(&mut rows, batch.columns(), batch.num_rows())?;
        Ok(Some(rows))
    }
}

/// Begins a query that can only read.
async fn read(session: &SessionContext, sql: &str) -> Result<SendableRecordBatchStream, DataError> {
    let failed = |e| DataError::engine("run the query", &e);
    let only_reading = SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false);
    let frame = session
        .sql_with_options(sql, only_reading)
        .await
        .map_err(failed)?;
    let running = caught_async(|| "run the query".to_owned(), frame.execute_stream());
    running.await?.map_err(failed)
}

/// Adds a batch's rows; floats come as text, booleans as 0 and 1.
pub(crate) fn extend(
    rows: &mut Vec<Row>,
    columns: &[ArrayRef],
    count: usize,
) -> Result<(), DataError> {
    let columns: Vec<Vec<Value>> = columns.iter().map(values).collect::<Result<_, _>>()?;
    rows.extend((0..count).map(|i| columns.iter().map(|c| c[i].clone()).collect()));
    Ok(())
}

fn values(column: &ArrayRef) -> Result<Vec<Value>, DataError> {
    let shape =
        |_| DataError::trouble("read the query's result", "a type that has no value", false);
    let kind = column.data_type();
    if kind.is_integer() || *kind == DataType::Boolean {
        let wide = cast(column, &DataType::Int64).map_err(shape)?;
        let wide = wide.as_primitive::<Int64Type>();
        return Ok(wide
            .iter()
            .map(|v| v.map_or(Value::Null, Value::Int))
            .collect());
    }
    let text = cast(column, &DataType::Utf8).map_err(shape)?;
    let text = text.as_string::<i32>();
    Ok(text
        .iter()
        .map(|v| v.map_or(Value::Null, |t| Value::Text(t.to_owned())))
        .collect())
}

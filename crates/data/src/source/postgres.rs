//! A PostgreSQL table, through a cursor, in one read-only repeatable-read transaction.
//!
//! Every column is cast to text by the server in ISO style and UTC, so that the
//! normaliser sees what a CSV export would hold. Without `order_by` the rows come in
//! the table's physical order (synchronised scans are switched off), which an update
//! changes; with it, in that order.
//!
//! *Not here*: TLS. The URL is for a server on this machine or behind a tunnel.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, StringBuilder};
use tokio_postgres::{Client, NoTls};

use super::RawBatch;
use crate::error::DataError;
use crate::limits::BATCH_ROWS;
use crate::spec::PostgresUrl;

const SETTINGS: &str = "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; \
     SET extra_float_digits = 1; SET synchronize_seqscans = off; \
     BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

pub(crate) struct PostgresRows {
    client: Client,
    connection: tokio::task::JoinHandle<()>,
    fetch: String,
    columns: usize,
    done: bool,
}

impl PostgresRows {
    pub(crate) async fn open(
        url: &PostgresUrl,
        table: &str,
        order_by: &[String],
        names: &[&str],
    ) -> Result<Self, DataError> {
        let (client, connection) = tokio_postgres::connect(&url.0, NoTls)
            .await
            .map_err(|e| trouble("connect to PostgreSQL", &e))?;
        let connection = tokio::spawn(async move {
            // A broken connection reaches the reader as the error of its own query.
            let _ = connection.await;
        });
        let rows = Self {
            client,
            connection,
            fetch: format!("FETCH {BATCH_ROWS} FROM cordon_rows"),
            columns: names.len(),
            done: false,
        };
        let doing = "open a cursor on the PostgreSQL table";
        rows.client
            .batch_execute(SETTINGS)
            .await
            .map_err(|e| trouble(doing, &e))?;
        let declare = declare(table, order_by, names);
        rows.client
            .batch_execute(&declare)
            .await
            .map_err(|e| trouble(doing, &e))?;
        Ok(rows)
    }

    pub(crate) async fn next(&mut self) -> Result<Option<RawBatch>, DataError> {
        if self.done {
            return Ok(None);
        }
        let doing = "fetch rows from PostgreSQL";
        let fetched = self
            .client
            .query(&self.fetch, &[])
            .await
            .map_err(|e| trouble(doing, &e))?;
        if fetched.is_empty() {
            self.done = true;
            self.client
                .batch_execute("COMMIT")
                .await
                .map_err(|e| trouble(doing, &e))?;
            return Ok(None);
        }
        let mut builders: Vec<StringBuilder> =
            (0..self.columns).map(|_| StringBuilder::new()).collect();
        for row in &fetched {
            for (i, builder) in builders.iter_mut().enumerate() {
                let value: Option<&str> = row.try_get(i).map_err(|e| trouble(doing, &e))?;
                builder.append_option(value);
            }
        }
        let columns = builders
            .into_iter()
            .map(|mut b| Arc::new(b.finish()) as ArrayRef)
            .collect();
        Ok(Some(RawBatch {
            columns,
            rows: fetched.len(),
            broken: BTreeMap::new(),
        }))
    }
}

impl Drop for PostgresRows {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

fn declare(table: &str, order_by: &[String], names: &[&str]) -> String {
    let columns: Vec<String> = names
        .iter()
        .map(|n| format!("{}::text", quote(n)))
        .collect();
    let table: Vec<String> = table.split('.').map(quote).collect();
    let mut sql = format!(
        "DECLARE cordon_rows NO SCROLL CURSOR FOR SELECT {} FROM {}",
        columns.join(", "),
        table.join(".")
    );
    if !order_by.is_empty() {
        let order: Vec<String> = order_by.iter().map(|c| quote(c)).collect();
        sql.push_str(" ORDER BY ");
        sql.push_str(&order.join(", "));
    }
    sql
}

fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// Our statements carry no values, so a server's message can quote none.
fn trouble(doing: &str, error: &tokio_postgres::Error) -> DataError {
    match error.as_db_error() {
        Some(db) => {
            let retry = matches!(db.code().code().get(..2), Some("08" | "40" | "53" | "57"));
            DataError::trouble(
                doing,
                format!("{} ({})", db.message(), db.code().code()),
                retry,
            )
        }
        None => DataError::trouble(doing, "no connection, or the URL is wrong", true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_cannot_leave_their_quotes() {
        let sql = declare("bank.t\"; DROP TABLE x", &["a".to_owned()], &["c\"d"]);
        assert_eq!(
            sql,
            "DECLARE cordon_rows NO SCROLL CURSOR FOR SELECT \"c\"\"d\"::text \
             FROM \"bank\".\"t\"\"; DROP TABLE x\" ORDER BY \"a\""
        );
    }
}

//! Rows as the source has them, a batch at a time, in the source's own order.
//!
//! Why it exists: three kinds of source, one normaliser. A CSV is read here and not
//! by the engine, because the engine gives up on the whole file at the first line
//! with a field too many or a byte that is not UTF-8, and an institution's export
//! has both; here such a line is one rejected row.
//!
//! *Not here*: meaning. A batch holds whatever arrays the source gave.

use std::collections::BTreeMap;
use std::path::Path;

use datafusion::arrow::array::ArrayRef;

use crate::error::{DataError, Rule};
use crate::limits::FILE_COLUMNS_MAX;
use crate::spec::{DatasetSpec, Source};

mod csv;
mod parquet;
mod postgres;

pub(crate) use csv::CsvRows;
pub(crate) use parquet::ParquetRows;

/// Up to [`crate::limits::BATCH_ROWS`] rows: one array a column of the spec.
pub(crate) struct RawBatch {
    pub(crate) columns: Vec<ArrayRef>,
    pub(crate) rows: usize,
    /// Rows that could not be taken apart, by position; their arrays hold nulls.
    pub(crate) broken: BTreeMap<usize, Broken>,
}

/// Why a row could not even be taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    Fields,
    Encoding,
}

impl Broken {
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Fields => "the line has another number of fields than the header",
            Self::Encoding => "the line is not UTF-8",
        }
    }
}

/// An open source.
pub(crate) enum Reader {
    Csv(CsvRows),
    Parquet(ParquetRows),
    Postgres(Box<postgres::PostgresRows>),
}

impl Reader {
    pub(crate) async fn open(spec: &DatasetSpec) -> Result<Self, DataError> {
        let names: Vec<&str> = spec
            .columns
            .iter()
            .map(|c| c.source_name.as_str())
            .collect();
        match &spec.source {
            Source::Csv { path } => CsvRows::open(path, Some(&names)).map(Self::Csv),
            Source::Parquet { path } => ParquetRows::open(path, Some(&names)).map(Self::Parquet),
            Source::Postgres {
                url,
                table,
                order_by,
            } => {
                let rows = postgres::PostgresRows::open(url, table, order_by, &names).await?;
                Ok(Self::Postgres(Box::new(rows)))
            }
        }
    }

    pub(crate) async fn next(&mut self) -> Result<Option<RawBatch>, DataError> {
        match self {
            Self::Csv(rows) => rows.next(),
            Self::Parquet(rows) => rows.next(),
            Self::Postgres(rows) => rows.next().await,
        }
    }
}

/// Refuses a file with more columns than any table has: each is looked for among all.
fn check_width(columns: usize, path: &Path) -> Result<(), DataError> {
    if columns <= FILE_COLUMNS_MAX {
        return Ok(());
    }
    let doing = format!("read {}", path.display());
    let cause = format!("{columns} columns, at most {FILE_COLUMNS_MAX}");
    Err(DataError::trouble(doing, cause, false))
}

fn unknown_column(name: &str) -> DataError {
    DataError::refusal(
        Rule::ColumnKnown,
        format!("the source has no column {name}"),
    )
}

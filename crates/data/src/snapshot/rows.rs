//! The rows that a lookup may send: by ranges of the bucket hash, through a filter,
//! with open columns only.
//!
//! The engine gets at most [`SCAN_RANGES_MAX`] ranges, so that its plan stays small;
//! more are covered by joining the closest, and what lies between is dropped here.
//! Row groups and pages outside the cover are not read.

use std::fs::File;
use std::ops::{Range, RangeInclusive};
use std::path::Path;

use datafusion::arrow::array::{Array as _, AsArray as _, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Int64Type, UInt64Type};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::{Expr, col, lit};
use futures::StreamExt as _;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use primitives::Digest;
use proof::{Frontier, leaf_hash};

use super::{HASH, INPUT, ROW, Snapshot, key_file};
use crate::engine;
use crate::error::{DataError, Rule};
use crate::guard::{caught, caught_async};
use crate::limits::{BUCKET_RANGES_MAX, MEMORY_BYTES_MIN, SCAN_RANGES_MAX};
use crate::spec::{DatasetSpec, Disclosure};
use crate::value::{Row, Value, write_cbor};

/// Which rows of the buckets are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowFilter {
    /// Rows whose time lies in it, milliseconds since 1970, end excluded.
    pub window_ms: Option<Range<i64>>,
    /// Rows of at least this amount, in fen.
    pub min_amount_minor: Option<i64>,
}

/// A row and the input that it was found under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedRow {
    /// Bucket hash of the input.
    pub bucket_hash: u64,
    /// The input: `Selector::to_input`.
    pub input: Vec<u8>,
    /// Leaf index of the row under the snapshot's root.
    pub row: u64,
    /// The columns asked for, in the order asked for.
    pub values: Row,
}

impl KeyedRow {
    /// Deterministic CBOR of the values, as `primitives::cbor` writes it.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 * self.values.len());
        write_cbor(&self.values, &mut out);
        out
    }
}

/// Disjoint ranges of bucket hashes in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketRanges(Vec<RangeInclusive<u64>>);

impl BucketRanges {
    /// Sorts and joins ranges; empty ones vanish.
    #[must_use]
    pub fn new(ranges: &[RangeInclusive<u64>]) -> Self {
        let mut sorted: Vec<_> = ranges.iter().filter(|r| !r.is_empty()).cloned().collect();
        sorted.sort_unstable_by_key(|r| *r.start());
        let mut joined: Vec<RangeInclusive<u64>> = Vec::with_capacity(sorted.len());
        for range in sorted {
            match joined.last_mut() {
                Some(last) if *range.start() <= last.end().saturating_add(1) => {
                    *last = *last.start()..=*last.end().max(range.end());
                }
                _ => joined.push(range),
            }
        }
        Self(joined)
    }

    /// The ranges.
    #[must_use]
    pub fn as_slice(&self) -> &[RangeInclusive<u64>] {
        &self.0
    }

    /// Whether a hash lies in one of them.
    #[must_use]
    pub fn contains(&self, hash: u64) -> bool {
        let after = self.0.partition_point(|r| *r.start() <= hash);
        after
            .checked_sub(1)
            .is_some_and(|i| self.0[i].contains(&hash))
    }

    /// At most `limit` ranges that cover these, joined over the smallest gaps.
    fn cover(&self, limit: usize) -> Vec<RangeInclusive<u64>> {
        if self.0.len() <= limit {
            return self.0.clone();
        }
        let mut gaps: Vec<(u64, usize)> = (1..self.0.len())
            .map(|i| (self.0[i].start() - self.0[i - 1].end(), i))
            .collect();
        let kept = limit.max(1) - 1;
        gaps.sort_unstable_by(|a, b| b.cmp(a));
        let mut breaks: Vec<usize> = gaps.into_iter().take(kept).map(|(_, i)| i).collect();
        breaks.sort_unstable();
        breaks.push(self.0.len());
        let mut from = 0;
        let mut cover = Vec::with_capacity(breaks.len());
        for to in breaks {
            cover.push(*self.0[from].start()..=*self.0[to - 1].end());
            from = to;
        }
        cover
    }
}

/// Rows of [`Snapshot::rows`], one at a time; one batch is in memory.
pub struct RowStream {
    buckets: BucketRanges,
    batches: Option<SendableRecordBatchStream>,
    batch: Option<RecordBatch>,
    next: usize,
}

impl RowStream {
    /// The next row, `None` at the end.
    ///
    /// # Errors
    /// Trouble if the file cannot be read; the stream is at its end then.
    pub async fn next(&mut self) -> Result<Option<KeyedRow>, DataError> {
        loop {
            while let Some(batch) = &self.batch
                && self.next < batch.num_rows()
            {
                let at = self.next;
                self.next += 1;
                let hash = hash_at(batch, at)?;
                if self.buckets.contains(hash) {
                    return keyed_row(batch, at).map(Some);
                }
            }
            let Some(batches) = &mut self.batches else {
                return Ok(None);
            };
            let step = caught_async(|| "read rows".to_owned(), batches.next()).await;
            let step = step.inspect_err(|_| (self.batches, self.batch) = (None, None))?;
            match step {
                Some(Ok(batch)) => (self.batch, self.next) = (Some(batch), 0),
                Some(Err(error)) => {
                    (self.batches, self.batch) = (None, None);
                    return Err(DataError::engine("read rows", &error));
                }
                None => (self.batches, self.batch) = (None, None),
            }
        }
    }

    /// All rows that are left; the caller knows that they fit in memory.
    ///
    /// # Errors
    /// As [`RowStream::next`].
    pub async fn collect(mut self) -> Result<Vec<KeyedRow>, DataError> {
        let mut rows = Vec::new();
        while let Some(row) = self.next().await? {
            rows.push(row);
        }
        Ok(rows)
    }
}

fn another_schema() -> DataError {
    DataError::trouble("read rows", "a key file has another schema", false)
}

fn hash_at(batch: &RecordBatch, at: usize) -> Result<u64, DataError> {
    let hashes = batch.column(0).as_primitive_opt::<UInt64Type>();
    Ok(hashes.ok_or_else(another_schema)?.value(at))
}

fn keyed_row(batch: &RecordBatch, at: usize) -> Result<KeyedRow, DataError> {
    let damaged = another_schema;
    let input = batch.column(1).as_binary_opt::<i32>().ok_or_else(damaged)?;
    let row = batch
        .column(2)
        .as_primitive_opt::<UInt64Type>()
        .ok_or_else(damaged)?;
    Ok(KeyedRow {
        bucket_hash: hash_at(batch, at)?,
        input: input.value(at).to_vec(),
        row: row.value(at),
        values: values(batch, 3, at).ok_or_else(damaged)?,
    })
}

/// The values of a row from column `from` on.
fn values(batch: &RecordBatch, from: usize, at: usize) -> Option<Row> {
    let value = |column: &datafusion::arrow::array::ArrayRef| {
        if column.is_null(at) {
            return Some(Value::Null);
        }
        match column.data_type() {
            DataType::Int64 => Some(Value::Int(column.as_primitive::<Int64Type>().value(at))),
            DataType::Utf8 => Some(Value::Text(column.as_string::<i32>().value(at).to_owned())),
            _ => None,
        }
    };
    batch.columns()[from..].iter().map(value).collect()
}

pub(super) async fn open(
    snapshot: &Snapshot,
    key: &str,
    buckets: &[RangeInclusive<u64>],
    filter: &RowFilter,
    columns: &[String],
) -> Result<RowStream, DataError> {
    let spec = snapshot.spec();
    snapshot.key_report(key)?;
    for column in columns {
        allowed(spec, column, Rule::DisclosureOpen, |d| {
            d == Disclosure::Open
        })?;
    }
    if buckets.len() > BUCKET_RANGES_MAX {
        return Err(DataError::refusal(
            Rule::Limit,
            "bucket ranges of one request",
        ));
    }
    let buckets = BucketRanges::new(buckets);
    let mut predicate = filter_expr(spec, filter)?;
    let Some(ranges) = any_of(&buckets.cover(SCAN_RANGES_MAX)) else {
        return Ok(RowStream {
            buckets,
            batches: None,
            batch: None,
            next: 0,
        });
    };
    predicate.push(ranges);
    let predicate = predicate
        .into_iter()
        .reduce(Expr::and)
        .unwrap_or_else(|| lit(true));

    let doing = "read rows";
    let failed = |e| DataError::engine(doing, &e);
    let session = engine::session(MEMORY_BYTES_MIN, None)?;
    let table = engine::table(&session, &snapshot.folder().join(key_file(key))).await?;
    let mut projection = vec![quoted(HASH), quoted(INPUT), quoted(ROW)];
    for (i, column) in columns.iter().enumerate() {
        // A column asked for twice comes twice.
        projection.push(quoted(column).alias(format!("c{i}")));
    }
    let plan = table
        .filter(predicate)
        .and_then(|t| t.select(projection))
        .map_err(failed)?;
    let batches = caught_async(|| doing.to_owned(), plan.execute_stream());
    let batches = batches.await?.map_err(failed)?;
    Ok(RowStream {
        buckets,
        batches: Some(batches),
        batch: None,
        next: 0,
    })
}

fn quoted(name: &str) -> Expr {
    col(name)
}

fn any_of(ranges: &[RangeInclusive<u64>]) -> Option<Expr> {
    let one = |r: &RangeInclusive<u64>| {
        quoted(HASH)
            .gt_eq(lit(*r.start()))
            .and(quoted(HASH).lt_eq(lit(*r.end())))
    };
    ranges.iter().map(one).reduce(Expr::or)
}

fn filter_expr(spec: &DatasetSpec, filter: &RowFilter) -> Result<Vec<Expr>, DataError> {
    let column = |name: Option<&String>, what: &str| {
        let missing = || {
            DataError::refusal(
                Rule::FilterColumn,
                format!("{}: no {what} column", spec.name),
            )
        };
        let name = name.ok_or_else(missing)?;
        allowed(spec, name, Rule::DisclosureCompare, |d| {
            matches!(d, Disclosure::Open | Disclosure::CompareOnly)
        })?;
        Ok::<_, DataError>(quoted(name))
    };
    let mut predicate = Vec::new();
    if let Some(window) = &filter.window_ms {
        let time = column(spec.time.as_ref(), "time")?;
        predicate.push(
            time.clone()
                .gt_eq(lit(window.start))
                .and(time.lt(lit(window.end))),
        );
    }
    if let Some(least) = filter.min_amount_minor {
        predicate.push(column(spec.amount.as_ref(), "amount")?.gt_eq(lit(least)));
    }
    Ok(predicate)
}

fn allowed(
    spec: &DatasetSpec,
    column: &str,
    rule: Rule,
    may: impl Fn(Disclosure) -> bool,
) -> Result<(), DataError> {
    let about = || format!("{}.{column}", spec.name);
    match spec.column(column).map(|i| spec.columns[i].disclosure) {
        Some(disclosure) if may(disclosure) => Ok(()),
        Some(_) => Err(DataError::refusal(rule, about())),
        None => Err(DataError::refusal(Rule::ColumnKnown, about())),
    }
}

pub(super) fn root(spec: &DatasetSpec, path: &Path) -> Result<Digest, DataError> {
    let file = File::open(path).map_err(|e| DataError::io("open", path, &e))?;
    let damaged = || {
        DataError::trouble(
            format!("read {}", path.display()),
            "the file is damaged",
            false,
        )
    };
    let doing = || format!("read {}", path.display());
    let open = || {
        ParquetRecordBatchReaderBuilder::try_new(file)
            .and_then(ParquetRecordBatchReaderBuilder::build)
    };
    let mut reader = caught(doing, open)?.map_err(|e| DataError::parquet("read", path, &e))?;
    let mut frontier = Frontier::new();
    let mut leaf = Vec::new();
    while let Some(batch) = caught(doing, || reader.next())? {
        let batch = batch.map_err(|_| damaged())?;
        if batch.num_columns() != spec.columns.len() + 1 {
            return Err(damaged());
        }
        for at in 0..batch.num_rows() {
            leaf.clear();
            write_cbor(&values(&batch, 1, at).ok_or_else(damaged)?, &mut leaf);
            frontier.append(leaf_hash(&leaf));
        }
    }
    Ok(frontier.root())
}

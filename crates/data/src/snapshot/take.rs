//! Upon taking a snapshot: read a batch, normalise it, write its good rows, hash each
//! into the frontier, write one entry a key and input; at the source's end, sort each
//! key's entries.

use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Int64Builder, RecordBatch, StringBuilder, UInt64Array};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use primitives::Digest;
use primitives::semantic::Reason;
use proof::{Frontier, leaf_hash};

use super::files::{Purpose, Writer, writer};
use super::keys::KeyWriter;
use super::{Cancel, Progress, ROW, ROWS, Rejected, SnapshotReport, Stage, TakeOptions};
use crate::canonical;
use crate::error::{DataError, Rule};
use crate::limits::{MEMORY_BYTES_MIN, REJECTED_LISTED_MAX};
use crate::source::{RawBatch, Reader};
use crate::spec::DatasetSpec;
use crate::value::{Row, Value, write_cbor};

pub(super) async fn take(
    spec: &DatasetSpec,
    folder: &Path,
    options: &TakeOptions,
    progress: &mut (dyn FnMut(Progress) + Send),
    cancel: &Cancel,
) -> Result<SnapshotReport, DataError> {
    if options.memory_bytes < MEMORY_BYTES_MIN {
        return Err(DataError::refusal(Rule::Limit, "memory for a snapshot"));
    }
    let mut source = Reader::open(spec).await?;
    let mut taking = Taking::start(spec, folder, options)?;
    while let Some(batch) = source.next().await? {
        cancel.check()?;
        taking.batch(&batch)?;
        progress(Progress {
            stage: Stage::Reading,
            rows: taking.source_rows,
            of_rows: None,
        });
        tokio::task::yield_now().await;
    }
    drop(source);
    taking.finish(progress, cancel).await
}

struct Taking<'a> {
    spec: &'a DatasetSpec,
    folder: &'a Path,
    options: &'a TakeOptions,
    schema: SchemaRef,
    rows: Writer,
    keys: Vec<KeyWriter>,
    frontier: Frontier,
    source_rows: u64,
    rejected: Vec<Rejected>,
    rejected_total: u64,
    leaf: Vec<u8>,
}

impl<'a> Taking<'a> {
    fn start(
        spec: &'a DatasetSpec,
        folder: &'a Path,
        options: &'a TakeOptions,
    ) -> Result<Self, DataError> {
        let schema = row_schema(spec);
        let rows = writer(&folder.join(ROWS), Arc::clone(&schema), Purpose::Rows)?;
        let keys = spec
            .keys
            .iter()
            .map(|key| KeyWriter::create(spec, key, folder, &schema))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            spec,
            folder,
            options,
            schema,
            rows,
            keys,
            frontier: Frontier::new(),
            source_rows: 0,
            rejected: Vec::new(),
            rejected_total: 0,
            leaf: Vec::new(),
        })
    }

    fn batch(&mut self, batch: &RawBatch) -> Result<(), DataError> {
        let mut columns = Vec::with_capacity(self.spec.columns.len());
        for (array, column) in batch.columns.iter().zip(&self.spec.columns) {
            columns.push(canonical::column(array, column)?.into_iter());
        }
        let first_leaf = self.frontier.size();
        let mut rows: Vec<Row> = Vec::with_capacity(batch.rows);
        for i in 0..batch.rows {
            self.source_rows += 1;
            let values: Vec<Result<Value, Reason>> = columns
                .iter_mut()
                .map(|c| c.next().unwrap_or(Err(Reason::Kind)))
                .collect();
            if let Some(broken) = batch.broken.get(&i) {
                self.reject(None, broken.reason().to_owned());
            } else if let Some(row) = self.accept(values) {
                for key in &mut self.keys {
                    key.enter(&row, rows.len(), self.options);
                }
                self.leaf.clear();
                write_cbor(&row, &mut self.leaf);
                self.frontier.append(leaf_hash(&self.leaf));
                rows.push(row);
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let path = self.folder.join(ROWS);
        let out = record_batch(&self.schema, first_leaf, rows)?;
        self.rows
            .write(&out)
            .map_err(|e| DataError::parquet("write", &path, &e))?;
        for key in &mut self.keys {
            key.write(&out)?;
        }
        Ok(())
    }

    /// The row, if every value is good and every key can be built from it.
    fn accept(&mut self, values: Vec<Result<Value, Reason>>) -> Option<Row> {
        let mut row = Row::with_capacity(values.len());
        for (column, value) in self.spec.columns.iter().zip(values) {
            match value {
                Ok(value) => row.push(value),
                Err(reason) => {
                    self.reject(Some(column.name.clone()), reason.to_string());
                    return None;
                }
            }
        }
        let unfit = self.keys.iter().find_map(|key| key.unfit(&row));
        if let Some(column) = unfit {
            let name = self.spec.columns[column].name.clone();
            self.reject(Some(name), Reason::TooLong.to_string());
            return None;
        }
        Some(row)
    }

    fn reject(&mut self, column: Option<String>, reason: String) {
        self.rejected_total += 1;
        if self.rejected.len() < REJECTED_LISTED_MAX {
            self.rejected.push(Rejected {
                row: self.source_rows,
                column,
                reason,
            });
        }
    }

    async fn finish(
        self,
        progress: &mut (dyn FnMut(Progress) + Send),
        cancel: &Cancel,
    ) -> Result<SnapshotReport, DataError> {
        let path = self.folder.join(ROWS);
        self.rows
            .close()
            .map_err(|e| DataError::parquet("write", &path, &e))?;
        let mut keys = Vec::with_capacity(self.keys.len());
        for key in self.keys {
            keys.push(key.sort(self.options, progress, cancel).await?);
        }
        Ok(SnapshotReport {
            dataset: self.spec.name.clone(),
            root: self.frontier.root(),
            rows: self.frontier.size(),
            source_rows: self.source_rows,
            rejected: self.rejected,
            rejected_total: self.rejected_total,
            extracted_at_ms: self.options.extracted_at_ms,
            method: self.spec.source.method().to_owned(),
            bytes: folder_bytes(self.folder)?,
            salt: Digest(self.options.salt),
            keys,
        })
    }
}

/// `_row`, then a column for each of the spec's.
fn row_schema(spec: &DatasetSpec) -> SchemaRef {
    let mut fields = vec![Field::new(ROW, DataType::UInt64, false)];
    for column in &spec.columns {
        let kind = if column.semantic.is_integer() {
            DataType::Int64
        } else {
            DataType::Utf8
        };
        fields.push(Field::new(&column.name, kind, true));
    }
    Arc::new(Schema::new(fields))
}

fn record_batch(
    schema: &SchemaRef,
    first_leaf: u64,
    rows: Vec<Row>,
) -> Result<RecordBatch, DataError> {
    let end = first_leaf + rows.len() as u64;
    let mut arrays: Vec<ArrayRef> = vec![Arc::new(UInt64Array::from_iter_values(first_leaf..end))];
    for (i, field) in schema.fields().iter().skip(1).enumerate() {
        arrays.push(if field.data_type() == &DataType::Int64 {
            let mut builder = Int64Builder::with_capacity(rows.len());
            rows.iter()
                .for_each(|row| builder.append_option(row[i].as_int()));
            Arc::new(builder.finish())
        } else {
            let mut builder = StringBuilder::new();
            rows.iter()
                .for_each(|row| builder.append_option(row[i].as_text()));
            Arc::new(builder.finish())
        });
    }
    RecordBatch::try_new(Arc::clone(schema), arrays)
        .map_err(|_| DataError::trouble("gather rows", "columns of unequal length", false))
}

fn folder_bytes(folder: &Path) -> Result<u64, DataError> {
    let failed = |e: std::io::Error| DataError::io("measure", folder, &e);
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        bytes += entry.and_then(|e| e.metadata()).map_err(failed)?.len();
    }
    Ok(bytes)
}

//! The entries of one key: written as rows come, sorted at the end by the engine,
//! which spills what does not fit in memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, AsArray, BinaryBuilder, RecordBatch, UInt32Array, UInt64Array, UInt64Builder,
};
use datafusion::arrow::compute::{take, take_record_batch};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type};
use datafusion::prelude::col;
use futures::StreamExt as _;
use primitives::semantic::{MAX_SELECTOR_BYTES, Normal, Period, Selector, Semantic};

use super::files::{BatchFile, Purpose, Writer, writer};
use super::{
    Cancel, HASH, INPUT, KeyReport, Progress, ROW, Stage, TakeOptions, inputs_file, key_file,
};
use crate::engine;
use crate::error::DataError;
use crate::spec::{DatasetSpec, KeySpec};
use crate::value::{Row, Value};

pub(super) struct KeyWriter {
    name: String,
    semantic: Semantic,
    columns: Vec<usize>,
    period: Option<usize>,
    folder: PathBuf,
    schema: SchemaRef,
    unsorted: BatchFile,
    entries: u64,
    // Entries of the current batch.
    hashes: UInt64Builder,
    inputs: BinaryBuilder,
    positions: Vec<u32>,
}

impl KeyWriter {
    pub(super) fn create(
        spec: &DatasetSpec,
        key: &KeySpec,
        folder: &Path,
        rows: &SchemaRef,
    ) -> Result<Self, DataError> {
        let mut fields = vec![
            Arc::new(Field::new(HASH, DataType::UInt64, false)),
            Arc::new(Field::new(INPUT, DataType::Binary, false)),
        ];
        fields.extend(rows.fields().iter().cloned());
        let schema = Arc::new(Schema::new(fields));
        let unsorted = folder.join(format!("unsorted_{}.arrow", key.name));
        Ok(Self {
            name: key.name.clone(),
            semantic: spec.key_semantic(&key.name).unwrap_or(Semantic::Text),
            columns: key.columns.iter().filter_map(|c| spec.column(c)).collect(),
            period: key.period.as_deref().and_then(|c| spec.column(c)),
            folder: folder.to_owned(),
            unsorted: BatchFile::create(unsorted, &schema)?,
            schema,
            entries: 0,
            hashes: UInt64Builder::new(),
            inputs: BinaryBuilder::new(),
            positions: Vec::new(),
        })
    }

    /// A column of this key whose value is too long to be looked for.
    pub(super) fn unfit(&self, row: &Row) -> Option<usize> {
        let long = |i: &usize| {
            row[*i]
                .as_text()
                .is_some_and(|t| t.len() > MAX_SELECTOR_BYTES)
        };
        self.columns.iter().copied().find(|i| long(i))
    }

    /// Enters a row under each distinct value of its columns; nulls are not entered.
    pub(super) fn enter(&mut self, row: &Row, position: usize, options: &TakeOptions) {
        let period = match self.period {
            None => None,
            Some(column) => match row[column].as_int().and_then(Period::of_ms) {
                None => return,
                day => day,
            },
        };
        let position = u32::try_from(position).unwrap_or(u32::MAX);
        for (i, column) in self.columns.iter().enumerate() {
            let value = match &row[*column] {
                Value::Null => continue,
                Value::Int(value) => Normal::Int(*value),
                Value::Text(text) => Normal::Text(text.clone()),
            };
            if self.columns[..i]
                .iter()
                .any(|earlier| row[*earlier] == row[*column])
            {
                continue;
            }
            let Ok(selector) = Selector::from_normal(self.semantic, &value) else {
                continue;
            };
            let input = selector.on(period).to_input();
            self.hashes
                .append_value((options.bucket_hash)(&options.salt, &input));
            self.inputs.append_value(&input);
            self.positions.push(position);
        }
    }

    /// Writes the entries of a batch whose rows are `rows`.
    pub(super) fn write(&mut self, rows: &RecordBatch) -> Result<(), DataError> {
        let positions = UInt32Array::from(std::mem::take(&mut self.positions));
        let uneven = |_| DataError::trouble("gather entries", "columns of unequal length", false);
        let rows = take_record_batch(rows, &positions).map_err(uneven)?;
        let mut arrays: Vec<ArrayRef> = vec![
            Arc::new(self.hashes.finish()),
            Arc::new(self.inputs.finish()),
        ];
        arrays.extend(rows.columns().iter().cloned());
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays).map_err(uneven)?;
        self.entries += batch.num_rows() as u64;
        self.unsorted.write(&batch)
    }

    /// Sorts what was written, and lists the distinct inputs.
    pub(super) async fn sort(
        self,
        options: &TakeOptions,
        progress: &mut (dyn FnMut(Progress) + Send),
        cancel: &Cancel,
    ) -> Result<KeyReport, DataError> {
        let Self {
            name,
            folder,
            unsorted,
            entries,
            schema,
            ..
        } = self;
        let unsorted = unsorted.close()?;
        let spill = folder.join(format!("spill_{name}"));
        fs::create_dir(&spill).map_err(|e| DataError::io("create", &spill, &e))?;
        let doing = format!("sort the entries of key {name}");
        let failed = |e| DataError::engine(&doing, &e);

        let session = engine::session(options.memory_bytes, Some(&spill))?;
        let order = [HASH, INPUT, ROW].map(|c| col(c).sort(true, false));
        let sorted = engine::batches(&session, &unsorted)
            .await?
            .sort(order.to_vec())
            .map_err(failed)?;
        let mut sorted = sorted.execute_stream().await.map_err(failed)?;
        let mut output = Output::create(&folder, &name, schema)?;
        while let Some(batch) = sorted.next().await {
            cancel.check()?;
            output.write(&batch.map_err(failed)?)?;
            let stage = Stage::Sorting { key: name.clone() };
            progress(Progress {
                stage,
                rows: output.entries,
                of_rows: Some(entries),
            });
        }
        drop((sorted, session));
        let report = output.close(name)?;
        fs::remove_file(&unsorted).map_err(|e| DataError::io("remove", &unsorted, &e))?;
        fs::remove_dir_all(&spill).map_err(|e| DataError::io("remove", &spill, &e))?;
        if report.entries == entries {
            Ok(report)
        } else {
            Err(DataError::trouble(doing, "the sort lost entries", true))
        }
    }
}

/// The sorted files of a key.
struct Output {
    entries: u64,
    inputs: u64,
    last: Option<(u64, Vec<u8>)>,
    key_path: PathBuf,
    key_writer: Writer,
    schema: SchemaRef,
    inputs_path: PathBuf,
    inputs_writer: Writer,
    inputs_schema: SchemaRef,
}

impl Output {
    fn create(folder: &Path, name: &str, schema: SchemaRef) -> Result<Self, DataError> {
        let key_path = folder.join(key_file(name));
        let inputs_path = folder.join(inputs_file(name));
        let inputs_schema = Arc::new(Schema::new(schema.fields()[..2].to_vec()));
        Ok(Self {
            entries: 0,
            inputs: 0,
            last: None,
            key_writer: writer(&key_path, Arc::clone(&schema), Purpose::ByHash)?,
            key_path,
            schema,
            inputs_writer: writer(&inputs_path, Arc::clone(&inputs_schema), Purpose::ByHash)?,
            inputs_path,
            inputs_schema,
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), DataError> {
        let shape = |_| {
            DataError::trouble(
                "write sorted entries",
                "another schema than was sorted",
                false,
            )
        };
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), batch.columns().to_vec())
            .map_err(shape)?;
        self.key_writer
            .write(&batch)
            .map_err(|e| DataError::parquet("write", &self.key_path, &e))?;
        self.entries += batch.num_rows() as u64;

        let hashes = batch.column(0).as_primitive::<UInt64Type>();
        let inputs = batch.column(1).as_binary::<i32>();
        let mut fresh = Vec::new();
        for i in 0..batch.num_rows() {
            let (hash, input) = (hashes.value(i), inputs.value(i));
            let same = match (i, &self.last) {
                (0, None) => false,
                (0, Some((h, bytes))) => *h == hash && bytes == input,
                _ => hashes.value(i - 1) == hash && inputs.value(i - 1) == input,
            };
            if !same {
                fresh.push(i as u64);
            }
        }
        if let Some(last) = batch.num_rows().checked_sub(1) {
            self.last = Some((hashes.value(last), inputs.value(last).to_vec()));
        }
        self.inputs += fresh.len() as u64;
        let fresh = UInt64Array::from(fresh);
        let columns = [0, 1].map(|c| take(batch.column(c), &fresh, None).map_err(shape));
        let [hashes, inputs] = columns;
        let list = RecordBatch::try_new(Arc::clone(&self.inputs_schema), vec![hashes?, inputs?]);
        self.inputs_writer
            .write(&list.map_err(shape)?)
            .map_err(|e| DataError::parquet("write", &self.inputs_path, &e))
    }

    fn close(self, name: String) -> Result<KeyReport, DataError> {
        self.key_writer
            .close()
            .map_err(|e| DataError::parquet("write", &self.key_path, &e))?;
        self.inputs_writer
            .close()
            .map_err(|e| DataError::parquet("write", &self.inputs_path, &e))?;
        Ok(KeyReport {
            name,
            inputs: self.inputs,
            entries: self.entries,
        })
    }
}

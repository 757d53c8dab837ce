//! Writes one table, as CSV or Parquet, a row at a time in bounded memory.
//!
//! *Invariants*: the same rows give the same bytes; at most `BATCH_ROWS` rows wait to be encoded
//! and at most `ROW_GROUP_ROWS` encoded ones wait for their group.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{
    Date32Builder, Decimal128Builder, Float64Builder, Int32Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use crate::calendar;
use crate::error::Error;

/// Rows that are gathered before they are encoded.
const BATCH_ROWS: usize = 8_192;
/// Rows of a Parquet row group.
const ROW_GROUP_ROWS: usize = 131_072;

/// The type of a column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Text,
    Int,
    Date,
    Instant,
    Money,
    Real,
}

/// One value of a row.
pub(crate) enum Cell<'a> {
    Text(&'a str),
    Int(u32),
    Signed(i32),
    /// Days since 1970.
    Date(i64),
    /// Seconds since 1970.
    Instant(i64),
    /// Hundredths of a yuan.
    Fen(i64),
    Real(f64),
}

/// The form of the tables of people, accounts and premises; tables of events are always Parquet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Comma-separated text, lines ending in CR LF as spreadsheets write them.
    Csv,
    /// Apache Parquet.
    Parquet,
}

/// A table being written.
pub(crate) struct Table {
    path: PathBuf,
    rows: u64,
    out: Out,
}

enum Out {
    Csv(BufWriter<File>),
    Parquet(Box<Columns>),
}

struct Columns {
    schema: Arc<Schema>,
    builders: Vec<Builder>,
    waiting: usize,
    writer: ArrowWriter<File>,
}

enum Builder {
    Text(StringBuilder),
    Int(Int32Builder),
    Date(Date32Builder),
    Instant(TimestampMicrosecondBuilder),
    Money(Decimal128Builder),
    Real(Float64Builder),
}

impl Table {
    /// Creates `folder/name.csv` or `.parquet`, and the folder.
    pub(crate) fn create(
        folder: &Path,
        name: &str,
        form: Form,
        columns: &[(&str, Kind)],
    ) -> Result<Self, Error> {
        std::fs::create_dir_all(folder).map_err(|e| Error::disk(folder, e))?;
        let extension = match form {
            Form::Csv => "csv",
            Form::Parquet => "parquet",
        };
        let path = folder.join(format!("{name}.{extension}"));
        let file = File::create_new(&path).map_err(|e| Error::disk(&path, e))?;
        let out = match form {
            Form::Csv => {
                let mut out = BufWriter::new(file);
                let header: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
                write!(out, "{}\r\n", header.join(",")).map_err(|e| Error::disk(&path, e))?;
                Out::Csv(out)
            }
            Form::Parquet => Out::Parquet(Box::new(
                Columns::create(file, columns).map_err(|e| Error::disk(&path, e))?,
            )),
        };
        Ok(Self { path, rows: 0, out })
    }

    /// Adds a row; its cells must have the columns' kinds.
    pub(crate) fn push(&mut self, row: &[Cell<'_>]) -> Result<(), Error> {
        self.rows += 1;
        let result = match &mut self.out {
            Out::Csv(out) => write_line(out, row),
            Out::Parquet(columns) => columns.push(row).map_err(Into::into),
        };
        result.map_err(|e| Error::disk(&self.path, e))
    }

    /// Writes what waits and closes the file; returns its number of rows.
    pub(crate) fn finish(self) -> Result<u64, Error> {
        let path = self.path;
        let result = match self.out {
            Out::Csv(mut out) => out.flush(),
            Out::Parquet(columns) => columns.finish().map_err(Into::into),
        };
        result.map_err(|e| Error::disk(&path, e))?;
        Ok(self.rows)
    }
}

fn write_line(out: &mut BufWriter<File>, row: &[Cell<'_>]) -> std::io::Result<()> {
    for (i, cell) in row.iter().enumerate() {
        if i > 0 {
            out.write_all(b",")?;
        }
        match cell {
            Cell::Text(text) if text.contains([',', '"', '\r', '\n']) => {
                write!(out, "\"{}\"", text.replace('"', "\"\""))?;
            }
            Cell::Text(text) => out.write_all(text.as_bytes())?,
            Cell::Int(number) => write!(out, "{number}")?,
            Cell::Signed(number) => write!(out, "{number}")?,
            Cell::Date(day) => out.write_all(calendar::date(*day).as_bytes())?,
            Cell::Instant(_) | Cell::Fen(_) | Cell::Real(_) => {
                unreachable!("tables of events are Parquet")
            }
        }
    }
    out.write_all(b"\r\n")
}

impl Columns {
    fn create(file: File, columns: &[(&str, Kind)]) -> parquet::errors::Result<Self> {
        let field = |&(name, kind): &(&str, Kind)| Field::new(name, data_type(kind), true);
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
        Ok(Self {
            writer: ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties))?,
            schema,
            builders: columns.iter().map(|&(_, kind)| builder(kind)).collect(),
            waiting: 0,
        })
    }

    fn push(&mut self, row: &[Cell<'_>]) -> parquet::errors::Result<()> {
        assert_eq!(row.len(), self.builders.len(), "a cell for each column");
        for (builder, cell) in self.builders.iter_mut().zip(row) {
            match (builder, cell) {
                (Builder::Text(b), Cell::Text(text)) => b.append_value(text),
                (Builder::Int(b), Cell::Int(n)) => {
                    b.append_value(i32::try_from(*n).unwrap_or(i32::MAX))
                }
                (Builder::Int(b), Cell::Signed(n)) => b.append_value(*n),
                (Builder::Date(b), Cell::Date(day)) => {
                    b.append_value(i32::try_from(*day).unwrap_or(i32::MAX));
                }
                (Builder::Instant(b), Cell::Instant(at_s)) => b.append_value(at_s * 1_000_000),
                (Builder::Money(b), Cell::Fen(fen)) => b.append_value(i128::from(*fen)),
                (Builder::Real(b), Cell::Real(x)) => b.append_value(*x),
                _ => unreachable!("a cell of its column's kind"),
            }
        }
        self.waiting += 1;
        if self.waiting == BATCH_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> parquet::errors::Result<()> {
        let arrays = self.builders.iter_mut().map(finish).collect();
        self.waiting = 0;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays)?;
        self.writer.write(&batch)
    }

    fn finish(mut self) -> parquet::errors::Result<()> {
        if self.waiting > 0 {
            self.flush()?;
        }
        self.writer.close().map(drop)
    }
}

/// The Arrow type of a column; the acceptance sample's types.
pub(crate) fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Text => DataType::Utf8,
        Kind::Int => DataType::Int32,
        Kind::Date => DataType::Date32,
        Kind::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Kind::Money => DataType::Decimal128(18, 2),
        Kind::Real => DataType::Float64,
    }
}

fn builder(kind: Kind) -> Builder {
    match kind {
        Kind::Text => Builder::Text(StringBuilder::with_capacity(BATCH_ROWS, BATCH_ROWS * 20)),
        Kind::Int => Builder::Int(Int32Builder::with_capacity(BATCH_ROWS)),
        Kind::Date => Builder::Date(Date32Builder::with_capacity(BATCH_ROWS)),
        Kind::Instant => Builder::Instant(
            TimestampMicrosecondBuilder::with_capacity(BATCH_ROWS).with_data_type(data_type(kind)),
        ),
        Kind::Money => Builder::Money(
            Decimal128Builder::with_capacity(BATCH_ROWS).with_data_type(data_type(kind)),
        ),
        Kind::Real => Builder::Real(Float64Builder::with_capacity(BATCH_ROWS)),
    }
}

fn finish(builder: &mut Builder) -> ArrayRef {
    match builder {
        Builder::Text(b) => Arc::new(b.finish()),
        Builder::Int(b) => Arc::new(b.finish()),
        Builder::Date(b) => Arc::new(b.finish()),
        Builder::Instant(b) => Arc::new(b.finish()),
        Builder::Money(b) => Arc::new(b.finish()),
        Builder::Real(b) => Arc::new(b.finish()),
    }
}

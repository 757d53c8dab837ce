//! Parquet files, in file order, a batch at a time.
//!
//! *Invariants*: a damaged file is trouble, never a panic ([`crate::guard`]); its headers
//! are looked at before the library reads them ([`claims`]).

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::SchemaRef;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::reader::ChunkReader;

use super::{RawBatch, check_width, unknown_column};
use crate::error::DataError;
use crate::guard::caught;
use crate::limits::BATCH_ROWS;
use claims::Refused;

mod claims;
mod compact;
mod layout;

pub(crate) struct ParquetRows {
    path: PathBuf,
    schema: SchemaRef,
    reader: ParquetRecordBatchReader,
    names: Vec<String>,
}

impl ParquetRows {
    pub(crate) fn open(path: &Path, names: Option<&[&str]>) -> Result<Self, DataError> {
        let open = || File::open(path).map_err(|e| DataError::io("open", path, &e));
        Self::over([open()?, open()?], path, names)
    }

    /// Over the file at a path, twice: its headers are looked at before they are read.
    /// Without names all columns are read.
    pub(crate) fn over<R: ChunkReader + 'static>(
        files: [R; 2],
        path: &Path,
        names: Option<&[&str]>,
    ) -> Result<Self, DataError> {
        let doing = || format!("read {}", path.display());
        caught(doing, || Self::read(files, path, names))?
    }

    fn read<R: ChunkReader + 'static>(
        [first, file]: [R; 2],
        path: &Path,
        names: Option<&[&str]>,
    ) -> Result<Self, DataError> {
        let wrong = |e: &_| DataError::parquet("read", path, e);
        let refused = |e: Refused| match e {
            Refused::File(e) => wrong(&e),
            Refused::Claim(cause) => {
                DataError::trouble(format!("read {}", path.display()), cause, false)
            }
        };
        claims::check_metadata(&first).map_err(refused)?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| wrong(&e))?;
        let schema = Arc::clone(builder.schema());
        check_width(schema.fields().len(), path)?;
        let all = || schema.fields().iter().map(|f| f.name().clone()).collect();
        let names: Vec<String> = names.map_or_else(all, |names| {
            names.iter().map(|name| (*name).to_owned()).collect()
        });
        let mut roots = Vec::with_capacity(names.len());
        for name in &names {
            roots.push(schema.index_of(name).map_err(|_| unknown_column(name))?);
        }
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
        claims::check_pages(&first, builder.metadata(), &mask).map_err(refused)?;
        let reader = builder
            .with_projection(mask)
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|e| wrong(&e))?;
        Ok(Self {
            path: path.to_owned(),
            schema,
            reader,
            names,
        })
    }

    /// All columns of the file, also those that are not read.
    pub(crate) fn header(&self) -> Vec<String> {
        self.schema
            .fields()
            .iter()
            .map(|f| f.name().clone())
            .collect()
    }

    pub(crate) fn next(&mut self) -> Result<Option<RawBatch>, DataError> {
        let doing = || format!("read {}", self.path.display());
        let Some(batch) = caught(doing, || self.reader.next())? else {
            return Ok(None);
        };
        let batch = batch.map_err(|_| DataError::trouble(doing(), "a page is damaged", false))?;
        let columns = self
            .names
            .iter()
            .map(|name| {
                batch
                    .column_by_name(name)
                    .cloned()
                    .ok_or_else(|| unknown_column(name))
            })
            .collect::<Result<Vec<ArrayRef>, _>>()?;
        Ok(Some(RawBatch {
            columns,
            rows: batch.num_rows(),
            broken: BTreeMap::new(),
        }))
    }
}

//! Parquet files, in file order, a batch at a time.
//!
//! *Invariants*: a damaged file is trouble, never a panic ([`crate::guard`]).

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::SchemaRef;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::column::page::{Page, PageReader as _};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::ChunkReader;
use parquet::file::serialized_reader::SerializedPageReader;

use super::{RawBatch, check_width, unknown_column};
use crate::error::DataError;
use crate::guard::caught;
use crate::limits::BATCH_ROWS;

pub(crate) struct ParquetRows {
    path: PathBuf,
    schema: SchemaRef,
    reader: ParquetRecordBatchReader,
    names: Vec<String>,
}

impl ParquetRows {
    pub(crate) fn open(path: &Path, names: &[&str]) -> Result<Self, DataError> {
        let open = || File::open(path).map_err(|e| DataError::io("open", path, &e));
        Self::over([open()?, open()?], path, names)
    }

    /// Over the file at a path, twice: its pages are looked at before they are read.
    pub(crate) fn over<R: ChunkReader + 'static>(
        files: [R; 2],
        path: &Path,
        names: &[&str],
    ) -> Result<Self, DataError> {
        let doing = || format!("read {}", path.display());
        caught(doing, || Self::read(files, path, names))?
    }

    fn read<R: ChunkReader + 'static>(
        [first, file]: [R; 2],
        path: &Path,
        names: &[&str],
    ) -> Result<Self, DataError> {
        let wrong = |e: &_| DataError::parquet("read", path, e);
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| wrong(&e))?;
        let schema = Arc::clone(builder.schema());
        check_width(schema.fields().len(), path)?;
        let mut roots = Vec::with_capacity(names.len());
        for name in names {
            roots.push(schema.index_of(name).map_err(|_| unknown_column(name))?);
        }
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
        check_dictionaries(first, builder.metadata(), &mask).map_err(|e| wrong(&e))?;
        let reader = builder
            .with_projection(mask)
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|e| wrong(&e))?;
        let names = names.iter().map(|n| (*n).to_owned()).collect();
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

/// Refuses a dictionary that claims more values than it has bytes: the library makes room
/// for as many as are claimed before it reads one, for gigabytes in a file of a kilobyte.
fn check_dictionaries(
    file: impl ChunkReader + 'static,
    metadata: &ParquetMetaData,
    mask: &ProjectionMask,
) -> ParquetResult<()> {
    let file = Arc::new(file);
    for group in metadata.row_groups() {
        let rows = usize::try_from(group.num_rows()).unwrap_or(0);
        let columns = group.columns().iter().enumerate();
        for (_, column) in columns.filter(|(leaf, _)| mask.leaf_included(*leaf)) {
            let mut pages = SerializedPageReader::new(Arc::clone(&file), column, rows, None)?;
            while let Some(page) = pages.peek_next_page()? {
                if !page.is_dict {
                    pages.skip_next_page()?;
                    continue;
                }
                if let Some(Page::DictionaryPage {
                    buf, num_values, ..
                }) = pages.get_next_page()?
                    && num_values as usize > buf.len()
                {
                    let cause = "a dictionary of more values than bytes";
                    return Err(ParquetError::General(cause.into()));
                }
            }
        }
    }
    Ok(())
}

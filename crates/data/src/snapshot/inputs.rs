//! The distinct inputs of a key, in order, for the protocol's preparation.

use std::fs::File;
use std::path::{Path, PathBuf};

use datafusion::arrow::array::{Array as _, AsArray as _, RecordBatch};
use datafusion::arrow::datatypes::{DataType, UInt64Type};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use crate::error::DataError;
use crate::guard::caught;
use crate::limits::BATCH_ROWS;

/// Iterates over `(bucket hash, input)`, sorted by both, each once; one batch in memory.
pub struct Inputs {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
    batch: Option<RecordBatch>,
    next: usize,
}

impl Inputs {
    pub(super) fn open(path: &Path) -> Result<Self, DataError> {
        let file = File::open(path).map_err(|e| DataError::io("open", path, &e))?;
        let open = || {
            ParquetRecordBatchReaderBuilder::try_new(file)
                .and_then(|builder| builder.with_batch_size(BATCH_ROWS).build())
        };
        let reader = caught(|| format!("read {}", path.display()), open)?
            .map_err(|e| DataError::parquet("read", path, &e))?;
        Ok(Self {
            path: path.to_owned(),
            reader,
            batch: None,
            next: 0,
        })
    }

    fn damaged(&self) -> DataError {
        DataError::trouble(
            format!("read {}", self.path.display()),
            "the file is damaged",
            false,
        )
    }
}

impl Iterator for Inputs {
    type Item = Result<(u64, Vec<u8>), DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = &self.batch
                && self.next < batch.num_rows()
            {
                let hash = batch
                    .column(0)
                    .as_primitive_opt::<UInt64Type>()?
                    .value(self.next);
                let input = batch
                    .column(1)
                    .as_binary_opt::<i32>()?
                    .value(self.next)
                    .to_vec();
                self.next += 1;
                return Some(Ok((hash, input)));
            }
            let doing = || format!("read {}", self.path.display());
            match caught(doing, || self.reader.next()).transpose()? {
                Ok(Ok(batch)) => {
                    let kinds = batch.columns().iter().map(|c| c.data_type().clone());
                    if !kinds.eq([DataType::UInt64, DataType::Binary]) {
                        return Some(Err(self.damaged()));
                    }
                    (self.batch, self.next) = (Some(batch), 0);
                }
                Ok(Err(_)) | Err(_) => return Some(Err(self.damaged())),
            }
        }
    }
}

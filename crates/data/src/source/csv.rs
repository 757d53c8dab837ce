//! CSV, line by line: a header, then rows that may be broken one by one.
//!
//! *Invariants*: memory is one batch of lines, each at most
//! [`crate::limits::CSV_ROW_BYTES_MAX`], together little more than
//! [`crate::limits::CSV_BATCH_BYTES`].

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use csv::ByteRecord;
use datafusion::arrow::array::{ArrayRef, StringBuilder};

use super::{Broken, RawBatch, check_width, unknown_column};
use crate::error::DataError;
use crate::limits::{BATCH_ROWS, CSV_BATCH_BYTES, CSV_ROW_BYTES_MAX};

/// What the reader may hold beyond the current line.
const BUFFER_BYTES: usize = 64 * 1024;

/// Bytes that the current line may still take; shared, because the parser owns the file.
type Allowance = Arc<AtomicUsize>;

pub(crate) struct CsvRows<R = File> {
    path: PathBuf,
    reader: csv::Reader<Limited<R>>,
    allowance: Allowance,
    header: Vec<String>,
    columns: Vec<usize>,
}

impl CsvRows {
    pub(crate) fn open(path: &Path, names: Option<&[&str]>) -> Result<Self, DataError> {
        let open = || File::open(path).map_err(|e| DataError::io("open", path, &e));
        Self::over([open()?, open()?], path, names)
    }
}

impl<R: Read> CsvRows<R> {
    /// Over the file at a path, twice: its first line tells the delimiter. Without names
    /// all columns are read.
    pub(crate) fn over(
        [first, inner]: [R; 2],
        path: &Path,
        names: Option<&[&str]>,
    ) -> Result<Self, DataError> {
        let delimiter = delimiter(first).map_err(|e| DataError::io("read", path, &e))?;
        let allowance = Allowance::default();
        let limited = Limited {
            inner,
            allowance: Arc::clone(&allowance),
        };
        let reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .has_headers(false)
            .buffer_capacity(BUFFER_BYTES)
            .from_reader(limited);
        let mut rows = Self {
            path: path.to_owned(),
            reader,
            allowance,
            header: Vec::new(),
            columns: Vec::new(),
        };
        let mut header = ByteRecord::new();
        if rows.read(&mut header)? {
            check_width(header.len(), path)?;
            rows.header = header.iter().map(header_name).collect();
        }
        let place = |name: &str| {
            let at = rows.header.iter().position(|h| h == name);
            at.ok_or_else(|| unknown_column(name))
        };
        let all = || rows.header.iter().map(String::as_str).collect();
        let names: Vec<&str> = names.map_or_else(all, <[_]>::to_vec);
        rows.columns = names.into_iter().map(place).collect::<Result<_, _>>()?;
        Ok(rows)
    }

    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    pub(crate) fn next(&mut self) -> Result<Option<RawBatch>, DataError> {
        let mut builders: Vec<StringBuilder> =
            self.columns.iter().map(|_| StringBuilder::new()).collect();
        let mut broken = BTreeMap::new();
        let mut record = ByteRecord::new();
        let (mut rows, mut bytes) = (0, 0);
        while rows < BATCH_ROWS && bytes < CSV_BATCH_BYTES && self.read(&mut record)? {
            bytes += record.as_slice().len();
            let fault = if record.len() == self.header.len() {
                self.append(&record, &mut builders).err()
            } else {
                for builder in &mut builders {
                    builder.append_null();
                }
                Some(Broken::Fields)
            };
            if let Some(fault) = fault {
                broken.insert(rows, fault);
            }
            rows += 1;
        }
        if rows == 0 {
            return Ok(None);
        }
        let columns = builders
            .into_iter()
            .map(|mut b| Arc::new(b.finish()) as ArrayRef)
            .collect();
        Ok(Some(RawBatch {
            columns,
            rows,
            broken,
        }))
    }

    fn append(&self, record: &ByteRecord, builders: &mut [StringBuilder]) -> Result<(), Broken> {
        let mut result = Ok(());
        for (column, builder) in self.columns.iter().zip(builders) {
            match std::str::from_utf8(&record[*column]) {
                Ok(text) => builder.append_value(text),
                Err(_) => {
                    builder.append_null();
                    result = Err(Broken::Encoding);
                }
            }
        }
        result
    }

    fn read(&mut self, record: &mut ByteRecord) -> Result<bool, DataError> {
        self.allowance
            .store(CSV_ROW_BYTES_MAX + BUFFER_BYTES, Ordering::Relaxed);
        self.reader
            .read_byte_record(record)
            .map_err(|error| match error.kind() {
                csv::ErrorKind::Io(e) if e.kind() == std::io::ErrorKind::FileTooLarge => {
                    let row = self.reader.position().line();
                    let cause =
                        format!("the row at line {row} does not end; a quote may be left open");
                    DataError::trouble(format!("read {}", self.path.display()), cause, false)
                }
                csv::ErrorKind::Io(e) => DataError::io("read", &self.path, e),
                _ => DataError::trouble(format!("read {}", self.path.display()), "not CSV", false),
            })
    }
}

fn header_name(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .trim_start_matches('\u{FEFF}')
        .trim()
        .to_owned()
}

/// The delimiter that the header line has most of.
fn delimiter(file: impl Read) -> std::io::Result<u8> {
    let mut line = Vec::new();
    BufReader::new(file.take(CSV_ROW_BYTES_MAX as u64)).read_until(b'\n', &mut line)?;
    let count = |delimiter: &u8| line.iter().filter(|b| *b == delimiter).count();
    // `max_by_key` keeps the last of equals, so the comma comes last.
    Ok([b'\t', b';', b',']
        .into_iter()
        .max_by_key(count)
        .unwrap_or(b','))
}

/// Fails a read that goes on for longer than a line may be.
struct Limited<R> {
    inner: R,
    allowance: Allowance,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let rest = self.allowance.load(Ordering::Relaxed).checked_sub(read);
        let rest = rest.ok_or(std::io::ErrorKind::FileTooLarge)?;
        self.allowance.store(rest, Ordering::Relaxed);
        Ok(read)
    }
}

//! The folder of a snapshot: partial, then whole; and how its files are written.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::writer::FileWriter;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::{HASH, MANIFEST, Manifest, ROW, sums};
use crate::error::DataError;
use crate::limits::{KEY_PAGE_ROWS, KEY_ROW_GROUP_ROWS, ROW_GROUP_ROWS};

const PARTIAL: &str = ".partial-";

/// A snapshot being written; dropped before [`Partial::publish`], it is removed.
pub(super) struct Partial {
    path: PathBuf,
    published: bool,
}

impl Partial {
    pub(super) fn create(folder: &Path) -> Result<Self, DataError> {
        let parent = parent_of(folder);
        fs::create_dir_all(parent).map_err(|e| DataError::io("create", parent, &e))?;
        let token = primitives::random::<8>();
        let token = u64::from_be_bytes(token);
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let path = parent.join(format!("{PARTIAL}{name}-{token:016x}"));
        create_private(&path).map_err(|e| DataError::io("create", &path, &e))?;
        Ok(Self {
            path,
            published: false,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn write_manifest(&self, manifest: &Manifest) -> Result<(), DataError> {
        let path = self.path.join(MANIFEST);
        let failed = |e: &std::io::Error| DataError::io("write", &path, e);
        let json = serde_json::to_vec_pretty(manifest)
            .map_err(|_| DataError::trouble("describe the snapshot", "not JSON", false))?;
        let mut file = private_file(&path).map_err(|e| failed(&e))?;
        file.write_all(&json).map_err(|e| failed(&e))
    }

    /// Writes the checksums of these files.
    pub(super) fn write_sums(&self, names: &[String]) -> Result<(), DataError> {
        let path = self.path.join(sums::SUMS);
        let failed = |e: &std::io::Error| DataError::io("write", &path, e);
        let lines = sums::of(&self.path, names)?;
        let mut file = private_file(&path).map_err(|e| failed(&e))?;
        file.write_all(lines.as_bytes()).map_err(|e| failed(&e))
    }

    /// Syncs every file, then the folder, renames it, and syncs the folder above.
    pub(super) fn publish(mut self, folder: &Path) -> Result<(), DataError> {
        let failed = |e: &std::io::Error| DataError::io("write", &self.path, e);
        for entry in fs::read_dir(&self.path).map_err(|e| failed(&e))? {
            let path = entry.map_err(|e| failed(&e))?.path();
            File::open(path)
                .and_then(|f| f.sync_all())
                .map_err(|e| failed(&e))?;
        }
        sync_folder(&self.path).map_err(|e| failed(&e))?;
        fs::rename(&self.path, folder).map_err(|e| DataError::io("rename to", folder, &e))?;
        self.published = true;
        sync_folder(parent_of(folder)).map_err(|e| DataError::io("sync", folder, &e))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.published {
            // What cannot be removed now, `clean` removes at the next start.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

pub(super) fn clean(parent: &Path) -> Result<usize, DataError> {
    let failed = |e: &std::io::Error| DataError::io("clean", parent, e);
    if !parent.exists() {
        return Ok(0);
    }
    let mut removed = 0;
    for entry in fs::read_dir(parent).map_err(|e| failed(&e))? {
        let entry = entry.map_err(|e| failed(&e))?;
        if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
            fs::remove_dir_all(entry.path()).map_err(|e| failed(&e))?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// The folder above, `.` for a bare name.
fn parent_of(folder: &Path) -> &Path {
    folder
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."))
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(unix)]
fn create_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().mode(0o700).create(path)
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> std::io::Result<()> {
    fs::create_dir(path)
}

fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// What a Parquet file of a snapshot is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Canonical rows in source order.
    Rows,
    /// Sorted by bucket hash, read by ranges of it.
    ByHash,
}

pub(super) type Writer = ArrowWriter<BufWriter<File>>;

/// Dictionaries are off: the columns that matter hardly repeat, and building one
/// costs more than compressing.
pub(super) fn writer(
    path: &Path,
    schema: SchemaRef,
    purpose: Purpose,
) -> Result<Writer, DataError> {
    let file = private_file(path).map_err(|e| DataError::io("create", path, &e))?;
    let level = ZstdLevel::try_new(1).unwrap_or_default();
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_dictionary_enabled(false)
        .set_column_encoding(ColumnPath::from(ROW), Encoding::DELTA_BINARY_PACKED);
    properties = match purpose {
        Purpose::ByHash => properties
            .set_column_statistics_enabled(ColumnPath::from(HASH), EnabledStatistics::Page)
            .set_max_row_group_row_count(Some(KEY_ROW_GROUP_ROWS))
            .set_data_page_row_count_limit(KEY_PAGE_ROWS)
            .set_write_batch_size(KEY_PAGE_ROWS),
        Purpose::Rows => properties.set_max_row_group_row_count(Some(ROW_GROUP_ROWS)),
    };
    ArrowWriter::try_new(BufWriter::new(file), schema, Some(properties.build()))
        .map_err(|e| DataError::parquet("create", path, &e))
}

/// A file of plain batches that is read once and removed: entries before sorting.
pub(super) struct BatchFile {
    path: PathBuf,
    writer: FileWriter<BufWriter<File>>,
}

impl BatchFile {
    pub(super) fn create(path: PathBuf, schema: &SchemaRef) -> Result<Self, DataError> {
        let file = private_file(&path).map_err(|e| DataError::io("create", &path, &e))?;
        match FileWriter::try_new(BufWriter::new(file), schema) {
            Ok(writer) => Ok(Self { path, writer }),
            Err(e) => Err(failed(&path, &e)),
        }
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), DataError> {
        self.writer.write(batch).map_err(|e| failed(&self.path, &e))
    }

    /// Ends the file and gives its path.
    pub(super) fn close(mut self) -> Result<PathBuf, DataError> {
        self.writer.finish().map_err(|e| failed(&self.path, &e))?;
        Ok(self.path)
    }
}

fn failed(path: &Path, error: &ArrowError) -> DataError {
    let cause = match error {
        ArrowError::IoError(_, e) => e.kind().to_string(),
        _ => "batches do not fit the file".to_owned(),
    };
    DataError::trouble(format!("write {}", path.display()), cause, true)
}

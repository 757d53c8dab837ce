//! The one place where DataFusion is set up.
//!
//! *Invariants*: one partition (rows keep their file's order, memory is one stream's),
//! a memory pool that spills, and spill files inside the folder given, so that
//! whoever removes the folder removes them.

use std::path::Path;
use std::sync::Arc;

use datafusion::datasource::listing::ListingTableUrl;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::options::ArrowReadOptions;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{DataFrame, ParquetReadOptions, SessionConfig, SessionContext};

use crate::error::DataError;
use crate::guard::caught_async;
use crate::limits::BATCH_ROWS;

/// A session with `memory_bytes` for sorts; it spills to `spill`, or not at all.
pub(crate) fn session(
    memory_bytes: usize,
    spill: Option<&Path>,
) -> Result<SessionContext, DataError> {
    let mode = spill.map_or(DiskManagerMode::Disabled, |folder| {
        DiskManagerMode::Directories(vec![folder.to_owned()])
    });
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(memory_bytes)))
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(mode))
        .build_arc()
        .map_err(|e| DataError::engine("start the data engine", &e))?;
    let config = SessionConfig::new()
        .with_target_partitions(1)
        .with_batch_size(BATCH_ROWS)
        .with_collect_statistics(false)
        .with_sort_spill_reservation_bytes(memory_bytes / 8)
        .set_bool(
            "datafusion.execution.parquet.schema_force_view_types",
            false,
        )
        .set_bool("datafusion.execution.parquet.pushdown_filters", true)
        .set_bool("datafusion.sql_parser.enable_ident_normalization", true);
    Ok(SessionContext::new_with_config_rt(config, runtime))
}

/// A Parquet file of ours as a table. The path goes in as a URL, so that a folder
/// with a `*` or a `?` in its name is not taken for a pattern.
pub(crate) async fn table(session: &SessionContext, path: &Path) -> Result<DataFrame, DataError> {
    let url = file_url(path)?;
    let doing = || format!("open {}", path.display());
    let opening = session.read_parquet(url, ParquetReadOptions::default());
    caught_async(doing, opening)
        .await?
        .map_err(|e| DataError::engine(&format!("open {}", path.display()), &e))
}

/// A file of Arrow batches as a table.
pub(crate) async fn batches(session: &SessionContext, path: &Path) -> Result<DataFrame, DataError> {
    let url = file_url(path)?;
    session
        .read_arrow(url, ArrowReadOptions::default())
        .await
        .map_err(|e| DataError::engine(&format!("open {}", path.display()), &e))
}

fn file_url(path: &Path) -> Result<String, DataError> {
    let absolute = std::path::absolute(path).map_err(|e| DataError::io("open", path, &e))?;
    url_of(&absolute).ok_or_else(|| {
        DataError::trouble(
            format!("open {}", path.display()),
            "not a path for a URL",
            false,
        )
    })
}

/// `file://` and the path with everything but plain characters escaped.
fn url_of(path: &Path) -> Option<String> {
    use std::fmt::Write as _;
    let mut url = String::from("file://");
    for byte in path.to_str()?.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                url.push(char::from(byte));
            }
            other => write!(url, "%{other:02X}").ok()?,
        }
    }
    ListingTableUrl::parse(&url).ok().map(|_| url)
}

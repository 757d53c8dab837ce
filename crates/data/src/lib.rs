//! The institution's own tables: where they come from, what their columns mean,
//! their committed snapshots, and the rows that a finished lookup may send.
//!
//! Why it exists: a protocol needs canonical values in a known order, a court needs
//! a commitment to what the tables said at a time, and an institution's table is
//! neither: it is a CSV with five ways to write a phone, a Parquet file or a live
//! database. [`Snapshot::take`] turns the second into the first, once.
//!
//! *Invariants*
//! - The same rows in the same order give the same root, whatever the source.
//! - Memory is bounded by [`TakeOptions::memory_bytes`] and the limits in
//!   [`limits`], not by the table.
//! - A snapshot's folder is complete or absent; it is never changed after.
//! - No error and no report holds a row's value.
//! - [`Snapshot::rows`] gives out columns whose disclosure rule is open, and no other.
//!
//! *Not here*: who may ask (that is `query` and `node`), keys of the OPRF (`mpc`),
//! what a row is encrypted under, and the dataset's record on the ledger (`docket`).

mod canonical;
mod engine;
mod error;
#[doc(hidden)]
pub mod foreign;
mod guard;
pub mod limits;
#[cfg(feature = "pooled")]
pub mod pooled;
mod selection;
mod snapshot;
mod source;
mod spec;
mod value;

pub use error::{DataError, ErrorKind, Rule};
pub use selection::Selection;
pub use snapshot::{
    BucketRanges, Cancel, Inputs, KeyReport, KeyedRow, Progress, Rejected, RowFilter, RowStream,
    Snapshot, SnapshotReport, Stage, TakeOptions, bucket_hash,
};
pub use spec::{
    ColumnSample, ColumnSpec, DatasetSpec, Disclosure, KeySpec, PostgresUrl, Source, city,
};
pub use value::{Row, Value};

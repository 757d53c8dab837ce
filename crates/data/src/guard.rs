//! Steps into libraries that read files: a panic there is trouble with the file.
//!
//! Why it exists: the decoders of Parquet and of Arrow's schemas panic on some damaged
//! files (a schema that is cut short, a type of 65 bits). A file that an institution has,
//! or a disk that has altered one of ours, must not end the task that reads it.
//!
//! *Invariants*: what a caught step held is dropped; nobody goes on with it.
//!
//! *Not here*: panics of our own code, which are mistakes and are mended.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures::FutureExt as _;

use crate::error::DataError;

/// A step that returns when it is done; `doing` says what for.
pub(crate) fn caught<T>(
    doing: impl FnOnce() -> String,
    step: impl FnOnce() -> T,
) -> Result<T, DataError> {
    catch_unwind(AssertUnwindSafe(step)).map_err(|_| damaged(doing()))
}

/// A step that is awaited.
pub(crate) async fn caught_async<T>(
    doing: impl FnOnce() -> String,
    step: impl Future<Output = T>,
) -> Result<T, DataError> {
    let outcome = AssertUnwindSafe(step).catch_unwind().await;
    outcome.map_err(|_| damaged(doing()))
}

fn damaged(doing: String) -> DataError {
    DataError::trouble(doing, "the file is damaged", false)
}

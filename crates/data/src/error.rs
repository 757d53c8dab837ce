//! What goes wrong in this room: a rule refuses, or the environment fails.
//!
//! *Not here*: faults of peers; this room has no peers. No message holds a row's
//! value: engines' own messages may quote one, so only their kind is kept.

use std::fmt;
use std::path::Path;

use datafusion::error::DataFusionError;

/// The rule that said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// Only columns with open disclosure leave the institution.
    DisclosureOpen,
    /// Only columns open or for comparison may filter rows.
    DisclosureCompare,
    /// Only columns open or for keys may be a lookup key.
    DisclosureKey,
    /// A dataset's description must be complete and within limits.
    SpecValid,
    /// The named column is not in the dataset or its source.
    ColumnKnown,
    /// The named key is not in the dataset.
    KeyKnown,
    /// A filter needs a column that the dataset does not have.
    FilterColumn,
    /// A column's physical type cannot hold its semantic type.
    ColumnKind,
    /// A snapshot is never overwritten.
    SnapshotAbsent,
    /// A request stays within the limits.
    Limit,
}

impl Rule {
    /// The rule's name, as records and logs write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DisclosureOpen => "data.disclosure.open",
            Self::DisclosureCompare => "data.disclosure.compare",
            Self::DisclosureKey => "data.disclosure.key",
            Self::SpecValid => "data.spec.valid",
            Self::ColumnKnown => "data.column.known",
            Self::KeyKnown => "data.key.known",
            Self::FilterColumn => "data.filter.column",
            Self::ColumnKind => "data.column.kind",
            Self::SnapshotAbsent => "data.snapshot.absent",
            Self::Limit => "data.limit",
        }
    }
}

/// The families of [`DataError`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A rule said no.
    Refusal {
        /// Which rule.
        rule: Rule,
        /// The dataset, column, key or limit that it is about.
        about: String,
    },
    /// The environment failed.
    Trouble {
        /// What was being done.
        doing: String,
        /// What failed, without any row's value.
        cause: String,
        /// Whether the same call may succeed later.
        retry: bool,
    },
    /// The caller cancelled.
    Cancelled,
}

/// The error of this room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataError {
    kind: ErrorKind,
}

impl DataError {
    /// Which family and what it carries.
    #[must_use]
    pub const fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The rule, if this is a refusal.
    #[must_use]
    pub const fn rule(&self) -> Option<Rule> {
        match &self.kind {
            ErrorKind::Refusal { rule, .. } => Some(*rule),
            _ => None,
        }
    }

    pub(crate) fn refusal(rule: Rule, about: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Refusal {
                rule,
                about: about.into(),
            },
        }
    }

    pub(crate) fn trouble(doing: impl Into<String>, cause: impl Into<String>, retry: bool) -> Self {
        Self {
            kind: ErrorKind::Trouble {
                doing: doing.into(),
                cause: cause.into(),
                retry,
            },
        }
    }

    pub(crate) const fn cancelled() -> Self {
        Self {
            kind: ErrorKind::Cancelled,
        }
    }

    pub(crate) fn io(doing: &str, path: &Path, error: &std::io::Error) -> Self {
        let retry = !matches!(
            error.kind(),
            std::io::ErrorKind::NotFound
                | std::io::ErrorKind::PermissionDenied
                | std::io::ErrorKind::InvalidData
        );
        Self::trouble(
            format!("{doing} {}", path.display()),
            error.kind().to_string(),
            retry,
        )
    }

    pub(crate) fn engine(doing: &str, error: &DataFusionError) -> Self {
        let (cause, retry) = match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => {
                ("not enough memory or disk for the sort".into(), true)
            }
            DataFusionError::IoError(e) => (e.kind().to_string(), true),
            DataFusionError::ObjectStore(_) => ("a file could not be read".into(), true),
            DataFusionError::ParquetError(_) => ("a Parquet file is damaged".into(), false),
            DataFusionError::ArrowError(..) => ("a column could not be read".into(), false),
            DataFusionError::SQL(..)
            | DataFusionError::Plan(_)
            | DataFusionError::SchemaError(..) => {
                ("the query does not fit the tables".into(), false)
            }
            _ => ("the engine failed".to_owned(), false),
        };
        Self::trouble(doing, cause, retry)
    }

    pub(crate) fn parquet(doing: &str, path: &Path, error: &parquet::errors::ParquetError) -> Self {
        let cause = match error {
            parquet::errors::ParquetError::External(inner) => {
                inner.downcast_ref::<std::io::Error>().map_or_else(
                    || "an external failure".to_owned(),
                    |e| e.kind().to_string(),
                )
            }
            parquet::errors::ParquetError::NYI(_) => {
                "an encoding or codec that is not supported".into()
            }
            parquet::errors::ParquetError::EOF(_) => "the file is cut short".into(),
            _ => "not a sound Parquet file".into(),
        };
        Self::trouble(format!("{doing} {}", path.display()), cause, false)
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ErrorKind::Refusal { rule, about } => {
                write!(f, "refused by rule {}: {about}", rule.name())
            }
            ErrorKind::Trouble {
                doing,
                cause,
                retry,
            } => {
                let hint = if *retry { " (try again)" } else { "" };
                write!(f, "{doing}: {cause}{hint}")
            }
            ErrorKind::Cancelled => f.write_str("cancelled"),
        }
    }
}

impl std::error::Error for DataError {}

//! How an institution describes a table: its columns' meaning, who may learn them,
//! and the keys by which it can be looked up.
//!
//! *Invariants*: a spec that [`DatasetSpec::validate`] accepted names only known
//! columns, keys draw only on columns whose disclosure allows it, and every name is
//! safe as a file name. A PostgreSQL URL is neither printed nor stored in a snapshot.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

use primitives::semantic::Semantic;
use serde::{Deserialize, Serialize};

use crate::error::{DataError, Rule};
use crate::limits::{COLUMNS_MAX, KEY_COLUMNS_MAX, KEYS_MAX};

pub mod city;
mod guess;

/// A table that a custodian publishes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetSpec {
    /// `institution.table`, as questions name it.
    pub name: String,
    /// What kind of table it is: `subscribers`, `calls`, `accounts`, `transfers` …
    pub kind: String,
    /// Where the rows are.
    pub source: Source,
    /// The columns, in the order of the canonical row.
    pub columns: Vec<ColumnSpec>,
    /// The keys by which rows can be looked up.
    #[serde(default)]
    pub keys: Vec<KeySpec>,
    /// The column that a window filters by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The column that a least amount filters by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
}

/// Where a dataset's rows are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type", deny_unknown_fields)]
#[non_exhaustive]
pub enum Source {
    /// A CSV file with a header line; comma, semicolon or tab; UTF-8.
    Csv {
        /// The file.
        path: PathBuf,
    },
    /// A Parquet file.
    Parquet {
        /// The file.
        path: PathBuf,
    },
    /// A table of a PostgreSQL server, read in one repeatable-read transaction.
    Postgres {
        /// `postgres://user:password@host/database`; without TLS, so on the same
        /// machine or over a tunnel.
        url: PostgresUrl,
        /// `table` or `schema.table`.
        table: String,
        /// Columns that fix the rows' order; physical order if empty.
        #[serde(default)]
        order_by: Vec<String>,
    },
}

/// A connection string; it may hold a password, so `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PostgresUrl(pub String);

/// A column: its name here, its name in the source, its meaning and who may learn it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnSpec {
    /// The name in questions: `[a-z][a-z0-9_]*`.
    pub name: String,
    /// The name in the source.
    pub source_name: String,
    /// What the values mean.
    pub semantic: Semantic,
    /// Who may learn them.
    pub disclosure: Disclosure,
    /// Whether a row without a value here is rejected; else the value is null.
    #[serde(default)]
    pub required: bool,
    /// For instants without a zone: minutes east of UTC.
    #[serde(default)]
    pub utc_offset_min: i16,
}

/// What the first rows of a source show of a column: counts alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnSample {
    /// The column's name in questions.
    pub name: String,
    /// Rows looked at.
    pub sampled: u64,
    /// Of these, rows with a value.
    pub filled: u64,
    /// Of these, values of the column's type.
    pub fit: u64,
}

/// What may be done with a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disclosure {
    /// Answers may hold the values.
    Open,
    /// Rows may be found by the value; it is not given out.
    KeyOnly,
    /// Only aggregates over enough rows.
    AggregateOnly,
    /// Only filters and comparisons.
    CompareOnly,
    /// Nothing.
    Never,
}

/// A key: a row is found under the value of each of its columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySpec {
    /// The key's name: `[a-z][a-z0-9_]*`.
    pub name: String,
    /// The columns, all of one semantic type (a call is found under caller and callee).
    pub columns: Vec<String>,
    /// The column whose UTC day is part of the selector, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
}

impl DatasetSpec {
    /// Guesses kind, columns, meaning and keys of a CSV or Parquet file from its
    /// header and its first rows, for a person to look over.
    ///
    /// # Errors
    /// Trouble if the file cannot be read; a refusal if its name is no dataset name.
    pub fn guess(name: &str, path: &Path) -> Result<Self, DataError> {
        guess::guess(name, path)
    }

    /// Counts, in the source's first rows, how many values each column has and how
    /// many are of its type; never a value. Nothing for a database's table.
    ///
    /// # Errors
    /// Trouble if the file cannot be read; a refusal if it lacks a column.
    pub fn sample(&self) -> Result<Vec<ColumnSample>, DataError> {
        guess::samples(self)
    }

    /// The position of a column.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }

    /// The key with this name.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&KeySpec> {
        self.keys.iter().find(|k| k.name == name)
    }

    /// The semantic type of a key's selectors.
    #[must_use]
    pub fn key_semantic(&self, name: &str) -> Option<Semantic> {
        let column = self.column(self.key(name)?.columns.first()?)?;
        Some(self.columns[column].semantic)
    }

    /// The same spec, fit to be stored and shown: without the database's URL.
    #[must_use]
    pub fn redacted(&self) -> Self {
        let mut spec = self.clone();
        if let Source::Postgres { url, .. } = &mut spec.source {
            url.0.clear();
        }
        spec
    }

    /// Checks the description for itself, without looking at the source.
    ///
    /// # Errors
    /// A refusal that names the rule and the column or key.
    pub fn validate(&self) -> Result<(), DataError> {
        let invalid = |about: String| DataError::refusal(Rule::SpecValid, about);
        let (institution, table) = self
            .name
            .split_once('.')
            .ok_or_else(|| invalid("the dataset's name is institution.table".into()))?;
        if !is_institution(institution) || !is_name(table) {
            return Err(invalid("the dataset's name is institution.table".into()));
        }
        if !is_name(&self.kind) {
            return Err(invalid(format!("{}: the kind is not a name", self.name)));
        }
        let within = (1..=COLUMNS_MAX).contains(&self.columns.len()) && self.keys.len() <= KEYS_MAX;
        if !within {
            return Err(invalid(format!(
                "{}: too many or no columns, or too many keys",
                self.name
            )));
        }
        let mut names = HashSet::new();
        for column in &self.columns {
            if !is_name(&column.name) || !names.insert(&column.name) {
                return Err(invalid(format!(
                    "{}: column name taken or unfit: {}",
                    self.name, column.name
                )));
            }
            if column.utc_offset_min.abs() > 14 * 60 {
                return Err(invalid(format!(
                    "{}: offset of column {}",
                    self.name, column.name
                )));
            }
        }
        let mut keys = HashSet::new();
        for key in &self.keys {
            if !is_name(&key.name) || !keys.insert(&key.name) {
                return Err(invalid(format!(
                    "{}: key name taken or unfit: {}",
                    self.name, key.name
                )));
            }
            self.validate_key(key)?;
        }
        self.validate_filter(self.time.as_deref(), Semantic::Timestamp)?;
        self.validate_filter(self.amount.as_deref(), Semantic::Money)
    }

    /// The keys that may be looked up under.
    fn sound_keys(&self) -> Vec<KeySpec> {
        let sound = |key: &&KeySpec| self.validate_key(key).is_ok();
        self.keys.iter().filter(sound).cloned().collect()
    }

    fn validate_key(&self, key: &KeySpec) -> Result<(), DataError> {
        let about = |what: &str| format!("{}, key {}: {what}", self.name, key.name);
        if key.columns.is_empty() || key.columns.len() > KEY_COLUMNS_MAX {
            return Err(DataError::refusal(
                Rule::SpecValid,
                about("too many or no columns"),
            ));
        }
        let mut semantic = None;
        for name in &key.columns {
            let column = self
                .column(name)
                .map(|i| &self.columns[i])
                .ok_or_else(|| DataError::refusal(Rule::ColumnKnown, about(name)))?;
            if !matches!(column.disclosure, Disclosure::Open | Disclosure::KeyOnly) {
                return Err(DataError::refusal(Rule::DisclosureKey, about(name)));
            }
            if *semantic.get_or_insert(column.semantic) != column.semantic {
                return Err(DataError::refusal(
                    Rule::SpecValid,
                    about("columns of several types"),
                ));
            }
        }
        let Some(period) = &key.period else {
            return Ok(());
        };
        match self.column(period).map(|i| self.columns[i].semantic) {
            Some(Semantic::Timestamp) => Ok(()),
            _ => Err(DataError::refusal(Rule::ColumnKnown, about(period))),
        }
    }

    fn validate_filter(&self, column: Option<&str>, semantic: Semantic) -> Result<(), DataError> {
        let Some(name) = column else { return Ok(()) };
        let about = || format!("{}: {name} is no {semantic} column", self.name);
        match self.column(name).map(|i| self.columns[i].semantic) {
            Some(found) if found == semantic => Ok(()),
            _ => Err(DataError::refusal(Rule::ColumnKnown, about())),
        }
    }
}

impl ColumnSpec {
    /// An open, optional column with the same name in the source.
    #[must_use]
    pub fn open(name: &str, semantic: Semantic) -> Self {
        Self {
            name: name.to_owned(),
            source_name: name.to_owned(),
            semantic,
            disclosure: Disclosure::Open,
            required: false,
            utc_offset_min: 0,
        }
    }

    /// The same column, without whose value a row is rejected.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// The same column under another disclosure rule.
    #[must_use]
    pub fn disclosed(mut self, disclosure: Disclosure) -> Self {
        self.disclosure = disclosure;
        self
    }
}

impl KeySpec {
    /// A key over columns, on any day.
    #[must_use]
    pub fn over(name: &str, columns: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            columns: columns.iter().map(|c| (*c).to_owned()).collect(),
            period: None,
        }
    }

    /// The same key, on the day of a column.
    #[must_use]
    pub fn daily(mut self, period: &str) -> Self {
        self.period = Some(period.to_owned());
        self
    }
}

impl Source {
    /// The file source with the extension's format: `.parquet`, else CSV.
    #[must_use]
    pub fn file(path: PathBuf) -> Self {
        let parquet = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("parquet"));
        if parquet {
            Self::Parquet { path }
        } else {
            Self::Csv { path }
        }
    }

    /// How the rows were read, for the snapshot's record.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        match self {
            Self::Csv { .. } => "csv file, whole",
            Self::Parquet { .. } => "parquet file, whole",
            Self::Postgres { .. } => "postgresql table, repeatable read",
        }
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresUrl(..)")
    }
}

fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn is_institution(text: &str) -> bool {
    Semantic::Institution
        .normalise(text)
        .is_ok_and(|name| name == text)
}

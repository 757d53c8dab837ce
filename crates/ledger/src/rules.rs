//! What the ledger asks of the legal order: the ledger orders records and knows none of them.

use std::any::Any;
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::members::Members;

/// Judges records. Given to the ledger by whoever knows what they mean.
pub trait Rules: Send + Sync + 'static {
    /// Whether each record is well formed and its signature verifies, whatever the
    /// state. Called in batches, once for a record on each node; one verdict a record.
    fn check(&self, records: &[Bytes]) -> Vec<Result<(), Refused>>;

    /// The state before the first record.
    fn genesis(&self) -> Box<dyn State>;
}

/// The legal state that the records so far have led to.
pub trait State: Send + Sync {
    /// A copy; called for every block, so it must be cheap (persistent maps).
    fn boxed_clone(&self) -> Box<dyn State>;

    /// Applies one record that [`Rules::check`] passed. It must be a function of the
    /// state, the record and `at` alone, and must leave the state as it was when it refuses.
    ///
    /// # Errors
    /// The rule that says no.
    fn apply(&mut self, record: &[u8], at: BlockInfo) -> Result<(), Refused>;

    /// The validators that the records so far ask for. Where they differ from those in
    /// office, the change takes effect at the end of the current leg.
    fn members(&self) -> Members;

    /// The concrete state, for its owner to read.
    fn as_any(&self) -> &dyn Any;
}

/// Where and when a record is being applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockInfo {
    /// The height of the block.
    pub height: u64,
    /// The block's time in milliseconds since 1970, which never goes backwards.
    pub time_ms: u64,
}

/// A record that a rule refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The rule's short, stable name.
    pub rule: String,
    /// What about the record broke it; neither row data nor secrets.
    pub detail: String,
}

impl Refused {
    /// A refusal by `rule`.
    pub fn new(rule: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            rule: rule.into(),
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.detail)
    }
}

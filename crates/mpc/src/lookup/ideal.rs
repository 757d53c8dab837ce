//! The ideal functionality: a trusted third party that has the tables.
//!
//! Why it exists: it says in a dozen lines what the protocol must compute; the
//! tests hold the real roles against it.

use std::collections::{BTreeMap, BTreeSet};

use super::Label;
use crate::Refusal;

/// A table as the trusted party holds it.
pub(crate) type Table = BTreeMap<Vec<u8>, Label>;

/// What the custodian's node permits, in inputs instead of blinded elements.
pub(crate) struct Allowed {
    pub(crate) inputs: BTreeSet<Vec<u8>>,
    pub(crate) selectors_max: usize,
}

/// For permitted inputs, the labels; else the rule that says no.
pub(crate) fn lookup(
    table: &Table,
    allowed: &Allowed,
    asked: &[Vec<u8>],
) -> Result<Vec<Option<Label>>, Refusal> {
    if asked.len() > allowed.selectors_max {
        return Err(Refusal::TooManySelectors);
    }
    if !asked.iter().all(|input| allowed.inputs.contains(input)) {
        return Err(Refusal::SelectorNotPermitted);
    }
    Ok(asked
        .iter()
        .map(|input| table.get(input).cloned())
        .collect())
}

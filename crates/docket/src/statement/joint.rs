//! What records say of a joint question: who takes part, what was shared and counted.

use primitives::{Digest, InstitutionId};
use serde::{Deserialize, Serialize};

use super::Asked;

/// Who takes part in a joint question beside its custodians.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Joint {
    /// The three that compute over shares, in their order: custodians of the plan, or
    /// the authority. Any two of them together could see everything.
    pub computing: Vec<InstitutionId>,
    /// Who else gives a table: the requester its own, the authority the warrant's
    /// subjects. Sorted by institution.
    pub owners: Vec<Asked>,
    /// The count alone is asked for.
    pub count_only: bool,
}

/// What a joint question found, before any of it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// Rows of the answer.
    pub rows: u64,
    /// Groups that are withheld because too few persons are in them.
    pub withheld: u64,
}

impl Count {
    /// What the three sign as the transcript of a count.
    #[must_use]
    pub fn transcript(&self, question: &Digest) -> Digest {
        let (rows, withheld) = (self.rows.to_be_bytes(), self.withheld.to_be_bytes());
        Digest::of("cordon/joint-count/v1", &[&question.0, &rows, &withheld])
    }
}

/// A table that an owner has split into shares, fixed before anybody computes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableCommitment {
    /// Which table of the plan.
    pub table: String,
    /// Its rows with the padding.
    pub rows: u32,
    /// The digests of what each of the three is given, domain `cordon/joint-shares/v1`.
    pub shares: Vec<Digest>,
}

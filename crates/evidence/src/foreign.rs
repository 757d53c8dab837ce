//! What a fuzzer reaches of foreign bytes in a bundle that its digests shield.
//!
//! *Not here*: anything that a program needs.

use std::collections::HashMap;

use primitives::{Digest, InstitutionId};

use crate::lookups::shown::{Bound, replay};
use crate::lookups::target;

/// What one lookup is bound to, and who can be asked for in it.
#[doc(hidden)]
pub struct Shown {
    /// Network, warrant, plan and run.
    pub scope: [Digest; 4],
    /// The step.
    pub step: u16,
    /// Requester and custodian.
    pub parties: [InstitutionId; 2],
    /// The snapshot.
    pub snapshot: Digest,
    /// Salt and bits of the buckets.
    pub buckets: (Digest, u8),
    /// The commitment to the plan's key.
    pub plan_key: Digest,
    /// Inputs and their blinds.
    pub selectors: Vec<(Vec<u8>, Digest)>,
}

impl Shown {
    /// The transcript and the rows of a shown lookup, where it opens.
    #[must_use]
    pub fn open(&self, bytes: &[u8]) -> Option<(Digest, Vec<Vec<u8>>)> {
        let [network, warrant, plan, question] = self.scope;
        let bound = Bound {
            network,
            warrant,
            plan,
            question,
            step: self.step,
            part: 0,
            requester: &self.parties[0],
            custodian: &self.parties[1],
            snapshot: self.snapshot,
            salt: self.buckets.0,
            bucket_bits: self.buckets.1,
            plan_key: self.plan_key,
        };
        let selectors = self.selectors.iter().cloned();
        let known: Option<HashMap<_, _>> = selectors
            .map(|(input, blind)| target(input, &blind))
            .collect();
        let opened = replay(&bound, bytes, &known?).ok()?;
        let rows = opened.labels.into_iter().flat_map(|label| label.rows);
        Some((opened.transcript, rows.collect()))
    }
}

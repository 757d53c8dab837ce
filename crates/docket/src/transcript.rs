//! What a requester and one custodian saw of a run: the digest that the custodian signs.
//!
//! *Invariants*: it does not depend on the order in which lookups ended.

use primitives::{Digest, cbor};
use serde::{Deserialize, Serialize};

use crate::rule::{Refusal, Rule};

/// One lookup's transcript, as both sides remember it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Seen {
    /// The step.
    pub step: u8,
    /// The snapshot's record.
    pub snapshot: Digest,
    /// The part.
    pub part: u16,
    /// The transcript's digest.
    pub transcript: Digest,
}

/// The digest of a run between a requester and one custodian.
///
/// # Errors
/// A refusal where the list can't be encoded.
pub fn run_transcript(question: &Digest, mut seen: Vec<Seen>) -> Result<Digest, Refusal> {
    seen.sort_unstable();
    let bytes =
        cbor::encode(&seen).map_err(|error| Refusal::new(Rule::Format, error.to_string()))?;
    Ok(Digest::of(
        "cordon/run-transcript/v1",
        &[&question.0, &bytes],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_does_not_depend_on_the_order_in_which_parts_ended() {
        let seen = |step, byte| Seen {
            step,
            snapshot: Digest([9; 32]),
            part: 0,
            transcript: Digest([byte; 32]),
        };
        let question = Digest([0; 32]);
        let one = run_transcript(&question, vec![seen(0, 1), seen(1, 2)]).unwrap();
        let two = run_transcript(&question, vec![seen(1, 2), seen(0, 1)]).unwrap();
        let other = run_transcript(&question, vec![seen(0, 1), seen(1, 3)]).unwrap();
        assert_eq!(one, two);
        assert_ne!(one, other);
    }
}

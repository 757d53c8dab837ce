//! What nodes say to one another over `net`: a few calls, each small.
//!
//! - *body*: a reader asks the node that made a record for a body that the
//!   record commits to; the answer is sealed to the reader's key.
//! - *lookup*: the requester of a running question asks a custodian for one
//!   part of one step; the answer is the protocol's frames.
//! - *attest*: the requester asks a custodian to sign what both saw of a run.
//! - *shares*, *frames*, *count*, *part*: of a joint question; see `crate::joint`.
//!
//! Byte by byte in `docs/formats/exchange.md`.

use primitives::{Digest, Signature, cbor};
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// Bytes of one request: a protocol request of a mebibyte and its frame.
pub const REQUEST_BYTES_MAX: usize = 1024 * 1024 + 4096;
/// Bytes of a sealed body in one reply frame.
pub const BODY_FRAME_BYTES: usize = 512 * 1024;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_first(part: &u16) -> bool {
    *part == 0
}

/// A call from one node to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// Asks for a body.
    Body {
        /// The record that commits to it.
        record: Digest,
        /// Its label.
        label: String,
    },
    /// Asks one part of one step of a running question.
    Lookup(Lookup),
    /// Asks for a signature under a run.
    Attest {
        /// The question's record.
        question: Digest,
        /// The digest of all lookups' transcripts with this custodian.
        transcript: Digest,
    },
    /// One of the three asks an owner for its shares of a table.
    Shares {
        /// The question's record.
        question: Digest,
        /// The table of the plan.
        table: String,
        /// Which part of it, from 0 on.
        #[serde(default, skip_serializing_if = "is_first")]
        part: u16,
    },
    /// One of the three asks another for its frames.
    Frames {
        /// The question's record.
        question: Digest,
    },
    /// The requester asks one of the three what it counted.
    Count {
        /// The question's record.
        question: Digest,
    },
    /// The requester asks one of the three for its part of the answer.
    Part {
        /// The question's record.
        question: Digest,
    },
    /// The requester asks one of the three how far it is.
    Progress {
        /// The question's record.
        question: Digest,
    },
}

/// One part of one step of a running question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// The question's record.
    pub question: Digest,
    /// The step's place in the plan.
    pub step: u8,
    /// The record of the snapshot asked.
    pub snapshot: Digest,
    /// Which part of the step.
    pub part: u16,
    /// The protocol's request.
    #[serde(with = "docket::body::bytes")]
    pub request: Vec<u8>,
}

/// The answer to [`Call::Attest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attested {
    /// By the custodian's node key; see [`docket::statement::Attestation`].
    pub signature: Signature,
}

impl Call {
    /// The call's bytes.
    ///
    /// # Errors
    /// A refusal where it can't be encoded.
    pub fn encode(&self) -> Result<Vec<u8>> {
        Ok(cbor::encode(self)?)
    }

    /// Reads a call.
    ///
    /// # Errors
    /// A refusal where the bytes are not canonical, or too many.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        Ok(cbor::decode(bytes, REQUEST_BYTES_MAX)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_round_trip_and_garbage_is_refused() {
        let call = Call::Lookup(Lookup {
            question: Digest([1; 32]),
            step: 2,
            snapshot: Digest([3; 32]),
            part: 4,
            request: vec![5; 100],
        });
        let bytes = call.encode().unwrap();
        assert_eq!(Call::decode(&bytes).unwrap(), call);
        for cut in 0..bytes.len() {
            assert!(Call::decode(&bytes[..cut]).is_err());
        }
        assert!(Call::decode(&vec![0; REQUEST_BYTES_MAX + 1]).is_err());
    }
}

//! A checkpoint: which log, how many records, which root (`c2sp.org/tlog-checkpoint`).
//!
//! The only thing that validators cosign, so that whoever holds enough
//! cosignatures over one needs no node to check a record against it.
//!
//! *Invariants*: three lines and no extension line, which the standard
//! discourages and which no auditor could check.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use primitives::{Digest, NetworkId};
use serde::{Deserialize, Serialize};

use crate::error::{ProofError, Refusal};
use crate::note::is_name;

/// Bytes of a log's name.
pub const ORIGIN_BYTES_MAX: usize = 255;

/// The name of a network's log, as it stands on the first line of its checkpoints.
pub fn origin(network: &NetworkId) -> String {
    format!("cordon/{network}")
}

/// The state of a log at a size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    origin: String,
    size: u64,
    root: Digest,
}

impl Checkpoint {
    /// The state of the log `origin` with `size` records under `root`.
    ///
    /// # Errors
    /// Refused if the origin is empty, longer than [`ORIGIN_BYTES_MAX`], or holds a
    /// space, a plus sign or a control character.
    pub fn new(origin: impl Into<String>, size: u64, root: Digest) -> Result<Self, ProofError> {
        let origin = origin.into();
        if !is_name(&origin, ORIGIN_BYTES_MAX) {
            return Err(Refusal::Malformed("a checkpoint's origin").into());
        }
        Ok(Self { origin, size, root })
    }

    /// Reads the text form: three lines, each ended by a newline.
    ///
    /// # Errors
    /// Refused unless it is the form that `Display` writes.
    pub fn parse(text: &str) -> Result<Self, ProofError> {
        let malformed = || ProofError::from(Refusal::Malformed("a checkpoint's text"));
        let mut lines = text.strip_suffix('\n').ok_or_else(malformed)?.split('\n');
        let (Some(origin), Some(size), Some(root), None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(malformed());
        };
        let size = decimal(size).ok_or_else(malformed)?;
        let root = STANDARD.decode(root).map_err(|_| malformed())?;
        let root = root.try_into().map_err(|_| malformed())?;
        Self::new(origin, size, Digest(root))
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many records the log has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root over them.
    pub fn root(&self) -> &Digest {
        &self.root
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.origin)?;
        writeln!(f, "{}", self.size)?;
        writeln!(f, "{}", STANDARD.encode(self.root.0))
    }
}

impl TryFrom<Parts> for Checkpoint {
    type Error = ProofError;

    fn try_from(parts: Parts) -> Result<Self, ProofError> {
        Self::new(parts.origin, parts.size, parts.root)
    }
}

impl From<Checkpoint> for Parts {
    fn from(checkpoint: Checkpoint) -> Self {
        Self {
            origin: checkpoint.origin,
            size: checkpoint.size,
            root: checkpoint.root,
        }
    }
}

/// A decimal number without sign or leading zero.
fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

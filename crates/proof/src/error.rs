//! The room's one error: a rule that was broken, or a validator that broke it.
//!
//! *Not here*: trouble with the environment. Nothing in this room reads a file,
//! a socket or a clock.

use std::fmt;

use primitives::InstitutionId;

use crate::equivocation::Equivocation;

/// Why a proof is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProofError {
    /// A rule said no.
    Refusal(Refusal),
    /// Validators contradicted themselves; their own signed words are inside.
    Fault(Vec<Equivocation>),
}

/// The rule that a proof breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// An index or size beyond the log.
    OutOfRange {
        /// The index asked for.
        index: u64,
        /// The records that there are.
        size: u64,
    },
    /// A log can't be a prefix of a smaller one, and an empty prefix proves nothing.
    SizeOrder {
        /// Records in the log said to be older.
        old: u64,
        /// Records in the log said to be newer.
        new: u64,
    },
    /// A path with too many or too few hashes for its sizes.
    PathLength {
        /// Hashes that the sizes ask for.
        expected: usize,
        /// Hashes found.
        found: usize,
    },
    /// The path does not lead to the root.
    Root,
    /// A note, checkpoint, membership or receipt that is not in its one form.
    Malformed(&'static str),
    /// More of something than the format allows.
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: usize,
    },
    /// The checkpoint is another log's.
    Origin,
    /// The checkpoint was cosigned under another membership.
    Epoch {
        /// The membership's epoch.
        expected: u64,
        /// The checkpoint's.
        found: u64,
    },
    /// A cosignature by a name or key that is no member of the epoch.
    UnknownCosigner(InstitutionId),
    /// A cosignature that does not verify.
    Signature(InstitutionId),
    /// Too few members cosigned.
    Quorum {
        /// Members that must.
        needed: usize,
        /// Members that did.
        found: usize,
    },
    /// What is offered as proof of a contradiction contains none.
    NoContradiction,
}

impl Refusal {
    /// The rule's short, stable name.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::OutOfRange { .. } => "index-in-range",
            Self::SizeOrder { .. } => "sizes-in-order",
            Self::PathLength { .. } => "path-length",
            Self::Root => "path-leads-to-root",
            Self::Malformed(_) => "one-form",
            Self::TooLarge { .. } => "within-limit",
            Self::Origin => "same-log",
            Self::Epoch { .. } => "same-epoch",
            Self::UnknownCosigner(_) => "cosigner-is-member",
            Self::Signature(_) => "cosignature-verifies",
            Self::Quorum { .. } => "quorum",
            Self::NoContradiction => "contradiction",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange { index, size } => {
                write!(f, "{index} is beyond a log of {size} records")
            }
            Self::SizeOrder { old, new } => {
                write!(
                    f,
                    "a log of {old} records can't be shown a prefix of one of {new}"
                )
            }
            Self::PathLength { expected, found } => {
                write!(f, "a path of {found} hashes where {expected} are due")
            }
            Self::Root => f.write_str("the path does not lead to the root"),
            Self::Malformed(what) => write!(f, "malformed: {what}"),
            Self::TooLarge { what, limit } => write!(f, "more than {limit} {what}"),
            Self::Origin => f.write_str("the checkpoint is another log's"),
            Self::Epoch { expected, found } => {
                write!(f, "cosigned in epoch {found}, not in epoch {expected}")
            }
            Self::UnknownCosigner(name) => write!(f, "{name} is not a member with this key"),
            Self::Signature(name) => write!(f, "the cosignature of {name} does not verify"),
            Self::Quorum { needed, found } => {
                write!(f, "{found} members cosigned where {needed} must")
            }
            Self::NoContradiction => f.write_str("the two checkpoints do not contradict"),
        }
    }
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refusal(refusal) => refusal.fmt(f),
            Self::Fault(equivocations) => {
                f.write_str("cosigned two logs that contradict:")?;
                for (position, equivocation) in equivocations.iter().enumerate() {
                    let separator = if position == 0 { "" } else { "," };
                    write!(f, "{separator} {}", equivocation.cosigner())?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for ProofError {}

impl From<Refusal> for ProofError {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

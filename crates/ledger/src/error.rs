//! Why the ledger could not start, or did not take a record.

use std::fmt;

use proof::ProofError;

use crate::rules::Refused;

/// What went wrong when the ledger was started or asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A rule said no.
    Refusal(Refusal),
    /// The environment failed.
    Trouble(Trouble),
}

/// The rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The members are not a possible set of validators.
    Members(String),
    /// A setting out of its range.
    Config(&'static str),
    /// A proof asked for that the log can't give.
    Proof(ProofError),
    /// The data folder belongs to another network.
    OtherNetwork,
    /// Bytes that show nothing against any member.
    Evidence,
}

/// What failed around the ledger, and whether trying again can help.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// The ledger has stopped; start it again.
    Stopped,
    /// The address to listen on is taken or not this machine's.
    Listen(std::net::SocketAddr),
    /// Storage failed; trying again may help once it works.
    Storage(String),
    /// The agreed records do not lead to the agreed state under this node's rules: its
    /// program differs from the others'. Trying again does not help.
    Diverged {
        /// The height of the block that does not apply.
        height: u64,
        /// What does not fit.
        detail: String,
    },
}

impl Trouble {
    /// Whether the same request may succeed later without anybody changing anything.
    #[must_use]
    pub fn retry(&self) -> bool {
        matches!(self, Self::Storage(_) | Self::Listen(_))
    }
}

/// Why a record has no receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubmitError {
    /// A rule said no; the record will not be on the ledger.
    Refused(Refused),
    /// Too many records are waiting here; try again later.
    Full,
    /// Too few validators are heard for agreement. The record is kept and will become
    /// final when they return; submitting it again attaches to it.
    Stalled {
        /// Validators heard of late, this one included.
        heard: usize,
        /// Validators that agreement needs.
        needed: usize,
    },
    /// The ledger has stopped.
    Stopped,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refusal(Refusal::Members(detail)) => {
                write!(f, "not a set of validators: {detail}")
            }
            Self::Refusal(Refusal::Config(what)) => write!(f, "out of range: {what}"),
            Self::Refusal(Refusal::Proof(error)) => error.fmt(f),
            Self::Refusal(Refusal::OtherNetwork) => {
                f.write_str("the data folder belongs to another network")
            }
            Self::Refusal(Refusal::Evidence) => {
                f.write_str("the bytes show no contradiction of a member")
            }
            Self::Trouble(Trouble::Stopped) => f.write_str("the ledger has stopped"),
            Self::Trouble(Trouble::Listen(address)) => write!(f, "can't listen on {address}"),
            Self::Trouble(Trouble::Storage(detail)) => write!(f, "storage failed: {detail}"),
            Self::Trouble(Trouble::Diverged { height, detail }) => {
                write!(
                    f,
                    "block {height} does not apply under these rules: {detail}"
                )
            }
        }
    }
}

impl fmt::Display for SubmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => write!(f, "refused by {refused}"),
            Self::Full => f.write_str("too many records are waiting; try again later"),
            Self::Stalled { heard, needed } => {
                write!(f, "{heard} validators are heard where {needed} must agree")
            }
            Self::Stopped => f.write_str("the ledger has stopped"),
        }
    }
}

impl std::error::Error for Error {}
impl std::error::Error for SubmitError {}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<ProofError> for Error {
    fn from(error: ProofError) -> Self {
        Self::Refusal(Refusal::Proof(error))
    }
}

//! One error for the room: refusal, fault or trouble, as people and programs
//! need it.

use std::fmt;

use docket::Refusal;
use primitives::{Digest, InstitutionId};

/// What went wrong, with the record that was made of it where there is one.
#[derive(Clone, Debug)]
pub struct Error {
    /// What went wrong.
    pub kind: Kind,
    /// What to do about it.
    pub advice: Option<String>,
    /// The record of the denial.
    pub record: Option<Box<Digest>>,
    /// Whose word it is.
    pub said: Said,
}

/// Whose word an error is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Said {
    /// This node's own.
    #[default]
    Here,
    /// Another member's node said no.
    By(Box<InstitutionId>),
    /// Another member's node passed on what ended its part.
    Heard,
}

/// What stands before a word that a node passes on.
pub(crate) const HEARD: &str = "heard";

/// The three families.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Kind {
    /// A rule said no.
    Refused {
        /// The rule's stable name.
        rule: String,
        /// What it said no to.
        detail: String,
    },
    /// A peer misbehaved.
    Fault {
        /// The peer.
        peer: InstitutionId,
        /// What it did.
        detail: String,
        /// Its bytes.
        evidence: Vec<u8>,
    },
    /// The environment failed.
    Trouble {
        /// The trouble's stable name.
        name: &'static str,
        /// What happened.
        detail: String,
        /// Whether the same request may succeed later.
        retry: bool,
    },
}

impl Error {
    /// A refusal by a rule.
    pub fn refused(rule: impl Into<String>, detail: impl Into<String>) -> Self {
        Kind::Refused {
            rule: rule.into(),
            detail: detail.into(),
        }
        .into()
    }

    /// Trouble that trying again may cure.
    pub fn trouble(name: &'static str, detail: impl fmt::Display) -> Self {
        Kind::Trouble {
            name,
            detail: detail.to_string(),
            retry: true,
        }
        .into()
    }

    /// Trouble that trying again does not cure.
    pub fn broken(name: &'static str, detail: impl fmt::Display) -> Self {
        Kind::Trouble {
            name,
            detail: detail.to_string(),
            retry: false,
        }
        .into()
    }

    /// A peer's fault with its bytes.
    pub fn fault(peer: &InstitutionId, detail: impl Into<String>, evidence: Vec<u8>) -> Self {
        Kind::Fault {
            peer: peer.clone(),
            detail: detail.into(),
            evidence,
        }
        .into()
    }

    /// Says whose word it is.
    #[must_use]
    pub(crate) fn said(mut self, said: Said) -> Self {
        self.said = said;
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// The rule's or trouble's stable name.
    #[must_use]
    pub fn rule(&self) -> &str {
        match &self.kind {
            Kind::Refused { rule, .. } => rule,
            Kind::Fault { .. } => "fault",
            Kind::Trouble { name, .. } => name,
        }
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub fn retry(&self) -> bool {
        matches!(self.kind, Kind::Trouble { retry: true, .. })
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Self {
            kind,
            advice: None,
            record: None,
            said: Said::Here,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::refused(refusal.rule.name(), refusal.detail)
    }
}

impl From<query::QueryRefusal> for Error {
    fn from(refusal: query::QueryRefusal) -> Self {
        match &refusal.peer {
            // A custodian sent what its step did not ask for.
            Some(peer) => Self::fault(peer, refusal.to_string(), refusal.detail.into_bytes()),
            None => Self::refused(refusal.rule.name(), refusal.detail),
        }
    }
}

impl From<docket::RecordError> for Error {
    fn from(error: docket::RecordError) -> Self {
        let rule = match error {
            docket::RecordError::Assertion(_) => "assertion",
            _ => docket::Rule::Format.name(),
        };
        Self::refused(rule, error.to_string())
    }
}

impl From<primitives::cbor::CborError> for Error {
    fn from(error: primitives::cbor::CborError) -> Self {
        Self::refused(docket::Rule::Format.name(), error.to_string())
    }
}

impl From<primitives::IdError> for Error {
    fn from(error: primitives::IdError) -> Self {
        Self::refused(docket::Rule::Format.name(), error.to_string())
    }
}

impl From<hex::FromHexError> for Error {
    fn from(error: hex::FromHexError) -> Self {
        Self::refused(docket::Rule::Format.name(), format!("not hex: {error}"))
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::trouble("storage", error)
    }
}

impl From<ledger::SubmitError> for Error {
    fn from(error: ledger::SubmitError) -> Self {
        match error {
            ledger::SubmitError::Refused(refused) => Self::refused(refused.rule, refused.detail),
            ledger::SubmitError::Full => Self::trouble("ledger-full", &error),
            ledger::SubmitError::Stalled { .. } => Self::trouble("ledger-stalled", &error).advise(
                "the record is kept and becomes final when enough members return; \
                 see `cordon status` for who is missing",
            ),
            ledger::SubmitError::Stopped => Self::trouble("ledger-stopped", &error),
            _ => Self::trouble("ledger", &error),
        }
    }
}

impl From<ledger::Error> for Error {
    fn from(error: ledger::Error) -> Self {
        match &error {
            ledger::Error::Refusal(_) => Self::refused("ledger", error.to_string()),
            ledger::Error::Trouble(ledger::Trouble::Storage(_)) => {
                Self::broken("storage", &error).advise(DISK_ADVICE)
            }
            _ => Self::trouble("ledger", error),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Refused { rule, detail } => write!(f, "refused by rule {rule}: {detail}")?,
            Kind::Fault { peer, detail, .. } => write!(f, "fault of {peer}: {detail}")?,
            Kind::Trouble { name, detail, .. } => write!(f, "{name}: {detail}")?,
        }
        if let Some(advice) = &self.advice {
            write!(f, " ({advice})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// What to do where a disk takes no more.
pub(crate) const DISK_ADVICE: &str = "look at the disk's room and health, then start the node \
     again; nothing that was acknowledged is lost";

/// The room's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

//! Why a command did not do what it was asked, and the exit code that says so.
//!
//! *Invariants*: every failure has one family and each family one exit code
//! (`cordon help exit-codes`); a failure's text holds no row and no secret.

use std::{fmt, process::ExitCode};

use node::api::types::ApiError;
use serde::Serialize;

/// Families of failures; the exit code is the family's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Family {
    /// The environment failed; a retry may help.
    Trouble,
    /// The command line is not one.
    Usage,
    /// A rule said no.
    Refusal,
    /// A peer misbehaved, or evidence does not verify.
    Fault,
    /// The user stopped it.
    Cancelled,
}

impl Family {
    /// The exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Trouble => 1,
            Self::Usage => 2,
            Self::Refusal => 3,
            Self::Fault => 4,
            Self::Cancelled => 130,
        }
    }
}

/// A command's failure.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// Its family.
    pub family: Family,
    /// The rule's or trouble's stable name.
    pub rule: String,
    /// What happened, in plain words.
    pub detail: String,
    /// What to do about it.
    pub advice: Option<String>,
    /// Whether the same command may succeed later.
    pub retry: bool,
    /// The record of the denial, where one was made.
    pub record: Option<String>,
}

/// A command's result.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    fn new(family: Family, rule: &str, detail: impl fmt::Display) -> Self {
        Self {
            family,
            rule: rule.into(),
            detail: detail.to_string(),
            advice: None,
            retry: false,
            record: None,
        }
    }

    /// The environment failed; trying again may help.
    pub fn trouble(name: &str, detail: impl fmt::Display) -> Self {
        Self {
            retry: true,
            ..Self::new(Family::Trouble, name, detail)
        }
    }

    /// The command line is not one.
    pub fn usage(detail: impl fmt::Display) -> Self {
        Self::new(Family::Usage, "usage", detail)
    }

    /// A rule said no.
    pub fn refusal(rule: &str, detail: impl fmt::Display) -> Self {
        Self::new(Family::Refusal, rule, detail)
    }

    /// A peer misbehaved, or evidence does not verify.
    pub fn fault(rule: &str, detail: impl fmt::Display) -> Self {
        Self::new(Family::Fault, rule, detail)
    }

    /// The user stopped it.
    pub fn cancelled(detail: impl fmt::Display) -> Self {
        Self::new(Family::Cancelled, "cancelled", detail)
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Trouble with a file.
    pub fn file(path: &std::path::Path, error: impl fmt::Display) -> Self {
        Self::new(
            Family::Trouble,
            "file",
            format!("{}: {error}", path.display()),
        )
    }

    /// The exit code.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.family.code())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.family {
            Family::Refusal => write!(f, "refused by rule {}: {}", self.rule, self.detail)?,
            Family::Fault => write!(f, "fault ({}): {}", self.rule, self.detail)?,
            _ => f.write_str(&self.detail)?,
        }
        if let Some(record) = &self.record {
            write!(f, "\n  the denial is on record: {record}")?;
        }
        if let Some(advice) = &self.advice {
            write!(f, "\n  {advice}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self {
            family: match error.family.as_str() {
                "refusal" => Family::Refusal,
                "fault" => Family::Fault,
                _ => Family::Trouble,
            },
            rule: error.rule,
            detail: error.detail,
            advice: error.advice,
            retry: error.retry,
            record: error.record,
        }
    }
}

impl From<node::error::Error> for Failure {
    fn from(error: node::error::Error) -> Self {
        use node::error::Kind;
        let retry = error.retry();
        let (family, rule, detail) = match error.kind {
            Kind::Refused { rule, detail } => (Family::Refusal, rule, detail),
            Kind::Fault { peer, detail, .. } => {
                (Family::Fault, "fault".into(), format!("{peer}: {detail}"))
            }
            Kind::Trouble { name, detail, .. } => (Family::Trouble, name.into(), detail),
            other => (Family::Trouble, "unknown".into(), format!("{other:?}")),
        };
        Self {
            family,
            rule,
            detail,
            advice: error.advice,
            retry,
            record: error.record.map(|record| record.to_string()),
        }
    }
}

impl From<docket::Refusal> for Failure {
    fn from(refusal: docket::Refusal) -> Self {
        Self::refusal(refusal.rule.name(), refusal.detail)
    }
}

impl From<city::Error> for Failure {
    fn from(error: city::Error) -> Self {
        match error.kind() {
            city::ErrorKind::Disk { .. } => Self::trouble("disk", error),
            _ => Self::refusal("city", error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_has_its_own_code_and_an_api_error_keeps_its_family() {
        let codes: std::collections::BTreeSet<u8> = [
            Family::Trouble,
            Family::Usage,
            Family::Refusal,
            Family::Fault,
            Family::Cancelled,
        ]
        .map(Family::code)
        .into();
        assert_eq!(codes.len(), 5);
        for (family, code) in [("refusal", 3), ("fault", 4), ("trouble", 1), ("?", 1)] {
            let failure = Failure::from(ApiError {
                family: family.into(),
                rule: "scope".into(),
                detail: "beyond the warrant".into(),
                advice: None,
                retry: false,
                record: Some("ab".into()),
            });
            assert_eq!(failure.family.code(), code, "{family}");
            assert!(failure.to_string().contains("on record: ab"));
        }
    }
}

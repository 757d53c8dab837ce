//! What is wrong with a bundle: which file, which rule, in plain words.
//!
//! *Invariants*: a finding holds no row of an answer and no subject.

use std::fmt;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file in the bundle; `(archive)` where it is the archive itself.
    pub file: String,
    /// The rule's short, stable name.
    pub rule: String,
    /// What is wrong, in plain words.
    pub detail: String,
}

/// The name that stands for the archive's own structure.
pub(crate) const ARCHIVE: &str = "(archive)";

impl Finding {
    pub(crate) fn new(
        file: impl Into<String>,
        rule: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            file: file.into(),
            rule: rule.into(),
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.file, self.detail, self.rule)
    }
}

/// A bundle that was not accepted, or can't be built: at least one finding.
///
/// The room's one error. It is always a refusal: nothing here touches a file, a
/// socket or a clock, and no peer is heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong, in the order in which it was found.
    pub findings: Vec<Finding>,
}

impl Refused {
    /// Ends a stage of checking: refused if it found anything.
    pub(crate) fn unless_none(findings: Vec<Finding>) -> Result<(), Self> {
        if findings.is_empty() {
            Ok(())
        } else {
            Err(Self { findings })
        }
    }
}

impl From<Finding> for Refused {
    fn from(finding: Finding) -> Self {
        Self {
            findings: vec![finding],
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, finding) in self.findings.iter().enumerate() {
            if position > 0 {
                f.write_str("; ")?;
            }
            finding.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}

//! The rules that can refuse a question, a plan or its rows, each with a stable name.

use std::fmt;

use primitives::InstitutionId;

macro_rules! rules {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)?) => {
        /// A rule of the compiler. Its name is stable: denials and messages quote it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $($(#[$doc])* $variant),+
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Rule] = &[$(Rule::$variant),+];

            /// The rule's stable name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Rule::$variant => $name),+ }
            }
        }
    };
}

rules! {
    /// There is no such template.
    TemplateUnknown = "template-unknown",
    /// The warrant does not allow the template.
    TemplateNotGranted = "template-not-granted",
    /// A parameter that the template does not take, or out of its range.
    ParameterUnfit = "parameter-unfit",
    /// More hops than warrant, charter or template allow.
    HopsBeyond = "hops-beyond",
    /// More rows than warrant or charter allow.
    CapBeyond = "cap-beyond",
    /// No subject of a kind that the template can begin from.
    Seedless = "seedless",
    /// The order shown differs from the warrant's terms.
    OrderMismatch = "order-mismatch",
    /// A custodian that the warrant does not name.
    CustodianNotNamed = "custodian-not-named",
    /// No custodian asked, or a custodian named, has no table that the template needs.
    TableMissing = "table-missing",
    /// A table lacks a lookup key that the plan needs.
    KeyMissing = "key-missing",
    /// A table lacks a column that the plan needs.
    ColumnMissing = "column-missing",
    /// A column that the plan needs means something else in this table.
    ColumnMeaning = "column-meaning",
    /// A column that the plan needs is not open.
    ColumnClosed = "column-closed",
    /// A table's buckets hold fewer keys than the charter asks for.
    BucketTooSmall = "bucket-too-small",
    /// The plan reads another snapshot than the custodian's latest.
    SnapshotStale = "snapshot-stale",
    /// The plan is not the one that its question compiles to.
    PlanDiffers = "plan-differs",
    /// A row that is not of the step's columns.
    RowShape = "row-shape",
    /// A row that no selector of its step looked up.
    RowUnasked = "row-unasked",
    /// The answer has more rows than the plan's cap.
    OverCap = "over-cap",
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A rule said no to a question, a plan or an answer.
///
/// Where `peer` is set ([`Rule::RowShape`], [`Rule::RowUnasked`]) it is that
/// custodian's fault, and the transcript of the step is the evidence; all others
/// are refusals.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueryRefusal {
    /// The rule.
    pub rule: Rule,
    /// The table and column that it is about, `institution.table.column`, where
    /// it is about one.
    pub column: Option<String>,
    /// The custodian at fault, where one is.
    pub peer: Option<InstitutionId>,
    /// What it said no to, in plain words without personal data.
    pub detail: String,
}

impl QueryRefusal {
    pub(crate) fn new(rule: Rule, detail: impl Into<String>) -> Self {
        Self {
            rule,
            column: None,
            peer: None,
            detail: detail.into(),
        }
    }

    pub(crate) fn at(rule: Rule, column: String, what: &str) -> Self {
        Self {
            rule,
            detail: format!("{column}: {what}"),
            column: Some(column),
            peer: None,
        }
    }

    pub(crate) fn fault(rule: Rule, peer: &InstitutionId, what: &str) -> Self {
        Self {
            rule,
            column: None,
            peer: Some(peer.clone()),
            detail: format!("{peer} {what}"),
        }
    }
}

impl fmt::Display for QueryRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused by rule {}: {}", self.rule, self.detail)
    }
}

impl std::error::Error for QueryRefusal {}

pub(crate) fn ensure(
    condition: bool,
    rule: Rule,
    detail: impl FnOnce() -> String,
) -> Result<(), QueryRefusal> {
    if condition {
        Ok(())
    } else {
        Err(QueryRefusal::new(rule, detail()))
    }
}

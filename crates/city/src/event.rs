//! What happens in the city: a call or a transfer, by numbers.

use crate::roster::{Account, Sim};

/// A call; the cards' operators both keep a row of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    pub(crate) at_s: i64,
    pub(crate) caller: Sim,
    pub(crate) callee: Sim,
    pub(crate) duration_s: i32,
    pub(crate) cell: u32,
    /// The caller's number was not sent.
    pub(crate) withheld: bool,
}

/// A transfer; the accounts' banks both keep a row of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Transfer {
    pub(crate) at_s: i64,
    pub(crate) from: Account,
    pub(crate) to: Account,
    pub(crate) fen: i64,
    pub(crate) kind: TransferKind,
}

/// What a transfer says that it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TransferKind {
    Transfer,
    Salary,
    Rent,
    Purchase,
}

impl TransferKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Transfer => "transfer",
            Self::Salary => "salary",
            Self::Rent => "rent",
            Self::Purchase => "purchase",
        }
    }
}

/// A sum in yuan as tables and reports write it: `15382.24`.
pub(crate) fn yuan(fen: i64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

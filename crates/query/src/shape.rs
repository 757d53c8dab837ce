//! The kinds of tables that the templates read: their columns, meanings and keys.
//!
//! A custodian's table of a kind has at least the needed columns; the optional
//! ones open where they are open in every table of the plan.

use primitives::semantic::Semantic::{
    self, Account, Date, Institution, Integer, Money, Phone, ResidentId, Text, Timestamp,
};

pub(crate) type ColumnShape = (&'static str, Semantic);

pub(crate) struct Shape {
    pub(crate) table: &'static str,
    pub(crate) needed: &'static [ColumnShape],
    pub(crate) optional: &'static [ColumnShape],
    pub(crate) keys: &'static [KeyShape],
    /// The column that a window bounds.
    pub(crate) time: Option<&'static str>,
    /// The column that a least amount bounds.
    pub(crate) amount: Option<&'static str>,
}

/// A key: a row is found under the value of each of the columns, with the day
/// of `at` where there is one.
pub(crate) struct KeyShape {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [&'static str],
    pub(crate) semantic: Semantic,
    pub(crate) at: Option<&'static str>,
}

const fn key(
    name: &'static str,
    columns: &'static [&'static str],
    semantic: Semantic,
    at: Option<&'static str>,
) -> KeyShape {
    KeyShape {
        name,
        columns,
        semantic,
        at,
    }
}

pub(crate) const SHAPES: &[Shape] = &[
    Shape {
        table: "subscribers",
        needed: &[
            ("phone", Phone),
            ("holder", Text),
            ("id_number", ResidentId),
        ],
        optional: &[],
        keys: &[
            key("phone", &["phone"], Phone, None),
            key("id_number", &["id_number"], ResidentId, None),
        ],
        time: None,
        amount: None,
    },
    Shape {
        table: "accounts",
        needed: &[
            ("account", Account),
            ("holder", Text),
            ("id_number", ResidentId),
        ],
        optional: &[("phone", Phone), ("opened", Date)],
        keys: &[
            key("account", &["account"], Account, None),
            key("id_number", &["id_number"], ResidentId, None),
        ],
        time: None,
        amount: None,
    },
    Shape {
        table: "calls",
        needed: &[
            ("caller", Phone),
            ("callee", Phone),
            ("at", Timestamp),
            ("duration_s", Integer),
        ],
        optional: &[("cell", Integer)],
        keys: &[key("party", &["caller", "callee"], Phone, None)],
        time: Some("at"),
        amount: None,
    },
    Shape {
        table: "transfers",
        needed: &[
            ("from_account", Account),
            ("to_account", Account),
            ("amount_fen", Money),
            ("at", Timestamp),
        ],
        optional: &[
            ("from_bank", Institution),
            ("to_bank", Institution),
            ("kind", Text),
        ],
        keys: &[
            key("from_account", &["from_account"], Account, None),
            key("from_account_day", &["from_account"], Account, Some("at")),
        ],
        time: Some("at"),
        amount: Some("amount_fen"),
    },
];

pub(crate) fn shape(table: &str) -> Option<&'static Shape> {
    SHAPES.iter().find(|shape| shape.table == table)
}

pub(crate) fn key_shape(table: &str, key: &str) -> Option<&'static KeyShape> {
    shape(table)?.keys.iter().find(|shape| shape.name == key)
}

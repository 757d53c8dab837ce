//! The joint programs: which tables they take, from where, with which numbers, and
//! what they open.

use std::collections::BTreeMap;

use docket::{
    joint::{Field, Form},
    plan::{Method, Parameters},
};
use primitives::{
    InstitutionId,
    semantic::{
        DAY_MS,
        Semantic::{self, Account, Integer, Money, Phone, Premise, Real, ResidentId, Timestamp},
    },
};

use crate::{
    compile::Grant,
    error::{QueryRefusal, Rule, ensure},
};

/// Groups by amount: the number of digits of an amount in fen.
const BANDS: usize = 20;
/// Bits after the point of an opened risk score, at most.
const RISK_FRACTION_MAX: u32 = 16;
/// Bits after the point that one iteration adds to a score.
const RISK_ITERATION_BITS: u32 = WEIGHT_BITS + 8;
/// Bits after the point of a transfer's weight.
pub const WEIGHT_BITS: u32 = 16;

/// Who shares a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Whoever asked holds the tables: custodians, or the requester itself.
    Holder,
    /// The authority: the warrant's subjects.
    Authority,
}

/// A kind of table that an input is selected from, with the columns that it needs:
/// name, meaning, and whether its values open.
#[derive(Debug)]
pub(crate) struct Reads {
    pub(crate) table: &'static str,
    pub(crate) columns: &'static [(&'static str, Semantic, bool)],
}

/// A table that is shared.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) table: &'static str,
    pub(crate) owner: Owner,
    pub(crate) from: &'static [Reads],
}

/// A number that a program takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// Its name in `docket::plan::Parameters::joint`.
    pub name: &'static str,
    /// Where a question says nothing; none: as many as there are scenes.
    pub default: Option<i64>,
    /// Least.
    pub least: i64,
    /// Most.
    pub most: i64,
    /// What it is, in English.
    pub what_en: &'static str,
    /// What it is, in Chinese.
    pub what_zh: &'static str,
}

/// A joint program.
pub(crate) struct Program {
    pub(crate) id: &'static str,
    /// Whether it begins from scenes.
    pub(crate) scenes: bool,
    /// Of sets, who is asked gives one of the inputs each; otherwise every input is
    /// needed.
    pub(crate) method: Method,
    pub(crate) inputs: &'static [Input],
    pub(crate) terms: &'static [Term],
    pub(crate) fields: fn(&BTreeMap<String, i64>, &[InstitutionId]) -> Vec<Field>,
}

const CALLS_WITH_CELLS: Reads = Reads {
    table: "calls",
    columns: &[
        ("caller", Phone, true),
        ("callee", Phone, false),
        ("at", Timestamp, false),
        ("cell", Integer, false),
    ],
};
const SUBSCRIBERS: Reads = Reads {
    table: "subscribers",
    columns: &[("phone", Phone, false), ("id_number", ResidentId, false)],
};
const ACCOUNTS: Reads = Reads {
    table: "accounts",
    columns: &[("account", Account, true), ("id_number", ResidentId, false)],
};
const TRANSFERS: Reads = Reads {
    table: "transfers",
    columns: &[
        ("from_account", Account, false),
        ("to_account", Account, true),
        ("amount_fen", Money, false),
        ("at", Timestamp, false),
    ],
};

const fn holds(table: &'static str, from: &'static [Reads]) -> Input {
    Input {
        table,
        owner: Owner::Holder,
        from,
    }
}

const fn term(
    name: &'static str,
    default: Option<i64>,
    (least, most): (i64, i64),
    what_en: &'static str,
    what_zh: &'static str,
) -> Term {
    Term {
        name,
        default,
        least,
        most,
        what_en,
        what_zh,
    }
}

/// In how many parts the tables come that are cut by key, where a question may be asked
/// of more rows than the three hold at once.
const PARTS: Term = term(
    PARTS_NAME,
    Some(1),
    (1, 64),
    "parts that large tables come in, computed one after another; 1 unless given",
    "大表分成几部分依次计算；默认 1",
);
/// The name of that number. Where it is 1 the plan does not have it.
pub(super) const PARTS_NAME: &str = "parts";

/// Whoever's set of persons a question compares: callers at the scenes, holders of
/// accounts that were paid in their times, holders of premises under their cells.
const SETS_OF_PERSONS: &[Input] = &[
    holds(
        "callers",
        &[
            Reads {
                table: "calls",
                columns: &[
                    ("caller", Phone, false),
                    ("at", Timestamp, false),
                    ("cell", Integer, false),
                ],
            },
            Reads {
                table: "subscribers",
                columns: &[("phone", Phone, false), ("id_number", ResidentId, true)],
            },
        ],
    ),
    holds(
        "payees",
        &[
            Reads {
                table: "accounts",
                columns: &[("account", Account, false), ("id_number", ResidentId, true)],
            },
            Reads {
                table: "transfers",
                columns: &[("to_account", Account, false), ("at", Timestamp, false)],
            },
        ],
    ),
    holds(
        "householders",
        &[Reads {
            table: "premises",
            columns: &[
                ("cell", Integer, false),
                ("holder_id_number", ResidentId, true),
            ],
        }],
    ),
];

const PROGRAMS: &[Program] = &[
    Program {
        id: "at-the-scenes",
        scenes: true,
        method: Method::Shares,
        inputs: &[holds("sightings", &[CALLS_WITH_CELLS])],
        terms: &[
            term(
                "least",
                None,
                (1, 64),
                "at how many of the scenes at least; all of them unless given",
                "至少出现在几个现场；默认全部",
            ),
            PARTS,
        ],
        fields: |_, _| named("phone", "phone"),
    },
    Program {
        id: "sim-box",
        scenes: true,
        method: Method::Shares,
        inputs: &[
            holds("sims", &[CALLS_WITH_CELLS, SUBSCRIBERS]),
            holds(
                "premises",
                &[
                    Reads {
                        table: "premises",
                        columns: &[
                            ("premise", Premise, true),
                            ("cell", Integer, true),
                            ("holder_id_number", ResidentId, false),
                        ],
                    },
                    Reads {
                        table: "readings",
                        columns: &[
                            ("premise", Premise, true),
                            ("at", Timestamp, false),
                            ("kwh", Real, false),
                        ],
                    },
                ],
            ),
            holds(
                "wet",
                &[Reads {
                    table: "readings",
                    columns: &[
                        ("premise", Premise, false),
                        ("at", Timestamp, false),
                        ("litres", Real, false),
                    ],
                }],
            ),
            holds(
                "residents",
                &[Reads {
                    table: "residents",
                    columns: &[("id_number", ResidentId, false)],
                }],
            ),
        ],
        terms: &[
            term(
                "sims",
                Some(4),
                (1, 1_000),
                "suspicious SIMs under one cell, at least; 4 unless given",
                "同一基站小区下可疑号卡至少几张；默认 4",
            ),
            term(
                "calls",
                Some(20),
                (1, 1_000_000),
                "calls of such a SIM, at least; 20 unless given",
                "此类号卡呼出至少几次；默认 20",
            ),
            term(
                "flat_percent",
                Some(20),
                (1, 100),
                "standard deviation of flat load, in hundredths of its mean, at most; 20 unless given",
                "平直负荷的标准差不超过均值的百分之几；默认 20",
            ),
            PARTS,
        ],
        fields: |_, _| {
            let mut fields = named("premise", "premise");
            fields.push(number("cell", CELL_BITS));
            fields
        },
    },
    Program {
        id: "called-then-paid",
        scenes: false,
        method: Method::Shares,
        inputs: &[
            Input {
                table: "phones",
                owner: Owner::Authority,
                from: &[],
            },
            holds("calls", &[CALLS, SUBSCRIBERS]),
            holds("transfers", &[ACCOUNTS, TRANSFERS]),
        ],
        terms: &[
            term(
                "least",
                Some(3),
                (1, 1_000_000),
                "persons who paid the account, at least; 3 unless given",
                "向该账户付款的人至少几名；默认 3",
            ),
            term(
                "within_minutes",
                Some(60),
                (1, 1_440),
                "minutes between call and payment, at most; 60 unless given",
                "通话与付款最多相隔几分钟；默认 60",
            ),
            PARTS,
        ],
        fields: |_, _| named("account", "account"),
    },
    Program {
        id: "totals",
        scenes: true,
        method: Method::Shares,
        inputs: &[
            holds("subjects", &[CALLS_WITH_CELLS, SUBSCRIBERS]),
            holds("facts", &[ACCOUNTS, TRANSFERS]),
        ],
        terms: &[
            term(
                "by",
                Some(0),
                (0, 2),
                "groups: 0 by the paying bank, 1 by day, 2 by the amount's number of digits; 0 unless given",
                "分组：0 按付款行，1 按日，2 按金额位数；默认 0",
            ),
            PARTS,
        ],
        fields: totals,
    },
    Program {
        id: "risk-propagation",
        scenes: false,
        method: Method::Shares,
        inputs: &[holds("ledger", &[ACCOUNTS, TRANSFERS])],
        terms: &[
            term(
                "iterations",
                Some(2),
                (1, 2),
                "how often scores are passed on; 2 unless given",
                "风险传播的轮数；默认 2",
            ),
            term(
                "delta_percent",
                Some(50),
                (1, 100),
                "how much of an account's score comes from its senders each time; 50 unless given",
                "每轮分值中来自付款方的百分比；默认 50",
            ),
            term(
                "threshold",
                Some(20),
                (1, 100),
                "scores from here on open, of 100; 20 unless given",
                "达到多少分（满分 100）才打开；默认 20",
            ),
        ],
        fields: |terms, _| {
            let iterations = terms.get("iterations").copied().unwrap_or(1);
            let bits = RISK_ITERATION_BITS.saturating_mul(u32::try_from(iterations).unwrap_or(1));
            let fraction = bits.min(RISK_FRACTION_MAX);
            let mut fields = named("account", "account");
            fields.push(Field {
                name: "risk_thousandths".into(),
                form: Form::Thousandths {
                    bits: u64::BITS,
                    fraction,
                },
            });
            fields
        },
    },
    Program {
        id: "in-common",
        scenes: true,
        method: Method::Sets,
        inputs: SETS_OF_PERSONS,
        terms: &[],
        fields: |_, _| {
            vec![Field {
                name: "id_number".into(),
                form: Form::Name,
            }]
        },
    },
];

const CALLS: Reads = Reads {
    table: "calls",
    columns: &[
        ("caller", Phone, false),
        ("callee", Phone, false),
        ("at", Timestamp, false),
    ],
};

/// Bits of a cell's number.
pub const CELL_BITS: u32 = 32;
/// Bits of a group's code.
pub const GROUP_BITS: u32 = 16;
/// Bits of an amount in fen.
pub const AMOUNT_BITS: u32 = 40;

fn named(kind: &str, name: &str) -> Vec<Field> {
    vec![
        Field {
            name: String::new(),
            form: Form::Key { kind: kind.into() },
        },
        Field {
            name: name.into(),
            form: Form::Name,
        },
    ]
}

fn number(name: &str, bits: u32) -> Field {
    Field {
        name: name.into(),
        form: Form::Number { bits },
    }
}

fn totals(terms: &BTreeMap<String, i64>, custodians: &[InstitutionId]) -> Vec<Field> {
    let group = match terms.get("by") {
        Some(1) => number("day", GROUP_BITS),
        Some(2) => Field {
            name: "amount".into(),
            form: Form::Label {
                bits: GROUP_BITS,
                of: (0..BANDS).map(band).collect(),
            },
        },
        _ => Field {
            name: "institution".into(),
            form: Form::Label {
                bits: GROUP_BITS,
                of: custodians.iter().map(ToString::to_string).collect(),
            },
        },
    };
    vec![
        group,
        number("persons", u64::BITS),
        number("transfers", u64::BITS),
        number("sum_fen", u64::BITS),
    ]
}

/// Amounts with so many digits of fen, in yuan.
fn band(digits: usize) -> String {
    let least = |digits: usize| match digits {
        0 | 1 => "0".to_owned(),
        2 => "0.1".to_owned(),
        _ => format!("1{}", "0".repeat(digits - 3)),
    };
    format!("{} – {}", least(digits), least(digits.max(1) + 1))
}

/// The program of a template, where it is a joint one.
pub(crate) fn program(id: &str) -> Option<&'static Program> {
    PROGRAMS.iter().find(|program| program.id == id)
}

/// Every number that a program runs with, by name.
pub(crate) fn terms_of(
    program: &Program,
    parameters: &Parameters,
    grant: &Grant<'_>,
) -> Result<BTreeMap<String, i64>, QueryRefusal> {
    let given = &parameters.joint;
    let unknown = given
        .keys()
        .find(|name| program.terms.iter().all(|term| term.name != **name));
    ensure(unknown.is_none(), Rule::ParameterUnfit, || {
        let name = unknown.cloned().unwrap_or_default();
        format!("{} takes no {name}", program.id)
    })?;
    let scenes = i64::try_from(grant.order.scenes.len()).unwrap_or(i64::MAX);
    let mut terms = BTreeMap::new();
    for term in program.terms {
        let most = if term.default.is_none() {
            term.most.min(scenes)
        } else {
            term.most
        };
        let default = term.default.unwrap_or(scenes);
        let value = given.get(term.name).copied().unwrap_or(default);
        ensure(
            (term.least..=most).contains(&value),
            Rule::ParameterUnfit,
            || format!("{} is {} to {most}, not {value}", term.name, term.least),
        )?;
        // Plans of before had no parts, and keep their digest.
        if term.name != PARTS_NAME || value > 1 {
            terms.insert(term.name.to_owned(), value);
        }
    }
    if program.id == "totals" {
        let days =
            (grant.order.window.to_ms - grant.order.window.from_ms).div_ceil(DAY_MS.unsigned_abs());
        ensure(days < 1 << GROUP_BITS, Rule::ParameterUnfit, || {
            "a window of so many days has too many groups".into()
        })?;
        terms.insert("group_min".into(), i64::from(grant.limits.group_min.max(1)));
    }
    Ok(terms)
}

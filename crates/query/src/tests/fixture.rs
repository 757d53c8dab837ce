//! A small city's catalogue, and a warrant over it.

use std::collections::BTreeSet;

use docket::{
    Plan,
    body::{Blinded, Order, Scene, Window},
    charter::CharterLimits,
    plan::{Cell, Origin, Parameters},
    statement::{Column, LookupKey, Terms},
};
use primitives::{
    Digest, InstitutionId, TemplateId, WarrantId,
    semantic::{Selector, Semantic},
};

use crate::{
    Catalogue, Grant, QueryRefusal, Question, Table, compile,
    shape::{SHAPES, shape},
};

pub(super) const DAY_MS: i64 = 86_400_000;
/// 2023-11-13T00:00:00Z.
pub(super) const START_MS: i64 = 1_699_833_600_000;

pub(super) fn id(name: &str) -> InstitutionId {
    InstitutionId::new(name).unwrap()
}

pub(super) fn digest(what: &str) -> Digest {
    Digest::of("test", &[what.as_bytes()])
}

/// A table of a kind with all its columns open and all its keys.
pub(super) fn table(institution: &str, kind: &str) -> Table {
    let columns = shape(kind).map_or_else(Vec::new, |shape| {
        let all = shape.needed.iter().chain(shape.optional);
        all.map(|(name, semantic)| Column {
            name: (*name).into(),
            semantic: semantic.name().into(),
            disclosure: "open".into(),
        })
        .collect()
    });
    let keys = shape(kind).map_or_else(Vec::new, |shape| {
        shape
            .keys
            .iter()
            .map(|key| LookupKey {
                name: key.name.into(),
                commitment: digest(key.name),
                salt: digest("salt"),
                bucket_bits: 2,
                distinct: 4 * 256,
            })
            .collect()
    });
    Table {
        institution: id(institution),
        table: kind.into(),
        dataset: kind.into(),
        columns,
        keys,
        snapshot: digest(&format!("{institution}.{kind}")),
        rows: 5_000,
    }
}

/// A table with these columns, all open, and no keys.
fn plain(institution: &str, kind: &str, columns: &[(&str, Semantic)]) -> Table {
    let columns = columns.iter().map(|(name, semantic)| Column {
        name: (*name).into(),
        semantic: semantic.name().into(),
        disclosure: "open".into(),
    });
    Table {
        columns: columns.collect(),
        ..table(institution, kind)
    }
}

/// What the meters' companies and the police's register hold.
fn meters() -> Vec<Table> {
    use Semantic::{Integer, Premise, Real, ResidentId, Text, Timestamp};
    let holder = ("holder_id_number", ResidentId);
    let readings = |unit| [("premise", Premise), ("at", Timestamp), (unit, Real)];
    let mut tables = vec![
        plain(
            "power",
            "premises",
            &[("premise", Premise), ("cell", Integer), holder],
        ),
        plain("power", "readings", &readings("kwh")),
        plain("water", "premises", &[("premise", Premise), holder]),
        plain("water", "readings", &readings("litres")),
        plain(
            "police",
            "residents",
            &[("id_number", ResidentId), ("name", Text)],
        ),
    ];
    for table in &mut tables {
        for column in &mut table.columns {
            if ["kwh", "litres"].contains(&column.name.as_str()) {
                column.disclosure = "aggregate_only".into();
            }
        }
    }
    tables
}

pub(super) struct Setting {
    pub(super) requester: InstitutionId,
    pub(super) authority: InstitutionId,
    pub(super) terms: Terms,
    pub(super) order: Order,
    pub(super) limits: CharterLimits,
    pub(super) catalogue: Catalogue,
}

impl Setting {
    /// A warrant over two telecoms, two banks and the power company, with one
    /// subject of each of these kinds.
    pub(super) fn new(subjects: &[Semantic]) -> Self {
        let mut blinded: Vec<Blinded> = subjects
            .iter()
            .enumerate()
            .map(|(number, semantic)| Blinded {
                semantic: *semantic,
                point: digest(&number.to_string()),
            })
            .collect();
        blinded.sort_by_key(|one| one.point);
        let custodians = [
            "bank_a",
            "bank_b",
            "power",
            "telecom_a",
            "telecom_b",
            "water",
        ];
        let mut tables = meters();
        for shape in SHAPES {
            let holders = match shape.table {
                "subscribers" | "calls" => ["telecom_b", "telecom_a"],
                _ => ["bank_b", "bank_a"],
            };
            tables.extend(holders.map(|holder| table(holder, shape.table)));
        }
        Self {
            requester: id("police"),
            authority: id("procuratorate"),
            terms: Terms {
                case: digest("case"),
                templates: crate::templates()
                    .iter()
                    .map(|known| TemplateId::new(known.id).unwrap())
                    .collect(),
                custodians: custodians.map(id).into_iter().collect::<BTreeSet<_>>(),
                not_before_ms: 0,
                expires_ms: u64::MAX,
                subjects: u32::try_from(subjects.len()).unwrap(),
                scenes: 2,
                hops: 3,
                answer_cap: 100,
                runs: 1,
            },
            order: Order {
                basis: "art. 1".into(),
                window: Window {
                    from_ms: START_MS.cast_unsigned(),
                    to_ms: (START_MS + 10 * DAY_MS).cast_unsigned(),
                },
                blinded,
                scenes: [Some(7), Some(9)].map(|cell| scene(cell, 2, 3)).into(),
            },
            limits: CharterLimits::default(),
            catalogue: Catalogue { tables },
        }
    }

    pub(super) fn grant(&self) -> Grant<'_> {
        Grant {
            warrant: WarrantId([5; 16]),
            requester: &self.requester,
            authority: &self.authority,
            terms: &self.terms,
            order: &self.order,
            limits: &self.limits,
        }
    }

    pub(super) fn compile(&self, question: &Question) -> Result<Plan, QueryRefusal> {
        compile(question, &self.grant(), &self.catalogue)
    }

    /// The table of an institution, to change.
    pub(super) fn table(&mut self, institution: &str, kind: &str) -> &mut Table {
        self.catalogue
            .tables
            .iter_mut()
            .find(|table| table.institution == id(institution) && table.table == kind)
            .unwrap()
    }
}

/// A scene from one day of the window to another.
pub(super) fn scene(cell: Option<i64>, from: i64, to: i64) -> Scene {
    let at = |day: i64| (START_MS + day * DAY_MS).cast_unsigned();
    Scene {
        cell,
        from_ms: at(from),
        to_ms: at(to),
    }
}

pub(super) fn question(template: &str) -> Question {
    Question {
        template: TemplateId::new(template).unwrap(),
        parameters: Parameters::default(),
        custodians: None,
        answer_cap: None,
    }
}

pub(super) fn asking(template: &str, custodians: &[&str]) -> Question {
    Question {
        custodians: Some(custodians.iter().map(|name| id(name)).collect()),
        ..question(template)
    }
}

pub(super) fn origin(institution: &str) -> Origin {
    Origin {
        institution: id(institution),
        snapshot: digest(institution),
    }
}

pub(super) fn text(value: &str) -> Cell {
    Cell::Text(value.into())
}

pub(super) fn account(number: usize) -> String {
    format!("62280000{number:04}")
}

pub(super) fn phone(number: usize) -> String {
    format!("+86138000{number:05}")
}

pub(super) fn selector(semantic: Semantic, value: &str) -> Selector {
    Selector::new(semantic, value).unwrap()
}

/// A row of `transfers`, in the order of a plan's columns.
pub(super) fn transfer(from: usize, to: usize, amount: i64, at: i64) -> Vec<Cell> {
    vec![
        text(&account(from)),
        text(&account(to)),
        Cell::Int(amount),
        Cell::Int(at),
        text("bank_a"),
        Cell::Null,
        text("online"),
    ]
}

/// A row of `calls`, in the order of a plan's columns.
pub(super) fn call(caller: usize, callee: usize, at: i64) -> Vec<Cell> {
    vec![
        text(&phone(caller)),
        text(&phone(callee)),
        Cell::Int(at),
        Cell::Int(60),
        Cell::Int(7),
    ]
}

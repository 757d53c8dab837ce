//! Whole cases over a generated city: what the nodes answer is what plain SQL
//! over everybody's tables, pooled, would.
//!
//! Two cities on one network, the second published over the first; the many
//! seeds are the crates' own tests'.

use std::{collections::BTreeSet, path::Path};

use city::{Config, Truth};
use cordon::units;
use data::{Value, pooled::Pool};
use evidence::TrustAnchor;
use node::api::types::{Act, AnswerView, Ask, DraftWarrant};
use primitives::semantic::Selector;

use crate::world::{CUSTODIANS, World, ask, draft};

/// A phone and an account that nobody has.
const UNKNOWN: [&str; 2] = ["phone:+8619999999999", "account:6228999999999999999"];
const HOPS: u8 = 3;

/// What is asked: custodians, subjects, and the rule for money.
struct Asked {
    custodians: Vec<&'static str>,
    subjects: Vec<String>,
    window_ms: [u64; 2],
    min_fen: i64,
    within_ms: u64,
}

#[test]
fn answers_are_those_of_plain_sql_over_pooled_tables() {
    let world = World::with_officers();
    for seed in [1, 2] {
        let folder = world.folder().join(format!("city-{seed}"));
        let truth = city::generate(&Config::new(seed, 300, &folder), &mut |_| ()).unwrap();
        publish(&world, &folder);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let pool = runtime.block_on(Pool::open(&folder)).unwrap();
        let rows = |sql: &str| {
            let rows = runtime
                .block_on(pool.sql(sql))
                .unwrap_or_else(|e| panic!("{sql}: {e}"));
            rows.iter()
                .map(|row| row.iter().map(text).collect())
                .collect::<Rows>()
        };
        let mut asked = asked(&truth);
        let found = check(&world, &asked, &rows);
        assert!(found > 100, "a city's case finds {found} rows");
        // Two custodians of four.
        asked.custodians = vec!["bank_b", "telecom_a"];
        let fewer = check(&world, &asked, &rows);
        assert!(
            fewer < found,
            "{fewer} rows of two custodians, {found} of four"
        );
        // Nobody knows them, and nothing is found.
        asked.subjects = UNKNOWN.map(str::to_owned).to_vec();
        assert_eq!(check(&world, &asked, &rows), 0);
    }
}

fn publish(world: &World, city: &Path) {
    let mut files = Vec::new();
    for custodian in CUSTODIANS {
        for dataset in ["subscribers", "calls", "accounts", "transfers"] {
            let path = |form| city.join(custodian).join(format!("{dataset}.{form}"));
            let existing = ["csv", "parquet"]
                .map(path)
                .into_iter()
                .find(|path| path.is_file());
            files.extend(existing.map(|path| (custodian, dataset, path)));
        }
    }
    assert_eq!(files.len(), 8);
    world.publish(&files);
}

/// The case that the city plants: its victims, a subject that nobody knows, and
/// one in two forms.
fn asked(truth: &Truth) -> Asked {
    let case = truth.case.as_ref().unwrap();
    let victims = case.victims.iter().take(3);
    let mut subjects: Vec<String> = victims
        .flat_map(|v| {
            [
                format!("phone:{}", v.phone),
                format!("account:{}", v.account),
            ]
        })
        .chain(UNKNOWN.map(str::to_owned))
        .collect();
    let careless = case.victims[0].phone.trim_start_matches("+86");
    subjects.push(format!("phone:0086 {} {}", &careless[..3], &careless[3..]));
    let rule = &case.rule;
    Asked {
        custodians: CUSTODIANS.to_vec(),
        subjects,
        window_ms: [&case.from, &case.to].map(|moment| units::moment_ms(moment).unwrap()),
        min_fen: units::fen(&rule.min_amount_cny).unwrap(),
        within_ms: u64::from(rule.within_hours) * 3_600_000,
    }
}

type Row = Vec<String>;
type Rows = BTreeSet<Row>;

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Int(number) => number.to_string(),
        Value::Text(text) => text.clone(),
    }
}

/// The rows of one kind of table in all steps.
fn found(answer: &AnswerView, table: &str) -> (Vec<String>, Rows) {
    let mut columns = Vec::new();
    let mut rows = Rows::new();
    for given in answer.tables.iter().filter(|given| given.table == table) {
        columns.clone_from(&given.columns);
        for row in &given.rows {
            let cells = row.iter().map(|cell| match cell {
                serde_json::Value::Null => String::new(),
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            });
            assert!(
                rows.insert(cells.collect()),
                "a row stands twice in {table}"
            );
        }
        assert_eq!(given.rows.len(), given.origins.len());
    }
    (columns, rows)
}

/// Asks the three templates and compares; gives how many rows were found.
fn check(world: &World, asked: &Asked, sql: &dyn Fn(&str) -> Rows) -> usize {
    let subjects: Vec<&str> = asked.subjects.iter().map(String::as_str).collect();
    let warrant = world.warrant(DraftWarrant {
        window_from_ms: asked.window_ms[0],
        window_to_ms: asked.window_ms[1],
        hops: HOPS,
        answer_cap: 50_000,
        ..draft(&asked.custodians, &subjects)
    });
    let mut total = 0;
    let mut compare = |answer: &AnswerView, table: &str, query: &dyn Fn(&str) -> String| {
        let (columns, rows) = found(answer, table);
        assert!(
            !columns.is_empty(),
            "no table {table} in {}",
            answer.template
        );
        let wanted = sql(&query(&columns.join(", ")));
        let missing: Vec<_> = wanted.difference(&rows).take(3).collect();
        let beyond: Vec<_> = rows.difference(&wanted).take(3).collect();
        assert!(
            missing.is_empty() && beyond.is_empty(),
            "{} {table}: of {} rows missing {missing:?}, beyond {beyond:?}",
            answer.template,
            wanted.len(),
        );
        total += rows.len();
    };
    let oracle = Oracle::new(asked);
    let answer = world.answer(ask(&warrant, "identify"));
    compare(&answer, "subscribers", &|columns| {
        oracle.held("subscribers", "phone", columns)
    });
    compare(&answer, "accounts", &|columns| {
        oracle.held("accounts", "account", columns)
    });
    let answer = world.answer(Ask {
        hops: Some(2),
        ..ask(&warrant, "call-contacts")
    });
    compare(&answer, "calls", &|columns| oracle.calls(columns));
    let answer = world.answer(Ask {
        hops: Some(HOPS),
        min_amount_minor: Some(asked.min_fen),
        within_ms: Some(asked.within_ms),
        ..ask(&warrant, "follow-the-money")
    });
    compare(&answer, "transfers", &|columns| oracle.transfers(columns));
    evidence_holds(world, &answer);
    total
}

/// The bundle of an answer verifies offline, and not with one bit changed.
pub(crate) fn evidence_holds(world: &World, answer: &AnswerView) {
    let police = world.police();
    let question = answer.question.clone();
    police
        .act(&Act::ExportBundle {
            question: question.clone(),
        })
        .unwrap();
    let mut bytes = world.bundle(&police, &question);
    let anchor = TrustAnchor {
        network: Some(world.network.id()),
    };
    let case = evidence::verify(&bytes, &anchor).unwrap_or_else(|refused| panic!("{refused}"));
    let rows: usize = answer.tables.iter().map(|table| table.rows.len()).sum();
    assert_eq!(case.answer.rows(), rows);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    assert!(evidence::verify(&bytes, &anchor).is_err());
}

/// The same questions in SQL.
struct Oracle {
    custodians: String,
    phones: String,
    accounts: String,
    window_ms: [u64; 2],
    min_fen: i64,
    within_ms: u64,
}

impl Oracle {
    fn new(asked: &Asked) -> Self {
        let list = |values: BTreeSet<String>| {
            values
                .iter()
                .map(|value| format!("'{value}'"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let of = |kind: &str| {
            let selectors = asked
                .subjects
                .iter()
                .map(|text| text.parse::<Selector>().unwrap());
            let texts = selectors.map(|selector| selector.to_string());
            list(
                texts
                    .filter_map(|t| Some(t.strip_prefix(kind)?.to_owned()))
                    .collect(),
            )
        };
        Self {
            custodians: list(
                asked
                    .custodians
                    .iter()
                    .map(|&name| name.to_owned())
                    .collect(),
            ),
            phones: of("phone:"),
            accounts: of("account:"),
            window_ms: asked.window_ms,
            min_fen: asked.min_fen,
            within_ms: asked.within_ms,
        }
    }

    fn table(&self, name: &str) -> String {
        format!(
            "(SELECT * FROM {name} WHERE institution IN ({}))",
            self.custodians
        )
    }

    fn in_window(&self) -> String {
        format!("at >= {} AND at < {}", self.window_ms[0], self.window_ms[1])
    }

    /// Holders of the subjects, and all else under the same id numbers.
    fn held(&self, table: &str, key: &str, columns: &str) -> String {
        let own = if key == "phone" {
            &self.phones
        } else {
            &self.accounts
        };
        let table = self.table(table);
        format!(
            "WITH ids AS ( \
               SELECT id_number FROM {} WHERE phone IN ({}) UNION \
               SELECT id_number FROM {} WHERE account IN ({})) \
             SELECT {columns} FROM {table} WHERE {key} IN ({own}) UNION \
             SELECT {columns} FROM {table} WHERE id_number IN (SELECT id_number FROM ids)",
            self.table("subscribers"),
            self.phones,
            self.table("accounts"),
            self.accounts,
        )
    }

    fn calls(&self, columns: &str) -> String {
        let calls = format!(
            "(SELECT * FROM {} WHERE {})",
            self.table("calls"),
            self.in_window()
        );
        let first = |column: &str| {
            let phones = &self.phones;
            format!(
                "SELECT {column} FROM {calls} WHERE caller IN ({phones}) OR callee IN ({phones})"
            )
        };
        let (callers, callees) = (first("caller AS phone"), first("callee AS phone"));
        let of = |column| {
            format!("SELECT {columns} FROM {calls} WHERE {column} IN (SELECT phone FROM known)")
        };
        format!(
            "WITH known AS ({callers} UNION {callees}) {} UNION {}",
            of("caller"),
            of("callee")
        )
    }

    fn transfers(&self, columns: &str) -> String {
        let all = format!(
            "(SELECT * FROM {} WHERE {} AND amount_fen >= {})",
            self.table("transfers"),
            self.in_window(),
            self.min_fen
        );
        let mut hop = format!(
            "SELECT DISTINCT {columns} FROM {all} WHERE from_account IN ({})",
            self.accounts
        );
        let mut hops = vec![hop.clone()];
        let named: Vec<String> = columns
            .split(", ")
            .map(|column| format!("t.{column}"))
            .collect();
        for _ in 1..HOPS {
            hop = format!(
                "SELECT DISTINCT {} FROM {all} t JOIN ({hop}) p ON t.from_account = p.to_account \
                 WHERE t.at > p.at AND t.at <= p.at + {}",
                named.join(", "),
                self.within_ms
            );
            hops.push(hop.clone());
        }
        hops.join(" UNION ")
    }
}

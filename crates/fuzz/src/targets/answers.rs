//! Questions, plans and the rows that answers are put together from.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use docket::{
    Body as _, Plan,
    body::{Blinded, Order, Scene, Window},
    charter::CharterLimits,
    joint::{Field, Form},
    plan::{Cell, JointInput, JointPlan, Method, Origin, Parameters},
    statement::{Column, LookupKey, Terms},
};
use primitives::{
    Digest, InstitutionId, TemplateId, WarrantId, cbor,
    limits::BODY_BYTES_MAX,
    semantic::{Selector, Semantic},
};
use query::{Catalogue, Grant, Question, Table};
use serde::{Deserialize, Serialize};

use super::{Target, bodies::id};

/// 2023-11-13T00:00:00Z, and a day.
const START_MS: u64 = 1_699_833_600_000;
const DAY_MS: u64 = 86_400_000;

pub(super) fn targets() -> Vec<Target> {
    vec![
        Target::new(
            "question",
            "a question's template and parameters, compiled, checked, explained and selected",
            question_seeds,
            question,
        )
        .memory(8 << 20),
        Target::new(
            "plan",
            "a plan that another compiled: explained, and held against our own",
            plan_seeds,
            plan,
        )
        .memory(8 << 20),
        Target::new(
            "rows",
            "rows that custodians' answers open, put together under a plan",
            row_seeds,
            rows,
        ),
        Target::new(
            "joint-rows",
            "the words of a joint answer, read as rows",
            joint_row_seeds,
            joint_rows,
        ),
    ]
}

struct Setting {
    requester: InstitutionId,
    authority: InstitutionId,
    terms: Terms,
    order: Order,
    limits: CharterLimits,
    catalogue: Catalogue,
}

impl Setting {
    fn grant(&self) -> Grant<'_> {
        Grant {
            warrant: WarrantId([5; 16]),
            requester: &self.requester,
            authority: &self.authority,
            terms: &self.terms,
            order: &self.order,
            limits: &self.limits,
        }
    }
}

/// A table as its custodian publishes it: columns `name:type`, closed ones with `-`.
fn published(institution: &str, kind: &str, columns: &str, keys: &[&str]) -> Table {
    let columns = columns.split(' ').map(|column| {
        let (name, semantic) = column.split_once(':').expect("name:type");
        let closed = semantic.strip_prefix('-');
        Column {
            name: name.into(),
            semantic: closed.unwrap_or(semantic).into(),
            disclosure: closed.map_or("open", |_| "aggregate_only").into(),
        }
    });
    let keys = keys.iter().map(|key| LookupKey {
        name: (*key).into(),
        commitment: Digest([1; 32]),
        salt: Digest([2; 32]),
        bucket_bits: 2,
        distinct: 4 * 256,
    });
    Table {
        institution: id(institution),
        table: kind.into(),
        dataset: kind.into(),
        columns: columns.collect(),
        keys: keys.collect(),
        snapshot: Digest::plain([institution, kind].concat().as_bytes()),
        rows: 5_000,
    }
}

fn catalogue() -> Catalogue {
    let both = |names: [&str; 2], kind, columns, keys: &[&str]| {
        names.map(|name| published(name, kind, columns, keys))
    };
    let (telecoms, banks) = (["telecom_a", "telecom_b"], ["bank_a", "bank_b"]);
    let subscribers = "phone:phone holder:text id_number:resident_id";
    let calls = "caller:phone callee:phone at:timestamp duration_s:integer cell:integer";
    let accounts = "account:account holder:text id_number:resident_id phone:phone opened:date";
    let transfers = "from_account:account to_account:account amount_fen:money at:timestamp \
                     from_bank:institution to_bank:institution kind:text";
    let metered = "premise:premise cell:integer holder_id_number:resident_id";
    let kwh = "premise:premise at:timestamp kwh:-real";
    let litres = "premise:premise at:timestamp litres:-real";
    let mut tables = Vec::new();
    tables.extend(both(
        telecoms,
        "subscribers",
        subscribers,
        &["phone", "id_number"],
    ));
    tables.extend(both(telecoms, "calls", calls, &["party"]));
    tables.extend(both(banks, "accounts", accounts, &["account", "id_number"]));
    let keys = ["from_account", "from_account_day"];
    tables.extend(both(banks, "transfers", transfers, &keys));
    tables.push(published("power", "premises", metered, &[]));
    tables.push(published("power", "readings", kwh, &[]));
    tables.push(published("water", "premises", metered, &[]));
    tables.push(published("water", "readings", litres, &[]));
    tables.push(published(
        "police",
        "residents",
        "id_number:resident_id name:text",
        &[],
    ));
    Catalogue { tables }
}

static SETTING: LazyLock<Setting> = LazyLock::new(|| {
    let custodians = [
        "bank_a",
        "bank_b",
        "power",
        "telecom_a",
        "telecom_b",
        "water",
    ];
    let scene = |cell| Scene {
        cell: Some(cell),
        from_ms: START_MS + 2 * DAY_MS,
        to_ms: START_MS + 3 * DAY_MS,
    };
    let blinded = |(semantic, byte)| Blinded {
        semantic,
        point: Digest([byte; 32]),
    };
    Setting {
        requester: id("police"),
        authority: id("court"),
        terms: Terms {
            case: Digest([3; 32]),
            templates: query::templates()
                .iter()
                .filter_map(|known| TemplateId::new(known.id).ok())
                .collect(),
            custodians: custodians.map(id).into_iter().collect::<BTreeSet<_>>(),
            not_before_ms: 0,
            expires_ms: u64::MAX,
            subjects: 3,
            scenes: 2,
            hops: 3,
            answer_cap: 100,
            runs: 1,
        },
        order: Order {
            basis: "art. 1".into(),
            window: Window {
                from_ms: START_MS,
                to_ms: START_MS + 10 * DAY_MS,
            },
            blinded: [
                (Semantic::Phone, 1),
                (Semantic::Account, 2),
                (Semantic::ResidentId, 3),
            ]
            .map(blinded)
            .into(),
            scenes: vec![scene(7), scene(9)],
        },
        limits: CharterLimits::default(),
        catalogue: catalogue(),
    }
});

/// A question as text; no format of the network's, but all that one can say in one.
#[derive(Serialize, Deserialize)]
struct Asking {
    template: TemplateId,
    parameters: Parameters,
    custodians: Option<Vec<InstitutionId>>,
    answer_cap: Option<u32>,
}

fn asking(template: &str) -> Asking {
    let two = || vec![id("bank_a"), id("telecom_a")];
    Asking {
        template: TemplateId::new(template).expect("a template's name"),
        parameters: Parameters::default(),
        custodians: (template == "in-common").then(two),
        answer_cap: None,
    }
}

fn compiled(asking: Asking) -> Option<Plan> {
    let question = Question {
        template: asking.template,
        parameters: asking.parameters,
        custodians: asking.custodians,
        answer_cap: asking.answer_cap,
    };
    query::compile(&question, &SETTING.grant(), &SETTING.catalogue).ok()
}

/// The plan of every template that compiles with its defaults; sets are of two.
pub(super) fn plans() -> &'static [Plan] {
    static PLANS: LazyLock<Vec<Plan>> = LazyLock::new(|| {
        let all = query::templates().into_iter();
        all.filter_map(|known| compiled(asking(known.id))).collect()
    });
    &PLANS
}

fn question_seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for known in query::templates() {
        let plain = asking(known.id);
        let mut full = asking(known.id);
        full.parameters = Parameters {
            min_amount_minor: Some(500_000),
            within_ms: Some(7_200_000),
            hops: Some(2),
            joint: BTreeMap::from([("least".into(), 2), ("rounds".into(), 3)]),
            count_only: true,
        };
        full.custodians = Some(vec![id("bank_a"), id("telecom_a")]);
        full.answer_cap = Some(7);
        let mut joint = asking(known.id);
        let terms = plans().iter().find(|plan| plan.template == joint.template);
        let terms = terms.and_then(|plan| plan.joint.as_ref());
        joint.parameters.joint = terms.map(|plan| plan.terms.clone()).unwrap_or_default();
        let all = [plain, full, joint];
        seeds.extend(all.iter().filter_map(|one| serde_json::to_vec(one).ok()));
    }
    seeds
}

fn question(bytes: &[u8]) {
    let Ok(asking) = serde_json::from_slice::<Asking>(bytes) else {
        return;
    };
    let Some(plan) = compiled(asking) else {
        return;
    };
    assert!(plan.check().is_ok(), "a plan that can't stand");
    assert!(plan.digest().is_ok(), "a plan without a digest");
    let grant = SETTING.grant();
    let checked = query::check(&plan, &grant, &SETTING.catalogue);
    assert!(checked.is_ok(), "a plan that its own check refuses");
    assert!(
        plan.answer_cap <= SETTING.terms.answer_cap,
        "beyond the cap"
    );
    assert!(plan.hops <= SETTING.terms.hops, "beyond the hops");
    let _ = query::explain(&plan);
    let custodians = query::asked(&plan);
    if let Some(joint) = &plan.joint {
        let _ = query::joint_of(joint, &custodians);
        for input in &joint.inputs {
            if let Some(selection) = query::selection(&plan, joint, input) {
                only_selects(&selection.sql);
            }
        }
    }
}

/// What is written into a query are numbers: no quote, comment or second statement.
fn only_selects(sql: &str) {
    let foreign = ['"', ';', '\\', '\n', '\0'];
    assert!(!sql.contains(foreign), "foreign text in SQL");
    assert!(
        !sql.contains("--") && !sql.contains("/*"),
        "a comment in SQL"
    );
}

fn plan_seeds() -> Vec<Vec<u8>> {
    plans()
        .iter()
        .filter_map(|plan| cbor::encode(plan).ok())
        .collect()
}

fn plan(bytes: &[u8]) {
    let Ok(plan) = cbor::decode::<Plan>(bytes, BODY_BYTES_MAX) else {
        return;
    };
    let _ = query::explain(&plan);
    let _ = query::asked(&plan);
    let sound = plan.check().is_ok();
    if query::check(&plan, &SETTING.grant(), &SETTING.catalogue).is_ok() {
        assert!(sound, "a plan that passes and can't stand");
    }
    if let Some(joint) = plan.joint.as_ref().filter(|_| sound) {
        let _ = (joint.rows_max(), joint.columns(), joint.widths());
        for input in &joint.inputs {
            let _ = query::selection(&plan, joint, input);
        }
    }
}

/// Step, origin, cells; as custodians' answers give them.
type Rows = Vec<(u8, Origin, Vec<Cell>)>;

fn looked_up() -> Option<&'static Plan> {
    plans()
        .iter()
        .find(|plan| !plan.steps.is_empty() && plan.hops > 1)
}

fn row_seeds() -> Vec<Vec<u8>> {
    let Some(plan) = looked_up() else {
        return Vec::new();
    };
    let cell = |column: &String| match column.as_str() {
        "at" => Cell::Int((START_MS + DAY_MS).cast_signed()),
        "amount_fen" => Cell::Int(1_000_000),
        "from_account" => Cell::Text("6222021234567890123".into()),
        "caller" | "phone" => Cell::Text("+8613800000000".into()),
        "callee" => Cell::Text("+8613800000001".into()),
        _ => Cell::Text("6222021234567890124".into()),
    };
    let origin = |institution: &InstitutionId| Origin {
        institution: institution.clone(),
        snapshot: Digest::plain(b"a snapshot"),
    };
    let rows: Rows = (0u8..)
        .zip(&plan.steps)
        .map(|(place, step)| {
            let cells = step.columns.iter().map(cell).collect();
            (place, origin(&plan.custodians[0].institution), cells)
        })
        .collect();
    cbor::encode(&rows).into_iter().collect()
}

fn rows(bytes: &[u8]) {
    let (Ok(rows), Some(plan)) = (cbor::decode::<Rows>(bytes, BODY_BYTES_MAX), looked_up()) else {
        return;
    };
    let seeds: Vec<Selector> = [
        (Semantic::Phone, "13800000000"),
        (Semantic::Account, "6222021234567890123"),
    ]
    .into_iter()
    .filter_map(|(semantic, value)| Selector::new(semantic, value).ok())
    .collect();
    for (place, _, cells) in &rows {
        if let Some(step) = plan.steps.get(usize::from(*place)) {
            let _ = query::derive(step, cells);
        }
    }
    if let Ok(answer) = query::assemble(plan, &Digest([9; 32]), &seeds, &rows) {
        assert!(answer.rows() <= plan.answer_cap as usize, "beyond the cap");
    }
}

/// A program whose answer has every form of field.
fn every_form() -> JointPlan {
    let field = |name: &str, form| Field {
        name: name.into(),
        form,
    };
    let kind = "phone".to_owned();
    let of = vec!["low".into(), "high".into()];
    JointPlan {
        computing: ["bank_a", "police", "telecom_a"].map(id).into(),
        scenes: SETTING.order.scenes.clone(),
        inputs: vec![JointInput {
            table: "sightings".into(),
            owner: id("telecom_a"),
            snapshots: vec![Digest([1; 32])],
        }],
        count_only: false,
        terms: BTreeMap::new(),
        fields: vec![
            field("key", Form::Key { kind }),
            field("phone", Form::Name),
            field("count", Form::Number { bits: 20 }),
            field("grade", Form::Label { bits: 1, of }),
            field(
                "risk",
                Form::Thousandths {
                    bits: 40,
                    fraction: 20,
                },
            ),
        ],
        method: Method::Shares,
    }
}

/// Column after column of little-endian words, all of one row or more.
fn joint_row_seeds() -> Vec<Vec<u8>> {
    let session = Digest([4; 32]);
    let name = b"+8613800000000";
    let key = mpc::joint::key::subject_key(&session, "phone", name);
    let words = mpc::joint::key::name_to_words(name, docket::joint::NAME_WORDS).unwrap_or_default();
    let row = [&key[..], &words, &[3, 1, 1 << 20]].concat();
    let bytes = row.iter().flat_map(|word| word.to_le_bytes()).collect();
    let twice = row.iter().flat_map(|word| [word.to_le_bytes(); 2].concat());
    vec![bytes, twice.collect()]
}

fn joint_rows(bytes: &[u8]) {
    static FORMS: LazyLock<JointPlan> = LazyLock::new(|| {
        let program = every_form();
        assert!(program.check().is_ok(), "the program of the seeds");
        program
    });
    let program = &*FORMS;
    let words: Vec<u64> = bytes
        .as_chunks()
        .0
        .iter()
        .map(|word| u64::from_le_bytes(*word))
        .collect();
    let columns = program.widths().len();
    let rows = words.len() / columns;
    let columns: Vec<Vec<u64>> = match rows {
        0 => vec![words],
        rows => words.chunks(rows).map(<[u64]>::to_vec).collect(),
    };
    if let Ok(read) = program.rows(&Digest([4; 32]), &columns) {
        assert_eq!(read.len(), rows, "rows that nobody sent");
        assert!(read.is_sorted(), "rows in another order");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_has_a_plan_to_begin_from() {
        let compiled: BTreeSet<_> = plans().iter().map(|plan| &plan.template).collect();
        assert_eq!(compiled.len(), query::templates().len());
        assert!(looked_up().is_some());
    }
}

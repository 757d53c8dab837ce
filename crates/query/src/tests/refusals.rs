//! Each rule by name: what it refuses.

use std::collections::BTreeSet;

use docket::plan::{Cell, Parameters};
use primitives::semantic::Semantic::{self, Account, Phone, ResidentId};

use super::fixture::{
    DAY_MS, START_MS, Setting, account, asking, digest, origin, question, selector, text, transfer,
};
use crate::{OpenedRow, QueryRefusal, Question, Rule, assemble, check, template::WITHIN_MAX_MS};

macro_rules! refused_by {
    ($($name:ident: $rule:ident => $refusals:expr;)+) => {
        $(
            #[test]
            fn $name() {
                let refusals: Vec<QueryRefusal> = $refusals;
                assert!(!refusals.is_empty());
                for (place, refusal) in refusals.iter().enumerate() {
                    assert_eq!(refusal.rule, Rule::$rule, "case {place}: {refusal}");
                }
            }
        )+
        const NAMED: &[Rule] = &[$(Rule::$rule),+];
    };
}

#[test]
fn every_rule_is_named_by_a_test() {
    let named: BTreeSet<Rule> = NAMED.iter().copied().collect();
    let all: BTreeSet<Rule> = Rule::ALL.iter().copied().collect();
    assert_eq!(named, all);
    let names: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
    assert_eq!(names.len(), Rule::ALL.len());
}

const ALL: &[Semantic] = &[Phone, Account, ResidentId];

fn refuse(setting: &Setting, question: &Question) -> QueryRefusal {
    setting
        .compile(question)
        .expect_err("the question is refused")
}

fn with(template: &str, change: impl FnOnce(&mut Parameters)) -> QueryRefusal {
    let mut question = question(template);
    change(&mut question.parameters);
    refuse(&Setting::new(ALL), &question)
}

/// A question about accounts, after a change to bank_b's tables.
fn changed(change: impl FnOnce(&mut crate::Table)) -> QueryRefusal {
    let mut setting = Setting::new(&[Account]);
    change(setting.table("bank_b", "accounts"));
    refuse(&setting, &question("identify"))
}

fn assembled(rows: Vec<OpenedRow>) -> QueryRefusal {
    let mut setting = Setting::new(&[Account]);
    setting.terms.answer_cap = 2;
    let mut question = question("follow-the-money");
    question.parameters.min_amount_minor = Some(100);
    let plan = setting.compile(&question).unwrap();
    let seeds = [selector(Account, &account(1))];
    assemble(&plan, &digest("question"), &seeds, &rows).expect_err("the rows are refused")
}

fn row(step: u8, cells: Vec<Cell>) -> OpenedRow {
    (step, origin("bank_a"), cells)
}

refused_by! {
    template_unknown: TemplateUnknown => vec![refuse(&Setting::new(ALL), &question("everything"))];
    template_not_granted: TemplateNotGranted => vec![{
        let mut setting = Setting::new(ALL);
        setting.terms.templates.retain(|known| known.as_str() != "identify");
        refuse(&setting, &question("identify"))
    }];
    parameter_unfit: ParameterUnfit => vec![
        with("identify", |p| p.hops = Some(1)),
        with("identify", |p| p.min_amount_minor = Some(1)),
        with("call-contacts", |p| p.within_ms = Some(1)),
        with("follow-the-money", |p| p.min_amount_minor = Some(-1)),
        with("follow-the-money", |p| p.within_ms = Some(0)),
        with("follow-the-money", |p| p.within_ms = Some(WITHIN_MAX_MS + 1)),
        with("follow-the-money", |p| (p.hops, p.within_ms) = (Some(1), Some(1))),
    ];
    hops_beyond: HopsBeyond => vec![
        with("call-contacts", |p| p.hops = Some(3)),
        with("call-contacts", |p| p.hops = Some(0)),
        with("follow-the-money", |p| p.hops = Some(4)),
        {
            let mut setting = Setting::new(ALL);
            setting.limits.hops_max = 1;
            let mut question = question("follow-the-money");
            question.parameters.hops = Some(2);
            refuse(&setting, &question)
        },
    ];
    cap_beyond: CapBeyond => vec![
        refuse(&Setting::new(ALL), &Question { answer_cap: Some(101), ..question("identify") }),
        refuse(&Setting::new(ALL), &Question { answer_cap: Some(0), ..question("identify") }),
    ];
    seedless: Seedless => vec![
        refuse(&Setting::new(&[Account, ResidentId]), &question("call-contacts")),
        refuse(&Setting::new(&[Phone]), &question("follow-the-money")),
        refuse(&Setting::new(&[Semantic::Premise]), &question("identify")),
        refuse(&Setting::new(&[]), &question("identify")),
    ];
    order_mismatch: OrderMismatch => {
        let change = |change: &dyn Fn(&mut Setting)| {
            let mut setting = Setting::new(ALL);
            change(&mut setting);
            refuse(&setting, &question("identify"))
        };
        vec![
            change(&|s| s.terms.subjects = 4),
            change(&|s| s.order.blinded.swap(0, 1)),
            change(&|s| s.order.blinded[1].point = s.order.blinded[0].point),
            change(&|s| s.order.window.to_ms = s.order.window.from_ms),
        ]
    };
    custodian_not_named: CustodianNotNamed => vec![
        refuse(&Setting::new(ALL), &asking("identify", &["bank_a", "bank_c"])),
        refuse(&Setting::new(ALL), &asking("identify", &[])),
    ];
    table_missing: TableMissing => vec![
        refuse(&Setting::new(&[Account]), &asking("identify", &["telecom_a"])),
        refuse(&Setting::new(&[Account]), &asking("identify", &["bank_a", "power"])),
        refuse(&Setting::new(&[Phone]), &asking("call-contacts", &["bank_a"])),
        {
            let mut setting = Setting::new(&[Phone]);
            setting.catalogue.tables.clear();
            refuse(&setting, &question("call-contacts"))
        },
    ];
    key_missing: KeyMissing => vec![changed(|table| _ = table.keys.remove(0))];
    column_missing: ColumnMissing => {
        let refusal = changed(|table| _ = table.columns.remove(1));
        assert_eq!(refusal.column.as_deref(), Some("bank_b.accounts.holder"));
        vec![refusal]
    };
    column_meaning: ColumnMeaning => {
        let refusal = changed(|table| table.columns[2].semantic = "text".into());
        assert_eq!(refusal.column.as_deref(), Some("bank_b.accounts.id_number"));
        vec![refusal]
    };
    column_closed: ColumnClosed => {
        let closed = ["key_only", "aggregate_only", "compare_only", "never", "Open", ""];
        closed
            .map(|rule| {
                let refusal = changed(|table| table.columns[2].disclosure = rule.into());
                assert_eq!(refusal.column.as_deref(), Some("bank_b.accounts.id_number"));
                assert!(refusal.to_string().contains("column-closed"));
                refusal
            })
            .to_vec()
    };
    bucket_too_small: BucketTooSmall => vec![
        changed(|table| table.keys[0].distinct = 4 * 256 - 1),
        changed(|table| table.keys[1].bucket_bits = 3),
        changed(|table| table.keys[1].bucket_bits = 255),
    ];
    snapshot_stale: SnapshotStale => vec![
        {
            let mut setting = Setting::new(&[Account]);
            let plan = setting.compile(&question("identify")).unwrap();
            setting.table("bank_b", "accounts").snapshot = digest("newer");
            check(&plan, &setting.grant(), &setting.catalogue).unwrap_err()
        },
        {
            // The same table at two times would be two tables in one plan.
            let mut setting = Setting::new(&[Account]);
            let mut older = setting.table("bank_b", "accounts").clone();
            older.snapshot = digest("older");
            setting.catalogue.tables.push(older);
            refuse(&setting, &question("identify"))
        },
    ];
    plan_differs: PlanDiffers => vec![{
        let setting = Setting::new(&[Account]);
        let mut plan = setting.compile(&question("identify")).unwrap();
        plan.steps[0].columns.push("balance".into());
        check(&plan, &setting.grant(), &setting.catalogue).unwrap_err()
    }];
    row_shape: RowShape => {
        let good = transfer(1, 2, 100, START_MS);
        let short = assembled(vec![row(0, good[..6].to_vec())]);
        assert_eq!(short.peer, Some(origin("bank_a").institution));
        vec![short, assembled(vec![row(9, good)]), assembled(vec![row(0, vec![])])]
    };
    row_unasked: RowUnasked => {
        let mut no_time = transfer(1, 2, 100, START_MS);
        no_time[3] = Cell::Null;
        let mut no_account = transfer(1, 2, 100, START_MS);
        no_account[0] = text("nobody");
        let cases = vec![
            assembled(vec![row(0, transfer(2, 1, 100, START_MS))]),
            assembled(vec![row(0, transfer(1, 2, 99, START_MS))]),
            assembled(vec![row(0, transfer(1, 2, 100, START_MS - 1))]),
            assembled(vec![row(0, transfer(1, 2, 100, START_MS + 10 * DAY_MS))]),
            assembled(vec![row(0, no_time)]),
            assembled(vec![row(0, no_account)]),
            // A derived account on a day that no rule derived.
            assembled(vec![
                row(0, transfer(1, 2, 100, START_MS)),
                row(1, transfer(2, 3, 100, START_MS + 2 * DAY_MS)),
            ]),
            assembled(vec![row(1, transfer(1, 2, 100, START_MS))]),
        ];
        assert!(cases.iter().all(|case| case.peer == Some(origin("bank_a").institution)));
        cases
    };
    over_cap: OverCap => vec![assembled(vec![
        row(0, transfer(1, 2, 100, START_MS)),
        row(0, transfer(1, 3, 100, START_MS)),
        row(0, transfer(1, 4, 100, START_MS)),
    ])];
}
